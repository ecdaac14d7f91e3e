#include "broker/tests/model_world.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "model/topic.hpp"

namespace keepmq::broker::model {
namespace {

constexpr std::chrono::milliseconds deadline{5'000};

}  // namespace

World::World(std::uint64_t seed, bool record)
    : random_{seed}, climate_{random_}, store_{random_, climate_.from_latest}, record_{record} {
    limits_.max_inflight = static_cast<std::uint16_t>(1 + below(6));
    limits_.replay_page = 1 + below(5);
    limits_.retained_portion = 1 + below(3);
    limits_.replay_buffer = climate_.short_fences ? 1 + below(4) : 10'000;
    limits_.max_queue_length = climate_.short_queues ? 1 + below(5) : 10'000;
    limits_.replay_deadline = climate_.deadlines ? deadline : std::chrono::hours{24};
    limits_.connect_timeout = std::chrono::hours{24};
    now_ = {SteadyTime{std::chrono::hours{1}}, WallTime{std::chrono::hours{400'000}}};

    topics_ = {"t/0", "t/1", "t/2", "live/0"};
    clients_.resize(5);
    for (std::size_t i = 0; i < clients_.size(); ++i) {
        auto& client = clients_[i];
        client.id = ClientId{"client" + std::to_string(i)};
        client.version = chance(50) ? mqtt::ProtocolVersion::v5 : mqtt::ProtocolVersion::v3_1_1;
        client.qos = chance(30) ? Qos::exactly_once : Qos::at_least_once;
        if (climate_.qos0_subscribers && chance(30))
            client.qos = Qos::at_most_once;
        client.no_local = client.version == mqtt::ProtocolVersion::v5 && chance(20);
        if (i == 0)
            continue;  // only publishes
        const std::vector<std::string> wildcards{"t/+", "t/#", "#"};
        const bool exact = climate_.overlapping_filters || chance(50);
        if (exact)
            client.filters = topics_;
        if (!exact || climate_.overlapping_filters)
            client.filters.push_back(wildcards[below(3)]);
    }
    start_broker();
}

void World::start_broker() {
    broker_ = std::make_unique<Broker>(limits_, MessageIdSource{1, now_.wall}, random_());
    const std::vector<Hook> hooks{Hook::session_created,
                                  Hook::session_resumed,
                                  Hook::session_terminated,
                                  Hook::session_unsubscribed,
                                  Hook::message_publish,
                                  Hook::message_acked};
    broker_->listen(hooks);
}

void World::run(std::size_t steps) {
    for (; steps != 0 && !failed(); --steps) step();
}

void World::step() {
    auto& client = clients_[below(clients_.size())];
    const auto dice = below(1000);
    if (!client.open) {
        if (dice < 300) {
            connect(client, chance(30), chance(80));
            return;
        }
    } else if (dice < 15) {
        disconnect(client);
        return;
    } else if (dice < 20) {
        connect(client, chance(30), chance(80));
        return;
    } else if (client.ready && dice < 60 && !client.filters.empty()) {
        std::vector<std::string> filters;
        for (auto count = 1 + below(3); count != 0; --count)
            filters.push_back(client.filters[below(client.filters.size())]);
        std::sort(filters.begin(), filters.end());
        filters.erase(std::unique(filters.begin(), filters.end()), filters.end());
        subscribe(client, filters);
        return;
    } else if (client.ready && dice < 70 && !client.filters.empty()) {
        unsubscribe(client, client.filters[below(client.filters.size())]);
        return;
    } else if (client.ready && dice < (number_of(client) == 0 ? 500U : 120U)) {
        publish(client);
        return;
    } else if (dice < 700) {
        read_some(client, chance(50) ? 1'000'000 : 1 + below(200));
        return;
    } else if (!client.owed.empty()) {
        acknowledge(client, chance(80) ? 0 : below(client.owed.size()));
        return;
    }
    switch (below(7)) {
        case 0:
            store_.run_lane();
            break;
        case 1:
            tell_outcome();
            break;
        case 2:
            store_.run_reader();
            break;
        case 3:
            tell_page();
            break;
        case 4:
            tell_go_on();
            break;
        case 5:
            pass_time(
                std::chrono::milliseconds{climate_.deadlines && chance(5) ? 6'000 : 1 + below(20)});
            break;
        default:
            if (climate_.restarts && chance(2))
                restart();
            break;
    }
}

// --- the end ------------------------------------------------------------------------------------

void World::restart() {
    note([] { return std::string{"the broker restarts"}; });
    store_.lose_connections();
    for (auto& client : clients_) {
        client.forget_connection();
        forget_session(client);
    }
    broker_.reset();
    fetching_.clear();
    going_on_.clear();
    for (auto& [uid, published] : published_) {
        if (!published.stored || store_.is_stored(published.message->id))
            continue;
        published.promises.clear();
        published.refused = true;
    }
    for (auto& [name, place] : moved_) {
        const auto position = store_.position(name.first, name.second);
        place = position ? published_.at(by_id_.at(*position)).place : 0;
    }
    pass_time(std::chrono::milliseconds{1});
    start_broker();
}

bool World::move_everything() {
    bool moved = false;
    for (auto& client : clients_) {
        if (client.open && !broker_->outbox(client.connection).empty()) {
            read_some(client, 1'000'000);
            moved = true;
        }
        while (client.open && !client.owed.empty() && !failed()) {
            acknowledge(client, 0);
            moved = true;
        }
    }
    moved |= store_.run_lane();
    moved |= tell_outcome();
    moved |= tell_go_on();
    moved |= store_.run_reader();
    moved |= tell_page();
    return moved;
}

void World::come_to_rest() {
    for (int i = 0; i < 20'000; ++i) {
        if (failed() || !move_everything())
            return;
    }
    fail("it does not come to rest");
}

void World::finish() {
    note([] { return std::string{"--- the end"}; });
    draining_ = true;
    come_to_rest();
    come_back();
    const bool queue = climate_.mode == ReplayPlan::Mode::queue;
    // One fetch brings no more than the rule allows; what is beyond it comes with the next one.
    const int rounds = climate_.max_returned_count ? 100 : 2;
    for (int i = 0; i < rounds && !failed(); ++i) {
        const auto before = delivered_;
        for (auto& client : clients_) {
            const auto filters =
                queue ? client.filters
                      : std::vector(client.confirmed.begin(), client.confirmed.end());
            if (!filters.empty() && !failed())
                subscribe(client, filters);
        }
        come_to_rest();
        if (i > 0 && delivered_ == before)
            break;
    }
    if (failed())
        return;
    queue ? check_queue_is_empty() : check_promises();
    const auto& stats = broker_->stats();
    if (stats.fences_open != 0 || stats.queued != 0 || stats.inflight != 0)
        fail(fmt::format("left over: fences={} queued={} inflight={}",
                         stats.fences_open,
                         stats.queued,
                         stats.inflight));
    if (!fetching_.empty())
        fail(fmt::format("{} fences never ended", fetching_.size()));
}

void World::come_back() {
    for (auto& client : clients_) {
        if (!client.open && !failed())
            connect(client, false, true);
    }
    come_to_rest();
    // What was dropped while it was connected comes with the next connection.
    for (auto& client : clients_) {
        if (!failed())
            disconnect(client);
        if (!failed())
            connect(client, false, true);
    }
    come_to_rest();
    const bool all_at_once = !climate_.max_returned_count;
    if (!failed() && all_at_once && climate_.mode != ReplayPlan::Mode::queue)
        check_promises(true);
}

void World::check_promises(bool of_sessions_only) {
    for (const auto& [uid, published] : published_) {
        for (const auto& [number, promise] : published.promises) {
            const auto& opened = clients_[number].opened;
            const bool has_it = clients_[number].present &&
                                std::ranges::any_of(promise.filters, [&](const auto& filter) {
                                    const auto found = opened.find(filter);
                                    return found != opened.end() && found->second.durable;
                                });
            if (!promise.acked && (has_it || !of_sessions_only))
                fail(fmt::format("client{}: {} (place {} on {}) was promised and is {}",
                                 number,
                                 uid,
                                 published.place,
                                 published.topic,
                                 promise.delivered ? "not acknowledged" : "lost"));
        }
    }
}

void World::check_queue_is_empty() {
    for (const auto& message : store_.left()) {
        const auto takes = [&](const Client& client) {
            return client.qos != Qos::at_most_once && !client.filters.empty() &&
                   !(client.no_local && client.id == message->sender) &&
                   std::any_of(
                       client.filters.begin(), client.filters.end(), [&](const auto& filter) {
                           return filter_matches(filter, message->topic.view());
                       });
        };
        if (message->qos != Qos::at_most_once &&
            std::any_of(clients_.begin(), clients_.end(), takes))
            fail(
                fmt::format("{} on {} stays in the queue", message->payload, message->topic.str()));
    }
}

// --- small things -------------------------------------------------------------------------------

Client& World::client(const ClientId& id) {
    return *std::find_if(
        clients_.begin(), clients_.end(), [&](const Client& each) { return each.id == id; });
}

void World::forget_session(Client& client) {
    client.forget_session();
    const auto number = number_of(client);
    std::erase_if(handed_, [&](const auto& each) { return each.first.client == number; });
}

void World::fail(std::string what) {
    note([&] { return "FAILED: " + what; });
    if (!failed())
        failure_ = std::move(what);
}

}  // namespace keepmq::broker::model
