#include "backends/redis/master.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backends/redis/errors.hpp"
#include "backends/redis/topology.hpp"
#include "base/log.hpp"

namespace keepmq::redis {
namespace {

using store::errc;
using store::Failure;

const Log log{"redis"};

/// Each takes half the read time-out.
constexpr int most_waits = 10;

}  // namespace

std::optional<Failure> Master::open() {
    server_.close();
    auto failure = settings_.topology == Topology::sentinel ? open_master() : open_first();
    if (failure)
        return failure;
    if (auto refused = check_role()) {
        server_.close();
        return refused;
    }
    look_at_durability(server_, settings_, *facts_);
    return std::nullopt;
}

std::optional<Failure> Master::open_first() {
    std::optional<Failure> failure;
    for (const auto& server : settings_.servers) {
        auto why = server_.open(server, settings_, login_of(settings_));
        if (!why)
            return std::nullopt;
        // What a person has to put right is said rather than that another server is away.
        if (!failure || failure->code == errc::unreachable)
            failure = std::move(why);
    }
    return failure;
}

std::optional<Failure> Master::open_master() {
    std::optional<Failure> failure;
    for (const auto& sentinel : settings_.servers) {
        auto found = ask(sentinel);
        sentinel_.close();
        if (auto* const server = std::get_if<store::Server>(&found))
            return server_.open(*server, settings_, login_of(settings_));
        failure = std::get<Failure>(std::move(found));
    }
    return failure;
}

std::variant<store::Server, Failure> Master::ask(const store::Server& sentinel) {
    // Most sentinels ask for no password, and refuse one then.
    auto failure = sentinel_.open(sentinel, settings_, {});
    if (failure && failure->code == errc::access_denied && !settings_.password.empty())
        failure = sentinel_.open(sentinel, settings_, {settings_.username, settings_.password, 0});
    if (failure)
        return *std::move(failure);
    auto asked = sentinel_.run(Command{{"SENTINEL", "get-master-addr-by-name", settings_.master}});
    if (auto* const lost = std::get_if<Failure>(&asked))
        return std::move(*lost);
    const auto& answer = std::get<Answer>(asked);
    if (answer.is_error())
        return Failure{errc::unreachable,
                       fmt::format("sentinel {}: {}", to_string(sentinel), answer.text)};
    if (auto server = parse_master(answer))
        return *std::move(server);
    return Failure{
        errc::unreachable,
        fmt::format("sentinel {} knows no master \"{}\"", to_string(sentinel), settings_.master)};
}

/// Between a fail-over and its discovery the sentinels, or an old master, may say what is no more.
std::optional<Failure> Master::check_role() {
    wait_for_ = settings_.wait_replicas.value_or(0);
    if (settings_.topology != Topology::sentinel)
        return std::nullopt;
    auto asked = server_.run(Command{{"ROLE"}});
    if (auto* const failure = std::get_if<Failure>(&asked))
        return std::move(*failure);
    const auto& answer = std::get<Answer>(asked);
    const auto role = parse_role(answer);
    if (!role)
        return Failure{answer.is_error() ? errc::access_denied : errc::unreachable,
                       fmt::format("{}: ROLE: {}", to_string(server_.server()), answer.text)};
    if (!role->is_master)
        return Failure{errc::unreachable,
                       fmt::format("{} is not the master yet", to_string(server_.server()))};
    if (settings_.wait_replicas)
        return std::nullopt;
    wait_for_ = role->replicas > 0 ? 1 : 0;
    if (wait_for_ == 0 && facts_->first_without_replica())
        log.warn("pool={} master={} has no replica: what it acknowledges is lost with it",
                 settings_.pool,
                 to_string(server_.server()));
    return std::nullopt;
}

Exchange Master::write(const Commands& commands) {
    if (wait_for_ == 0)
        return server_.run(commands);
    const Command wait{
        {"WAIT",
         std::to_string(wait_for_),
         std::to_string(std::max<std::int64_t>(settings_.read_timeout.count() / 2, 1))}};
    std::vector<const Command*> all;
    for (const auto& command : commands) all.push_back(&command);
    all.push_back(&wait);
    auto exchange = server_.run(all);
    auto* const answers = std::get_if<Answers>(&exchange);
    if (answers == nullptr)
        return exchange;
    const auto reached = std::move(answers->back());
    answers->pop_back();
    if (auto failure = wait_on(wait, reached))
        return *std::move(failure);
    return exchange;
}

/// A batch that is given up is sent again, and so are commands of the user that add something. So a
/// replica gets time.
std::optional<Failure> Master::wait_on(const Command& wait, Answer reached) {
    for (int round = 1; !reached.is_error(); ++round) {
        if (reached.integer >= static_cast<std::int64_t>(wait_for_))
            return std::nullopt;
        if (round == most_waits)
            return Failure{errc::timed_out,
                           fmt::format("{}: {} of {} replicas confirmed the batch",
                                       to_string(server_.server()),
                                       reached.integer,
                                       wait_for_)};
        auto again = server_.run(wait);
        if (auto* const failure = std::get_if<Failure>(&again))
            return std::move(*failure);
        reached = std::get<Answer>(std::move(again));
    }
    // It is no master any more.
    return Failure{errc::connection_lost,
                   fmt::format("{}: {}", to_string(server_.server()), reached.text)};
}

void Master::interrupt() noexcept {
    sentinel_.interrupt();
    server_.interrupt();
}

}  // namespace keepmq::redis
