// Carrying out the broker's effects: rules run here, operations go to the pools.

#include <algorithm>
#include <boost/asio/post.hpp>

#include "base/overloaded.hpp"
#include "runtime/shard.hpp"

namespace keepmq::runtime {
namespace {

store::FetchMode mode_of(const hooks::FetchPlan& plan) {
    return plan.mode;
}

broker::ReplayPlan::Mode replay_mode(store::FetchMode mode) {
    switch (mode) {
        case store::FetchMode::after_cursor:
            return broker::ReplayPlan::Mode::after_cursor;
        case store::FetchMode::queue:
            return broker::ReplayPlan::Mode::queue;
        case store::FetchMode::latest:
            return broker::ReplayPlan::Mode::latest;
    }
    return broker::ReplayPlan::Mode::after_cursor;
}

}  // namespace

void Shard::carry_out() {
    if (carrying_out_)
        return;
    carrying_out_ = true;
    for (;;) {
        broker_.swap_effects(effects_);
        if (effects_.empty() && !gate_.turn_away())
            break;
        for (auto& effect : effects_) std::visit([this](auto& each) { run(each); }, effect);
        effects_.clear();
    }
    carrying_out_ = false;
    hand_over_changes();
    if (exchange_)
        exchange_->show(broker_.stats());
    if (broker_.is_dirty())
        schedule_flush();
}

void Shard::run(broker::Close& effect) {
    auto* client = clients_.find(effect.connection);
    if (!client || client->closing)
        return;
    client->closing = true;
    paused_.erase(effect.connection);
    client->connection->pause_reading();
    client->connection->close_soon();
    closing_.push_back(effect.connection);
    schedule_flush();
}

void Shard::run(broker::Published& effect) {
    if (!exchange_) {
        gate_.close_until(effect.after);
        publish(effect, {});
        return;
    }
    if (!others_have_room())
        pause(effect.from);
    if (effect.elsewhere)
        hand_over(effect);
    else
        publish_in_order(effect, {});
}

void Shard::publish(broker::Published& effect, Reply reply) {
    const PublishWait wait{.ticket = effect.ticket,
                           .deliver = nullptr,
                           .reply = reply,
                           .id = effect.message->id,
                           .repeatable = effect.repeatable};
    const bool awaits =
        effect.ticket != Ticket{} || (reply.token != 0 && effect.message->qos != Qos::at_most_once);
    store::Token token = 0;
    bool after_commit = false;
    bool leased = false;
    needs_identity_ = !gate_.is_durable(effect.after);
    for (const auto& plugin : plugins_) {
        if (!publish_listened_)
            break;
        publish_plan_.writes.clear();
        publish_plan_.deliver_after_commit = false;
        plugin->rules().on_publish(effect.message, publish_plan_);
        after_commit |= publish_plan_.deliver_after_commit;
        // Until the letters and sessions hold it: a fetch elsewhere may see the row at once.
        if (exchange_ && !leased && effect.message->stored && exchange_->leases().on()) {
            exchange_->leases().take(effect.message->id);
            leased = true;
        }
        for (auto& write : publish_plan_.writes) {
            const bool awaited = write.awaited && (awaits || publish_plan_.deliver_after_commit);
            if (awaited && token == 0)
                token = pending_.add(wait);
            if (awaited)
                ++std::get<PublishWait>(*pending_.find(token)).open;
            submit(plugin, write, awaited ? token : 0);
            if (effect.from != ConnectionId{} && !has_room(plugin, write.pool))
                pause(effect.from);
        }
    }
    needs_identity_ = false;
    if (token != 0 && after_commit && !effect.again) {
        std::get<PublishWait>(*pending_.find(token)).deliver = effect.message;
    } else if (!effect.again) {
        const auto before = broker_.changes_made();
        token = spread(effect.message, wait, token);
        const bool kept = broker_.changes_made() != before || (exchange_ && token != 0);
        if (kept && !sessions_have_room())
            pause(effect.from);
    }
    if (token != 0 && effect.from != ConnectionId{} && !broker_.accepts_more(effect.from))
        pause(effect.from);
    if (leased)
        exchange_->leases().give_back(effect.message->id);
    if (token == 0)
        conclude(wait);
}

void Shard::conclude(const PublishWait& settled) {
    if (settled.ticket != Ticket{}) {
        if (settled.wide)  // also if it is refused: the readers have it
            broker_.routed(settled.ticket, false);
        broker_.settle(settled.ticket, settled.reason, now_);
        if (settled.wide && settled.repeatable)
            say_unrepeatable(settled.id);
    }
    if (settled.reply.token == 0)
        return;
    if (is_error(settled.reason) && settled.wide && settled.repeatable)
        exchange_->send(settled.reply.shard,
                        Answer{.token = settled.reply.token, .routed = true, .id = settled.id});
    exchange_->send(
        settled.reply.shard,
        Answer{.token = settled.reply.token, .reason = settled.reason, .id = settled.id});
}

void Shard::carry_out(const PluginPtr& plugin, hooks::ConnectPlan& plan, const ClientId& client) {
    submit_all(plugin, plan.writes);
    for (const auto& lookup : plan.lookups) ask(Target{plugin, lookup.pool, lookup.rule}, client);
}

void Shard::run(broker::Occurred& effect) {
    const auto lookups = settings_.mqtt.lookup_on_every_connect ? hooks::Lookups::every_connect
                                                                : hooks::Lookups::as_bound;
    for (const auto& plugin : plugins_) {
        writes_.clear();
        const auto& rules = plugin->rules();
        std::visit(
            Overloaded{
                [&](const ClientConnected& event) {
                    hooks::ConnectPlan plan;
                    rules.on_connected(event, plan, lookups);
                    carry_out(plugin, plan, event.who.client);
                },
                [&](const ClientDisconnected& event) { rules.on_disconnected(event, writes_); },
                [&](const SessionUnsubscribed& event) { rules.on_unsubscribed(event, writes_); },
                [&](const MessageDelivered& event) { rules.on_delivered(event, writes_); },
                [&](const MessageAcked& event) { rules.on_acked(event, writes_); },
                [&](const MessagePublish&) {},
                [&](const SessionSubscribed&) {},
                [&](const auto& event) {
                    hooks::ConnectPlan plan;
                    rules.on_session(Event{event}, plan, lookups);
                    carry_out(plugin, plan, event.who.client);
                },
            },
            effect.event);
        submit_all(plugin, writes_);
    }
}

void Shard::run(broker::Subscribed& effect) {
    broker::ReplayPlan replay;
    const auto fence = static_cast<std::uint64_t>(effect.fence);
    std::vector<Target> lookups;
    for (const auto& plugin : plugins_) {
        hooks::SubscribePlan plan;
        plugin->rules().on_subscribed(
            effect.event,
            plan,
            effect.resumed ? hooks::Subscribing::before : hooks::Subscribing::now);
        for (auto& write : plan.writes) {
            replay.awaited_writes += write.awaited ? 1 : 0;
            submit(plugin, write, write.awaited ? pending_.add(SubscribeWait{effect.fence}) : 0);
        }
        if (plan.fetch && !replay.fetch) {
            replay.fetch = broker::ReplayPlan::FetchSpec{replay_mode(mode_of(*plan.fetch)),
                                                         plan.fetch->max_returned_count};
            fetches_[fence] = {plugin, *plan.fetch, 0, {}};
        }
        if (effect.wants_retained)
            for (const auto& retain : plan.retained)
                lookups.push_back({plugin, retain.pool, retain.rule});
    }
    const bool asks = exchange_ && effect.wants_retained;
    replay.awaited_retained = lookups.size() + (asks ? count_owners(effect.event.filter) : 0);
    broker_.on_subscribe_plan(effect.fence, replay, now_);
    for (const auto& lookup : lookups) ask(lookup, effect.fence, effect.event.filter);
    if (asks)
        ask_owners(effect.event.filter, [&] {
            return FindRetained{effect.event.filter, exchange_->index(), effect.fence};
        });
}

void Shard::run(broker::Fetch& effect) {
    const auto found = fetches_.find(static_cast<std::uint64_t>(effect.fence));
    if (found == fetches_.end()) {
        broker_.on_fetch_failed(effect.fence, now_);
        return;
    }
    found->second.page = std::move(effect);
    ask(found->second);
}

void Shard::run(broker::GoOn& effect) {
    boost::asio::post(loop_, [this, fence = effect.fence] {
        now_ = read_clocks();
        broker_.go_on(fence, now_);
        carry_out();
    });
}

void Shard::run(broker::FenceEnded& effect) {
    const auto found = fetches_.find(static_cast<std::uint64_t>(effect.fence));
    if (found == fetches_.end())
        return;
    // One who subscribes and leaves again and again must not keep the readers busy.
    cancel(found->second);
    fetches_.erase(found);
}

void Shard::run(broker::PositionMoved& effect) {
    for (const auto& plugin : plugins_) {
        writes_.clear();
        plugin->rules().on_position(effect.client, effect.topic, effect.id, now_.wall, writes_);
        submit_all(plugin, writes_);
    }
}

Shard::Held* Shard::held(const Plugin* plugin) {
    const auto found =
        std::ranges::find_if(held_, [&](const Held& each) { return each.plugin.get() == plugin; });
    return found == held_.end() ? nullptr : &*found;
}

void Shard::submit(const PluginPtr& plugin, hooks::Write& write, store::Token token) {
    if (!gate_.is_closed()) {
        submit_now(plugin, std::move(write), token);
        return;
    }
    Gate::Work refuse;
    if (needs_identity_ && token != 0)  // what nobody waits for has no identity to lose
        refuse = [this, token] { one_done(token, mqtt::ReasonCode::quota_exceeded); };
    gate_.add(
        [this, plugin, moved = std::make_shared<hooks::Write>(std::move(write)), token] {
            submit_now(plugin, std::move(*moved), token);
        },
        std::move(refuse));
}

void Shard::submit_now(const PluginPtr& plugin, hooks::Write&& write, store::Token token) {
    store::CompletionSink* sink = token == 0 ? nullptr : this;
    if (auto* waiting = held_.empty() ? nullptr : held(plugin.get())) {
        waiting->work->run_or_keep(
            [plugin, moved = std::make_shared<hooks::Write>(std::move(write)), sink, token] {
                plugin->pool(moved->pool)
                    .submit(std::move(moved->op), moved->order, moved->rule, sink, token);
            });
        return;
    }
    plugin->pool(write.pool).submit(std::move(write.op), write.order, write.rule, sink, token);
}

void Shard::submit_all(const PluginPtr& plugin, std::vector<hooks::Write>& writes) {
    for (auto& write : writes) submit(plugin, write, 0);
    writes.clear();
}

void Shard::query(const PluginPtr& plugin,
                  std::size_t pool,
                  store::Query query,
                  store::Order order,
                  store::RuleContext* rule,
                  store::Token token) {
    if (!gate_.is_closed()) {
        query_now(plugin, pool, std::move(query), order, rule, token);
        return;
    }
    gate_.add([this,
               plugin,
               pool,
               moved = std::make_shared<store::Query>(std::move(query)),
               order,
               rule,
               token] {
        if (pending_.find(token) != nullptr)  // else nobody waits for it any more
            query_now(plugin, pool, std::move(*moved), order, rule, token);
    });
}

void Shard::query_now(const PluginPtr& plugin,
                      std::size_t pool,
                      store::Query&& query,
                      store::Order order,
                      store::RuleContext* rule,
                      store::Token token) {
    if (auto* waiting = held_.empty() ? nullptr : held(plugin.get())) {
        waiting->work->run_or_keep(
            [this,
             plugin,
             pool,
             moved = std::make_shared<store::Query>(std::move(query)),
             order,
             rule,
             token] { plugin->pool(pool).query(std::move(*moved), order, rule, *this, token); });
        return;
    }
    plugin->pool(pool).query(std::move(query), order, rule, *this, token);
}

bool Shard::has_room(const PluginPtr& plugin, std::size_t pool) {
    if (gate_.size() >= settings_.store.queue_limit)
        return false;
    if (const auto* waiting = held_.empty() ? nullptr : held(plugin.get()))
        return waiting->work->size() < settings_.store.queue_limit;
    return plugin->pool(pool).has_room();
}

void Shard::pause(ConnectionId publisher) {
    auto* client = clients_.find(publisher);
    if (!client || paused_.contains(publisher))
        return;
    paused_.emplace(publisher, now_.steady);
    client->connection->pause_reading();
    broker_.pause(publisher, now_);
    arm_timer();
}

void Shard::set_plugins(PluginList plugins) {
    plugins_ = std::move(plugins);
    hand_over_fetches();
    listen_to_hooks();
}

void Shard::listen_to_hooks() {
    std::vector<Hook> wanted;
    publish_listened_ = false;
    for (std::size_t i = 0; i < hook_count; ++i) {
        const auto hook = static_cast<Hook>(i);
        const bool any = std::ranges::any_of(
            plugins_, [&](const auto& each) { return each->rules().listens(hook); });
        if (any)
            wanted.push_back(hook);
        if (any && hook == Hook::message_publish)
            publish_listened_ = true;
    }
    // on_subscribe_lookup of session.created runs at every connect.
    if (std::ranges::find(wanted, Hook::session_created) != wanted.end() &&
        std::ranges::find(wanted, Hook::client_connected) == wanted.end())
        wanted.push_back(Hook::client_connected);
    broker_.listen(wanted);
}

void Shard::hold(const PluginPtr& plugin, const std::shared_ptr<HeldWork>& work) {
    held_.push_back({plugin, work});
}

void Shard::release(const Plugin* plugin) {
    std::erase_if(held_, [&](const Held& each) { return each.plugin.get() == plugin; });
}

}  // namespace keepmq::runtime
