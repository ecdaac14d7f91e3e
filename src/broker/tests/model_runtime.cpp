// The part of the world that stands for runtime: effects go to the store, answers come back.

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/overloaded.hpp"
#include "broker/tests/model_world.hpp"
#include "model/topic.hpp"

namespace keepmq::broker::model {

namespace {

std::string_view to_string(Write::Kind kind) {
    switch (kind) {
        case Write::Kind::store:
            return "store";
        case Write::Kind::init:
            return "init";
        case Write::Kind::advance:
            return "advance";
        case Write::Kind::remove:
            return "remove";
        case Write::Kind::forget:
            return "forget";
    }
    return {};
}

}  // namespace

void World::carry_out() {
    std::vector<Effect> effects;
    for (broker_->swap_effects(effects); !effects.empty(); broker_->swap_effects(effects)) {
        for (const auto& effect : effects)
            std::visit([this](const auto& each) { run(each); }, effect);
        effects.clear();
    }
}

void World::run(const Close& effect) {
    const auto found = std::find_if(clients_.begin(), clients_.end(), [&](const Client& each) {
        return each.open && each.connection == effect.connection;
    });
    if (found != clients_.end()) {
        if (!closing_.contains(effect.connection) && !climate_.refusals)
            fail(fmt::format("{} was disconnected", found->id.str()));
        found->forget_connection();
    }
    broker_->release(effect.connection);
}

void World::run(const broker::Published& effect) {
    const Uid uid = std::stoull(effect.message->payload);
    auto& published = published_[uid];
    published.message = effect.message;
    published.topic = effect.message->topic.str();
    published.place = ++places_[published.topic];
    const bool queue = climate_.mode == ReplayPlan::Mode::queue;
    published.stored =
        published.topic.starts_with("t/") && (!queue || effect.message->qos != Qos::at_most_once);
    by_id_[effect.message->id] = uid;
    if (!published.stored) {
        route(uid);
        if (effect.ticket != Ticket{})
            broker_->settle(effect.ticket, mqtt::ReasonCode::success, now_);
        return;
    }
    effect.message->stored = true;
    published.refused = climate_.refusals && !draining_ && chance(5);
    for (const auto& client : clients_) {
        if (client.qos == Qos::at_most_once || effect.message->qos == Qos::at_most_once || queue ||
            published.refused || (client.no_local && client.id == effect.message->sender))
            continue;
        Published::Promise promise;
        for (const auto& filter : client.confirmed) {
            if (filter_matches(filter, published.topic))
                promise.filters.insert(filter);
        }
        if (!promise.filters.empty())
            published.promises.emplace(number_of(client), std::move(promise));
    }
    store_.submit(Write{.kind = Write::Kind::store,
                        .key = published.topic,
                        .message = effect.message,
                        .ticket = effect.ticket,
                        .refused = published.refused});
    if (!climate_.after_commit)
        route(uid);
}

void World::route(Uid uid) {
    auto& published = published_.at(uid);
    for (const auto& client : clients_) {
        for (const auto& filter : client.subscribed) {
            if (filter_matches(filter, published.topic))
                published.live.insert(number_of(client));
        }
    }
    broker_->route(published.message, now_);
}

void World::run(const Occurred& effect) {
    std::visit(
        Overloaded{
            [&](const SessionCreated& event) {
                forget_session(client(event.who.client));
                client(event.who.client).session = true;
            },
            [&](const SessionResumed& event) {
                if (!client(event.who.client).session)
                    fail(fmt::format("{}: a session was resumed that had ended",
                                     event.who.client.str()));
            },
            [&](const SessionTerminated& event) { forget_session(client(event.who.client)); },
            [&](const SessionUnsubscribed& event) {
                if (!climate_.unsubscribe_deletes)
                    return;
                moved_.erase({event.who.client.str(), event.filter.str()});
                store_.submit(Write{.kind = Write::Kind::forget,
                                    .key = event.filter.str(),
                                    .client = event.who.client.str()});
            },
            [&](const MessageAcked& event) {
                if (climate_.mode == ReplayPlan::Mode::queue && event.message->stored)
                    store_.submit(Write{.kind = Write::Kind::remove,
                                        .key = event.message->topic.str(),
                                        .id = event.message->id});
            },
            [](const auto&) {},
        },
        effect.event);
}

void World::run(const Subscribed& effect) {
    ReplayPlan plan;
    const auto& filter = effect.event.filter.str();
    const bool fetches = filter.starts_with("t/") || filter == "#";
    if (fetches) {
        plan.fetch = ReplayPlan::FetchSpec{climate_.mode, climate_.max_returned_count};
        if (climate_.mode == ReplayPlan::Mode::after_cursor) {
            plan.awaited_writes = 1;
            store_.submit(Write{.kind = Write::Kind::init,
                                .key = filter,
                                .client = effect.event.who.client.str(),
                                .fence = effect.fence,
                                .refused = climate_.refusals && !draining_ && chance(10)});
        }
    }
    client(effect.event.who.client).opened[filter].fence = effect.fence;
    if (plan.fetch)
        fetching_.insert(effect.fence);
    note([&] {
        return fmt::format("fence {} of {} on {} opens",
                           static_cast<std::uint64_t>(effect.fence),
                           effect.event.who.client.str(),
                           filter);
    });
    broker_->on_subscribe_plan(effect.fence, plan, now_);
}

void World::run(const FenceEnded& effect) {
    note([&] { return fmt::format("fence {} ended", static_cast<std::uint64_t>(effect.fence)); });
    fetching_.erase(effect.fence);
}

void World::run(const Fetch& effect) {
    note([&] {
        return fmt::format("broker fetches {} for {} fence={} after={} limit={}",
                           effect.filter.str(),
                           effect.client.str(),
                           static_cast<std::uint64_t>(effect.fence),
                           effect.after.value_or("-"),
                           effect.limit);
    });
    if (!fetching_.contains(effect.fence))
        fail(
            fmt::format("{}: a fence fetches that has ended or has no fetch", effect.client.str()));
    store_.submit(Read{.fence = effect.fence,
                       .client = effect.client.str(),
                       .filter = effect.filter.str(),
                       .mode = climate_.mode,
                       .after = effect.after,
                       .limit = effect.limit});
}

/// The position stays where it was although what follows it was acknowledged.
void World::may_come_again(Client& who, const std::string& topic, std::uint64_t position) {
    std::erase_if(who.seen, [&](const auto& seen) {
        const auto& published = published_.at(seen.first);
        return published.topic == topic && published.place > position;
    });
    for (const auto* qos : {"/0", "/1", "/2"}) who.newest.erase(topic + qos);
}

void World::run(const PositionMoved& effect) {
    if (climate_.mode == ReplayPlan::Mode::queue)
        return;  // rows leave the queue one by one; nobody keeps a position
    auto& who = client(effect.client);
    const auto& topic = effect.topic.str();
    const auto uid = by_id_.at(effect.id);
    const auto place = published_.at(uid).place;
    note([&] {
        return fmt::format("position of {} on {} is {} place={}", who.id.str(), topic, uid, place);
    });
    auto& last = moved_[{who.id.str(), topic}];
    if (published_.at(uid).refused) {
        may_come_again(who, topic, last);  // no such row: the database does nothing
        return;
    }
    last = std::max(last, place);  // the database does not go back
    for (const auto& [other, published] : published_) {
        const auto promise = published.promises.find(number_of(who));
        if (published.topic == topic && published.place <= place &&
            promise != published.promises.end() && !promise->second.acked)
            fail(fmt::format("{}: position on {} passed {} (place {}), which is not acknowledged",
                             who.id.str(),
                             topic,
                             other,
                             published.place));
    }
    if (std::none_of(who.subscribed.begin(), who.subscribed.end(), [&](const auto& filter) {
            return filter_matches(filter, topic);
        }))
        fail(fmt::format("{}: position on {} moved without a subscription", who.id.str(), topic));
    store_.submit(
        Write{.kind = Write::Kind::advance, .key = topic, .client = who.id.str(), .id = effect.id});
}

bool World::tell_outcome() {
    if (store_.outcomes.empty())
        return false;
    const auto write = std::move(store_.outcomes.front());
    store_.outcomes.pop_front();
    note([&] {
        return fmt::format("outcome of {} {} {}fence={}{}",
                           to_string(write.kind),
                           write.key,
                           write.message ? write.message->payload + " " : "",
                           static_cast<std::uint64_t>(write.fence),
                           write.refused ? ": refused" : "");
    });
    if (write.kind == Write::Kind::store)
        tell_stored(write);
    else if (write.kind == Write::Kind::init)
        tell_initial(write);
    carry_out();
    return true;
}

void World::tell_stored(const Write& write) {
    const auto uid = by_id_.at(write.message->id);
    if (climate_.after_commit && !write.refused)
        route(uid);
    if (write.ticket != Ticket{})
        broker_->settle(write.ticket,
                        write.refused ? mqtt::ReasonCode::implementation_specific_error
                                      : mqtt::ReasonCode::success,
                        now_);
}

void World::tell_initial(const Write& write) {
    auto& who = client(ClientId{write.client});
    const auto opened = who.opened.find(write.key);
    if (opened != who.opened.end() && opened->second.fence == write.fence) {
        if (!write.refused)
            opened->second.durable = true;
        else if (!opened->second.durable)
            subscription_is_refused(who, write.key);
    }
    broker_->on_subscribe_write(write.fence, !write.refused, now_);
}

bool World::tell_go_on() {
    if (going_on_.empty())
        return false;
    broker_->go_on(going_on_.front(), now_);
    going_on_.pop_front();
    carry_out();
    return true;
}

bool World::tell_page() {
    if (store_.pages.empty())
        return false;
    const auto chosen =
        store_.pages.begin() + static_cast<std::ptrdiff_t>(below(store_.pages.size()));
    while (!store_.may_tell(*chosen)) tell_outcome();
    auto page = std::move(*chosen);
    store_.pages.erase(chosen);
    if (climate_.refusals && !draining_ && chance(10)) {
        note([&] {
            return fmt::format("fetch fails fence={}", static_cast<std::uint64_t>(page.read.fence));
        });
        broker_->on_fetch_failed(page.read.fence, now_);
        carry_out();
        return true;
    }
    const auto reader = number_of(client(ClientId{page.read.client}));
    for (const auto& message : page.messages) {
        const auto uid = by_id_.at(message->id);
        const bool held = std::any_of(clients_.begin(), clients_.end(), [&](const Client& other) {
            return number_of(other) != reader && other.holds(uid);
        });
        handed_[{reader, uid}] |= !held;
    }
    note([&] {
        std::string uids;
        for (const auto& message : page.messages) uids += message->payload + " ";
        return fmt::format("page for {} fence={}: {}next={}",
                           page.read.client,
                           static_cast<std::uint64_t>(page.read.fence),
                           uids,
                           page.next.value_or("-"));
    });
    broker_->on_fetched(page.read.fence, std::move(page.messages), std::move(page.next), now_);
    carry_out();
    return true;
}

void World::pass_time(std::chrono::milliseconds time) {
    now_.steady += time;
    now_.wall += time;
    note([&] { return fmt::format("{} pass", time); });
    if (broker_) {
        broker_->tick(now_);
        carry_out();
    }
}

}  // namespace keepmq::broker::model
