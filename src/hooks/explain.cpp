#include <algorithm>

#include "hooks/rule_set.hpp"

namespace keepmq::hooks {
namespace {

/// A statement with the placeholders of the dialect, and what each stands for.
std::string shown(const store::Statement& statement,
                  std::span<const Parameter> parameters,
                  const store::Backend& backend) {
    std::string text;
    std::string legend;
    for (std::size_t i = 0; i < statement.pieces.size(); ++i) {
        text += statement.pieces[i];
        if (i >= parameters.size())
            continue;
        const auto placeholder = backend.placeholder(i);
        text += placeholder;
        legend += (legend.empty() ? " [" : ", ") + placeholder + " = " + parameters[i].source;
    }
    if (!legend.empty())
        legend += ']';
    return text + legend;
}

std::string options(const Rule& rule) {
    std::string text;
    const auto add = [&text](const std::string& one) {
        text += (text.empty() ? " (" : ", ") + one;
    };
    if (rule.hook == Hook::message_publish) {
        if (rule.durability == Durability::enqueue)
            add("acknowledged when queued");
        else if (rule.durability == Durability::none)
            add("acknowledged at once");
        else
            add("acknowledged when committed");
        if (rule.deliver == Deliver::after_commit)
            add("delivered after the commit");
    }
    if (rule.expired_time)
        add("kept " + std::to_string(rule.expired_time->count()) + " s");
    const bool has_position = rule.function == Function::on_message_fetch ||
                              rule.function == Function::on_message_fetch_for_keep_latest;
    if (has_position)
        add(rule.fetch_from == store::FetchFrom::latest ? "from latest" : "from earliest");
    if (rule.max_returned_count)
        add("at most " + std::to_string(*rule.max_returned_count));
    if (rule.time_range)
        add("of the last " + std::to_string(rule.time_range->count()) + " ms");
    return text.empty() ? text : text + ')';
}

}  // namespace

std::string explain(const RuleSet& rules, const Rule& rule, const store::Backend& backend) {
    std::string text = rule_name(rule);
    if (rule.filter)
        text += " " + rule.filter->str();
    text += " -> ";
    if (rule.function) {
        text += to_string(*rule.function);
    } else {
        std::size_t used = 0;
        const std::span<const Parameter> all = rule.parameters;
        for (const auto& statement : rule.statements->list) {
            if (used > 0 || &statement != &rule.statements->list.front())
                text += "; ";
            text += shown(statement, all.subspan(used, statement.parameters()), backend);
            used += statement.parameters();
        }
    }
    text += options(rule) + " -> " + rules.pool_names()[rule.pool];
    std::ranges::replace_if(
        text, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
    return text;
}

}  // namespace keepmq::hooks
