#pragma once
// What a RuleSet holds. Only for the sources of this module.

#include <array>
#include <string>
#include <vector>

#include "hooks/functions.hpp"
#include "hooks/rules.hpp"
#include "hooks/topic_match.hpp"

namespace keepmq::hooks {

struct RuleSet::Impl {
    struct Bound {
        TopicMatch match;
        const Rule* rule;
    };

    std::string node;
    std::vector<std::string> pool_names;
    std::vector<Rule> rules;  ///< not changed after `bind`: `Bound` points into it
    std::array<std::vector<Bound>, hook_count> by_hook;
    std::vector<const Rule*> lookups;  ///< on_subscribe_lookup of any hook, one per pool

    [[nodiscard]] const std::vector<Bound>& bound(Hook hook) const {
        return by_hook[static_cast<std::size_t>(hook)];
    }

    /// Builds the indexes over `rules`.
    void bind();
};

/// One rule, or nothing after an error.
[[nodiscard]] std::optional<Rule> compile_rule(const config::RuleSpec& spec,
                                               const config::PluginConf& conf,
                                               const store::BackendDescriptor& descriptor,
                                               Diagnostics& diagnostics);

/// Rules that play a part on the same topics but name different pools, and rules that would do the
/// same thing twice.
void check_parts(std::span<const Rule> rules,
                 std::span<const std::string> pool_names,
                 Diagnostics& diagnostics);

[[nodiscard]] bool overlap(const Rule& a, const Rule& b);

/// `message.publish.1`
[[nodiscard]] std::string rule_name(const Rule& rule);

}  // namespace keepmq::hooks
