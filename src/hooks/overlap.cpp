// Rules that would get into each other's way, found before any event does.

#include "hooks/rule_set.hpp"
#include "model/topic.hpp"

namespace keepmq::hooks {
namespace {

Part part_of(const Rule& rule) {
    return rule.function ? hooks::part_of(*rule.function) : Part::none;
}

/// Two stores may be copies of each other; anything else reads or moves what the other one keeps.
bool need_one_pool(const Rule& a, const Rule& b) {
    const auto first = part_of(a);
    const auto second = part_of(b);
    return first != Part::none && second != Part::none &&
           !(first == Part::store && second == Part::store) && overlap(a, b);
}

std::string filter_of(const Rule& rule) {
    return rule.filter ? rule.filter->str() : std::string{"every topic"};
}

std::string described(const Rule& rule) {
    return rule_name(rule) + " (" + std::string{to_string(*rule.function)} + ", " +
           filter_of(rule) + ")";
}

/// Rules of which only the first can act when both match.
bool same_work(const Rule& a, const Rule& b) {
    if (a.hook != b.hook || a.pool != b.pool || !a.function || !b.function || !overlap(a, b))
        return false;
    const auto part = part_of(a);
    if (part != Part::none)
        return part == part_of(b);
    return a.function == b.function && a.hook == Hook::session_subscribed;
}

std::string advice(const Rule& earlier, const Rule& later) {
    const bool publish = earlier.function == Function::on_message_publish ||
                         later.function == Function::on_message_publish;
    const bool any_qos = earlier.function == Function::on_message_store ||
                         later.function == Function::on_message_store;
    if (publish && any_qos)
        return "on_message_store replaces on_message_publish: remove the rule with the latter";
    return "remove one of the two";
}

}  // namespace

bool overlap(const Rule& a, const Rule& b) {
    return !a.filter || !b.filter || filters_overlap(a.filter->view(), b.filter->view());
}

void check_parts(std::span<const Rule> rules,
                 std::span<const std::string> pool_names,
                 Diagnostics& diagnostics) {
    for (std::size_t later = 0; later < rules.size(); ++later) {
        const auto& b = rules[later];
        for (std::size_t earlier = 0; earlier < later; ++earlier) {
            const auto& a = rules[earlier];
            if (a.pool != b.pool && need_one_pool(a, b)) {
                diagnostics.error(b.origin,
                                  b.key,
                                  "uses the pool \"" + pool_names[b.pool] + "\", but " +
                                      described(a) + " covers the same topics in \"" +
                                      pool_names[a.pool] + '"',
                                  "storing, fetching and acknowledging a topic need one pool");
            } else if (same_work(a, b)) {
                diagnostics.warning(
                    b.origin,
                    b.key,
                    "does the same as " + described(a) + " where both match: it is done once",
                    advice(a, b));
            }
        }
    }
}

void check_overlap(const RuleSet& loaded,
                   const RuleSet& candidate,
                   std::string_view candidate_name,
                   Diagnostics& diagnostics) {
    for (const auto& b : candidate.rules()) {
        for (const auto& a : loaded.rules()) {
            if (!need_one_pool(a, b))
                continue;
            diagnostics.error(b.origin,
                              b.key,
                              std::string{candidate_name} + " covers the same topics as " +
                                  described(a) + " of " + a.origin.file,
                              "storing, fetching and acknowledging a topic need one database");
        }
    }
}

}  // namespace keepmq::hooks
