#include "config/rule_json.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <utility>

namespace keepmq::config {
namespace json = boost::json;
namespace {

constexpr std::string_view blank = " \t";

const std::vector<std::string_view> rule_members{"topic",
                                                 "action",
                                                 "pool",
                                                 "offline_opts",
                                                 "expired_time",
                                                 "payload_format",
                                                 "fetch_from",
                                                 "durability",
                                                 "deliver"};
const std::vector<std::string_view> offline_members{"max_returned_count", "time_range"};
constexpr std::array<std::string_view, 4> statement_members{"sql", "cql", "commands", "document"};

std::string quoted(std::string_view text) {
    return '"' + printable(text) + '"';
}

std::string text_of(const json::string& text) {
    return {text.data(), text.size()};
}

std::string_view key_of(const json::key_value_pair& member) {
    return {member.key().data(), member.key().size()};
}

/// What the writer probably did, judged by the character where the reader stopped.
std::string hint_for(std::string_view text, std::size_t at) {
    if (at >= text.size())
        return "the line ends inside the value; a rule is one line";
    const char c = text[at];
    const auto before = text.find_last_not_of(blank, at == 0 ? 0 : at - 1);
    const char previous = at == 0 || before == std::string_view::npos ? '\0' : text[before];
    if (c == '\'')
        return "JSON has double quotes";
    if ((c == '}' || c == ']') && previous == ',')
        return "remove the comma before it";
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    if (letter && (previous == ',' || previous == '{'))
        return "a quote is missing before the member name";
    if (letter && previous == ':')
        return "a text value stands in double quotes";
    if (c == '"' && previous != ',' && previous != '{' && previous != ':' && previous != '[')
        return "a comma or colon is missing before it";
    return "";
}

class RuleReader {
  public:
    RuleReader(const ConfLine& line,
               std::string_view statement_member,
               RuleSpec& rule,
               Diagnostics& diagnostics)
        : line_{line},
          statement_member_{statement_member},
          rule_{rule},
          diagnostics_{diagnostics} {}

    bool run();

  private:
    void error(std::string message, std::string hint = {}) {
        failed_ = true;
        diagnostics_.error(line_.origin, line_.key, std::move(message), std::move(hint));
    }
    void unknown(std::string_view name,
                 const std::vector<std::string_view>& known,
                 std::string_view inside = {});
    std::optional<json::value> parse();
    void syntax_error(std::size_t at);
    void text(const json::value& value, std::string_view name, std::optional<std::string>& out);
    void member(std::string_view name, const json::value& value);
    void action(const json::value& value);
    void action_member(std::string_view name, const json::value& value);
    void statements(std::string_view name, const json::value& value);
    void document(const json::object& action);
    void offline(const json::value& value);
    void max_returned(const json::value& value);
    void time_range(const json::value& value);
    void expired_time(const json::value& value);

