// One rule line: names resolved, statements split, options read.

#include <algorithm>
#include <array>
#include <utility>

#include "hooks/rule_set.hpp"
#include "model/topic.hpp"

namespace keepmq::hooks {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// EMQ X lets keys in Redis die after an hour unless the configuration says otherwise.
constexpr seconds redis_expiry{3600};

std::string quoted(std::string_view text) {
    return '"' + config::printable(text) + '"';
}

std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& known) {
    const auto near = config::nearest(word, known);
    return near ? "did you mean " + quoted(*near) + '?' : std::string{};
}

bool has_topic(Hook hook) {
    switch (hook) {
        case Hook::session_subscribed:
        case Hook::session_unsubscribed:
        case Hook::message_publish:
        case Hook::message_delivered:
        case Hook::message_acked:
            return true;
        default:
            return false;
    }
}

class RuleCompiler {
  public:
    RuleCompiler(const config::RuleSpec& spec,
                 const config::PluginConf& conf,
                 const store::BackendDescriptor& descriptor,
                 Diagnostics& diagnostics)
        : spec_{spec}, conf_{conf}, descriptor_{descriptor}, diagnostics_{diagnostics} {}

    std::optional<Rule> run();

  private:
    void error(std::string message, std::string hint = {}) {
        failed_ = true;
        diagnostics_.error(spec_.origin, spec_.key, std::move(message), std::move(hint));
    }
    void warning(std::string message, std::string hint = {}) {
        diagnostics_.warning(spec_.origin, spec_.key, std::move(message), std::move(hint));
    }
    template <class T>
    T choose(const std::optional<std::string>& word,
             std::string_view member,
             const std::vector<std::pair<std::string_view, T>>& known,
             T otherwise);

    void function();
    void pool();
    void topic();
    void statements();
    void fetching();
    void expiry();
    void waiting();
    void payload_format();
    [[nodiscard]] const std::string* setting(std::string_view name) const;
    [[nodiscard]] bool is(Part part) const {
        return rule_.function && part_of(*rule_.function) == part;
    }

    const config::RuleSpec& spec_;
    const config::PluginConf& conf_;
    const store::BackendDescriptor& descriptor_;
    Diagnostics& diagnostics_;
    bool failed_ = false;
    Rule rule_;
};

template <class T>
T RuleCompiler::choose(const std::optional<std::string>& word,
                       std::string_view member,
                       const std::vector<std::pair<std::string_view, T>>& known,
                       T otherwise) {
    if (!word)
        return otherwise;
    std::string list;
    for (const auto& [name, value] : known) {
        if (name == *word)
            return value;
        list += (list.empty() ? "" : " or ") + quoted(name);
    }
    error(quoted(member) + " cannot be " + quoted(*word), "write " + list);
    return otherwise;
}

const std::string* RuleCompiler::setting(std::string_view name) const {
    const auto found = conf_.settings.find(name);
    return found == conf_.settings.end() ? nullptr : &found->second.value;
}

void RuleCompiler::function() {
    if (spec_.function.empty())
        return;
    rule_.function = parse_function(spec_.function);
    if (!rule_.function) {
        error("unknown function " + quoted(spec_.function),
              did_you_mean(spec_.function, function_names()));
    } else if (!belongs_to(*rule_.function, spec_.hook)) {
        error("the function " + quoted(spec_.function) + " does not belong to " +
                  std::string{to_string(spec_.hook)},
              "bind it to " + hooks_of(*rule_.function));
    }
}

void RuleCompiler::pool() {
    const auto found = std::ranges::find(conf_.pools, spec_.pool, &config::PoolSpec::name);
    if (found != conf_.pools.end()) {
        rule_.pool = static_cast<std::size_t>(found - conf_.pools.begin());
        return;
    }
    std::string list;
    for (const auto& one : conf_.pools) list += (list.empty() ? "" : ", ") + one.name;
    error("unknown pool " + quoted(spec_.pool),
          list.empty() ? "this file configures no pool" : "configured here: " + list);
}

void RuleCompiler::topic() {
    if (!spec_.topic)
        return;
    if (!has_topic(spec_.hook)) {
        warning("\"topic\" has no effect on " + std::string{to_string(spec_.hook)});
        return;
    }
    const std::string_view text = *spec_.topic;
    if (text.starts_with("$share/")) {
        error("the topic filter names a shared subscription",
              "rules see the filter without $share/<group>/: write what follows it");
    } else if (!is_topic_filter(text) || !is_mqtt_utf8(text)) {
        error(quoted(text) + " is not a topic filter",
              "`#` only as the last level, `+` only as a whole level");
    } else {
        rule_.filter = TopicFilter{text};
    }
}

void RuleCompiler::statements() {
    if (spec_.statement_member.empty())
        return;
    // Redis commands are words between single spaces, documents are JSON; everything else is a
    // query language.
    const auto compile = spec_.statement_member == "commands"   ? compile_command
                         : spec_.statement_member == "document" ? compile_document
                                                                : compile_sql;
    auto list = std::make_shared<store::Statements>();
    for (const auto& text : spec_.statements) {
        auto one = compile(text, spec_.hook, spec_.origin, spec_.key, diagnostics_);
        if (!one) {
            failed_ = true;
            continue;
        }
        list->list.push_back(std::move(one->statement));
        std::ranges::move(one->parameters, std::back_inserter(rule_.parameters));
    }
    rule_.statements = std::move(list);
}

