// Queries of a plugin that is reloaded: what its pools did not answer, those of the new one do.

#include <algorithm>

#include "runtime/shard.hpp"

namespace keepmq::runtime {

void Shard::ask(FetchSource& source) {
    const auto& page = source.page;
    store::FetchMessages fetch;
    fetch.client = page.client;
    fetch.filter = page.filter;
    fetch.mode = source.plan.mode;
    if (page.after)
        fetch.after = store::Position{*page.after};
    fetch.limit = page.limit;
    if (source.plan.time_range)
        fetch.not_before = now_.wall - std::chrono::duration_cast<Micros>(*source.plan.time_range);
    const bool wildcard = page.filter.view().find_first_of("+#") != std::string_view::npos;
    // Only the first page needs the barrier: what is written later is held behind the fence.
    const store::Order order{store::order_key(page.filter.view()), wildcard && !page.after};
    source.asked = pending_.add(FetchWait{page.fence, source.plugin, page.filter});
    query(source.plugin, source.plan.pool, std::move(fetch), order, source.plan.rule, source.asked);
}

void Shard::ask(const Target& target, broker::FenceId fence, const TopicFilter& filter) {
    query(target.plugin,
          target.pool,
          store::LookupRetained{filter},
          {store::order_key(filter.view()), false},
          target.rule,
          pending_.add(RetainedWait{fence, filter, target}));
}

void Shard::ask(const Target& target, const ClientId& client) {
    query(target.plugin,
          target.pool,
          store::LookupSubscriptions{client},
          {store::order_key(client.view()), false},
          target.rule,
          pending_.add(LookupWait{client, target}));
}

bool Shard::ask_successor(const Wait& wait, const store::Outcome& outcome) {
    if (!outcome.failure || outcome.failure->code != store::errc::shutting_down)
        return false;
    if (const auto* retained = std::get_if<RetainedWait>(&wait)) {
        auto target = retained->asked;
        const bool is_there = hand_over(target);
        if (is_there)
            ask(target, retained->fence, retained->filter);
        return is_there;
    }
    if (const auto* lookup = std::get_if<LookupWait>(&wait)) {
        auto target = lookup->asked;
        const bool is_there = hand_over(target);
        if (is_there)
            ask(target, lookup->client);
        return is_there;
    }
    if (const auto* fetch = std::get_if<FetchWait>(&wait)) {
        // It has its new source since the plugin was replaced.
        const auto source = fetches_.find(static_cast<std::uint64_t>(fetch->fence));
        const bool is_there = source != fetches_.end() && source->second.plugin != fetch->asked;
        if (is_there)
            ask(source->second);
        return is_there;
    }
    return false;
}

/// Nobody wants the page any more.
void Shard::cancel(FetchSource& source) {
    if (source.asked == 0)
        return;
    if (held(source.plugin.get()) == nullptr)
        source.plugin->pool(source.plan.pool).cancel(*this, source.asked);
    pending_.erase(std::exchange(source.asked, 0));
}

void Shard::hand_over_fetches() {
    for (auto it = fetches_.begin(); it != fetches_.end();) {
        const bool goes_on = std::ranges::find(plugins_, it->second.plugin) != plugins_.end() ||
                             hand_over(it->second);
        it = goes_on ? std::next(it) : fetches_.erase(it);
    }
}

bool Shard::hand_over(FetchSource& source) const {
    Target target{source.plugin, source.plan.pool, source.plan.rule};
    if (!hand_over(target))
        return false;
    source.plugin = target.plugin;
    source.plan.pool = target.pool;
    source.plan.rule = target.rule;
    return true;
}

bool Shard::hand_over(Target& target) const {
    const auto successor = std::ranges::find(plugins_, target.plugin->name(), &Plugin::name);
    if (successor == plugins_.end() || *successor == target.plugin)
        return false;
    const auto& rules = (*successor)->rules();
    const auto pool =
        std::ranges::find(rules.pool_names(), target.plugin->rules().pool_names()[target.pool]);
    if (pool == rules.pool_names().end())
        return false;
    const auto rule = std::ranges::find_if(rules.rules(), [&](const hooks::Rule& candidate) {
        return target.rule != nullptr && candidate.context->name == target.rule->name;
    });
    target.rule = rule == rules.rules().end() ? nullptr : rule->context.get();
    target.pool = static_cast<std::size_t>(pool - rules.pool_names().begin());
    target.plugin = *successor;
    return true;
}

}  // namespace keepmq::runtime