    const ConfLine& line_;
    std::string_view statement_member_;
    RuleSpec& rule_;
    Diagnostics& diagnostics_;
    bool failed_ = false;
};

void RuleReader::syntax_error(std::size_t at) {
    error("not valid JSON at column " + std::to_string(line_.column + static_cast<int>(at)),
          hint_for(line_.value, at));
}

std::optional<json::value> RuleReader::parse() {
    const auto& text = line_.value;
    json::stream_parser parser;
    json::error_code failed;
    const auto used = parser.write_some(text, failed);
    if (!failed && used == text.size() && !parser.done())
        parser.finish(failed);
    if (failed || used < text.size()) {
        syntax_error(used);
        return std::nullopt;
    }
    return parser.release();
}

void RuleReader::unknown(std::string_view name,
                         const std::vector<std::string_view>& known,
                         std::string_view inside) {
    const auto near = nearest(name, known);
    diagnostics_.warning(line_.origin,
                         line_.key,
                         "unknown member " + quoted(name) +
                             (inside.empty() ? "" : " of " + quoted(inside)) + " is ignored",
                         near ? "did you mean " + quoted(*near) + '?' : std::string{});
}

void RuleReader::text(const json::value& value,
                      std::string_view name,
                      std::optional<std::string>& out) {
    if (const auto* found = value.if_string())
        out = text_of(*found);
    else
        error(quoted(name) + " must be a text in quotes");
}

void RuleReader::statements(std::string_view name, const json::value& value) {
    const auto* list = value.if_array();
    const bool texts = list != nullptr &&
                       std::ranges::all_of(*list, [](const auto& one) { return one.is_string(); });
    if (!texts || list->empty()) {
        error(quoted(name) + " must be a list of texts", "write [\"...\"]");
        return;
    }
    rule_.statement_member = std::string{name};
    for (const auto& one : *list) rule_.statements.push_back(text_of(one.get_string()));
}

void RuleReader::action_member(std::string_view name, const json::value& value) {
    std::optional<std::string> function;
    if (name == "function") {
        text(value, "function", function);
        rule_.function = function.value_or("");
        if (function && function->empty())
            error("\"function\" is empty");
    } else if (!statement_member_.empty() && name == statement_member_) {
        statements(name, value);
    } else if (std::ranges::find(statement_members, name) != statement_members.end()) {
        error(quoted(name) + " is not an action of this database",
              statement_member_.empty() ? "it has functions only"
                                        : "use " + quoted(statement_member_));
    } else {
        const std::vector<std::string_view> known =
            statement_member_.empty()
                ? std::vector<std::string_view>{"function"}
                : std::vector<std::string_view>{"function", statement_member_};
        const auto near = nearest(name, known);
        error("unknown action " + quoted(name),
              near ? "did you mean " + quoted(*near) + '?' : std::string{});
    }
}

/// An action of a document database: where to, and what.
void RuleReader::document(const json::object& action) {
    const auto* const collection = action.if_contains("collection");
    const auto* const document = action.if_contains("document");
    if (collection == nullptr || !collection->is_string() || document == nullptr ||
        !document->is_object()) {
        error(R"("collection" must be a text and "document" an object)",
              R"(write {"collection": "name", "document": {...}})");
        return;
    }
    for (const auto& one : action)
        if (one.key() != "collection" && one.key() != "document")
            unknown(key_of(one), {"collection", "document"}, "action");
    rule_.statement_member = std::string{statement_member_};
    rule_.statements.push_back(
        json::serialize(json::object{{"collection", *collection}, {"document", *document}}));
}

void RuleReader::action(const json::value& value) {
    const auto* object = value.if_object();
    if (object == nullptr) {
        error("\"action\" must be an object", R"(write {"function": "..."})");
        return;
    }
    if (statement_member_ == "document" &&
        (object->contains("collection") || object->contains("document"))) {
        document(*object);
        return;
    }
    if (object->size() != 1) {
        error("\"action\" must have exactly one member",
              statement_member_.empty() ? "\"function\""
                                        : "\"function\" or " + quoted(statement_member_));
        return;
    }
    action_member(key_of(*object->begin()), object->begin()->value());
}

void RuleReader::max_returned(const json::value& value) {
    if (value.is_string() && value.get_string() == "infinity")
        rule_.max_returned_infinite = true;
    else if (const auto* count = value.if_int64(); count != nullptr && *count > 0)
        rule_.max_returned_count = static_cast<std::uint64_t>(*count);
    else
        error(R"("max_returned_count" must be a whole number above 0 or "infinity")");
}

void RuleReader::time_range(const json::value& value) {
    const auto* found = value.if_string();
    const auto range = found == nullptr ? std::nullopt : parse_duration(text_of(*found));
    if (range && !*range)
        rule_.time_range_infinite = true;
    else if (range && (*range)->count() > 0)
        rule_.time_range = **range;
    else
        error(R"("time_range" must be a duration or "infinity")",
              R"(write "2h", with one of d, h, m, s)");
}

void RuleReader::offline(const json::value& value) {
    const auto* object = value.if_object();
    if (object == nullptr) {
        error("\"offline_opts\" must be an object",
              R"(write {"max_returned_count": 500, "time_range": "2h"})");
        return;
    }
    for (const auto& one : *object) {
        if (one.key() == "max_returned_count")
            max_returned(one.value());
        else if (one.key() == "time_range")
            time_range(one.value());
        else
            unknown(key_of(one), offline_members, "offline_opts");
    }
}

void RuleReader::expired_time(const json::value& value) {
    // A century: beyond it, date arithmetic of some databases ends.
    constexpr std::int64_t longest = 3'155'760'000;
    if (value.is_string() && value.get_string() == "infinity")
        rule_.expired_time = -1;
    else if (const auto* seconds = value.if_int64(); seconds != nullptr && *seconds <= longest)
        rule_.expired_time = std::max<std::int64_t>(0, *seconds);  // 0 or less: the plugin's value
    else
        error(R"("expired_time" must be a whole number of seconds or "infinity")");
}

void RuleReader::member(std::string_view name, const json::value& value) {
    if (name == "action") {
        action(value);
    } else if (name == "topic") {
        text(value, name, rule_.topic);
    } else if (name == "pool") {
        std::optional<std::string> pool;
        text(value, name, pool);
        rule_.pool = pool.value_or("");
    } else if (name == "offline_opts") {
        offline(value);
    } else if (name == "expired_time") {
        expired_time(value);
    } else if (name == "payload_format") {
        text(value, name, rule_.payload_format);
    } else if (name == "fetch_from") {
        text(value, name, rule_.fetch_from);
    } else if (name == "durability") {
        text(value, name, rule_.durability);
    } else if (name == "deliver") {
        text(value, name, rule_.deliver);
    } else {
        unknown(name, rule_members);
    }
}

bool RuleReader::run() {
    const auto parsed = parse();
    if (!parsed)
        return false;
    const auto* object = parsed->if_object();
    if (object == nullptr) {
        error("a rule must be a JSON object", R"(write {"action": {...}, "pool": "pool1"})");
        return false;
    }
    for (const auto& one : *object) member(key_of(one), one.value());
    if (!object->contains("action"))
        error("\"action\" is missing");
    if (!object->contains("pool"))
        error("\"pool\" is missing", R"(write "pool": "pool1")");
    if (rule_.payload_format && *rule_.payload_format != "mongo_json" &&
        *rule_.payload_format != "plain_text") {
        error("\"payload_format\" cannot be " + quoted(*rule_.payload_format),
              R"(write "mongo_json" or "plain_text")");
    }
    return !failed_;
}

}  // namespace

bool read_rule(const ConfLine& line,
               std::string_view statement_member,
               RuleSpec& rule,
               Diagnostics& diagnostics) {
    return RuleReader{line, statement_member, rule, diagnostics}.run();
}

}  // namespace keepmq::config