void RuleCompiler::fetching() {
    const bool options = spec_.max_returned_count || spec_.time_range ||
                         spec_.max_returned_infinite || spec_.time_range_infinite;
    if (!is(Part::fetch)) {
        if (options)
            warning("\"offline_opts\" has no effect here", "it belongs to on_message_fetch");
        if (spec_.fetch_from)
            warning("\"fetch_from\" has no effect here", "it belongs to on_message_fetch");
        return;
    }
    if (spec_.fetch_from && rule_.function == Function::on_message_fetch_for_queue)
        warning("\"fetch_from\" has no effect here", "one-to-one delivers all that is stored");
    using store::FetchFrom;
    rule_.fetch_from =
        choose<FetchFrom>(spec_.fetch_from,
                          "fetch_from",
                          {{"earliest", FetchFrom::earliest}, {"latest", FetchFrom::latest}},
                          FetchFrom::earliest);
    rule_.max_returned_count = spec_.max_returned_count;
    if (!rule_.max_returned_count && !spec_.max_returned_infinite) {
        if (const auto* text = setting("max_returned_count"))
            rule_.max_returned_count = config::parse_count(*text).value_or(std::nullopt);
    }
    rule_.time_range = spec_.time_range;
    if (!rule_.time_range && !spec_.time_range_infinite) {
        if (const auto* text = setting("time_range"))
            rule_.time_range = config::parse_duration(*text).value_or(std::nullopt);
    }
}

void RuleCompiler::expiry() {
    if (!rule_.function || !can_expire(*rule_.function)) {
        if (spec_.expired_time)
            warning("\"expired_time\" has no effect here", "it belongs to rules that store");
        return;
    }
    const auto wanted = spec_.expired_time.value_or(0);
    if (wanted < 0)
        return;  // "infinity"
    if (wanted > 0) {
        rule_.expired_time = seconds{wanted};
        return;
    }
    if (descriptor_.kind == "redis")
        rule_.expired_time = redis_expiry;
    if (const auto* text = setting("msg.expired_after")) {
        const auto value = config::parse_duration(*text);
        if (value && !*value)
            rule_.expired_time.reset();
        else if (value && **value >= seconds{1})
            rule_.expired_time = std::chrono::floor<seconds>(**value);
    }
}

void RuleCompiler::waiting() {
    if (spec_.hook != Hook::message_publish) {
        if (spec_.durability)
            warning("\"durability\" has no effect here", "it belongs to message.publish");
        if (spec_.deliver)
            warning("\"deliver\" has no effect here", "it belongs to message.publish");
        return;
    }
    rule_.durability = choose<Durability>(spec_.durability,
                                          "durability",
                                          {{"commit", Durability::commit},
                                           {"enqueue", Durability::enqueue},
                                           {"none", Durability::none}},
                                          Durability::commit);
    rule_.deliver = choose<Deliver>(
        spec_.deliver,
        "deliver",
        {{"immediate", Deliver::immediate}, {"after_commit", Deliver::after_commit}},
        Deliver::immediate);
    if (rule_.deliver == Deliver::after_commit && rule_.durability != Durability::commit) {
        error(R"("deliver": "after_commit" needs "durability": "commit")",
              "leave one of the two out");
    }
}

void RuleCompiler::payload_format() {
    if (descriptor_.kind != "mongo" || !rule_.function || !can_expire(*rule_.function)) {
        if (spec_.payload_format)
            warning("\"payload_format\" has no effect here",
                    "it belongs to rules that store in MongoDB");
        return;
    }
    using store::PayloadForm;
    // Without the option EMQ X embeds JSON in stored messages and not in retained ones.
    rule_.form = choose<PayloadForm>(
        spec_.payload_format,
        "payload_format",
        {{"mongo_json", PayloadForm::document}, {"plain_text", PayloadForm::bytes}},
        is(Part::store) ? PayloadForm::document : PayloadForm::bytes);
}

std::optional<Rule> RuleCompiler::run() {
    rule_.hook = spec_.hook;
    rule_.ordinal = spec_.ordinal;
    rule_.origin = spec_.origin;
    rule_.key = spec_.key;
    function();
    pool();
    topic();
    statements();
    fetching();
    expiry();
    waiting();
    payload_format();
    if (failed_)
        return std::nullopt;
    rule_.context = std::make_unique<store::RuleContext>();
    rule_.context->name = std::string{descriptor_.kind} + ' ' + rule_name(rule_);
    return std::move(rule_);
}

}  // namespace

std::string rule_name(const Rule& rule) {
    return std::string{to_string(rule.hook)} + '.' + std::to_string(rule.ordinal);
}

std::optional<Rule> compile_rule(const config::RuleSpec& spec,
                                 const config::PluginConf& conf,
                                 const store::BackendDescriptor& descriptor,
                                 Diagnostics& diagnostics) {
    return RuleCompiler{spec, conf, descriptor, diagnostics}.run();
}

}  // namespace keepmq::hooks
