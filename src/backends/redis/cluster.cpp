#include "backends/redis/cluster.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "backends/redis/errors.hpp"

namespace keepmq::redis {
namespace {

using store::errc;
using store::Failure;

/// So often a command is sent elsewhere; then the cluster is left time to settle.
constexpr int most_redirects = 8;

const Command asking{{"ASKING"}};

}  // namespace

std::optional<Failure> Cluster::open() {
    wait_ = {{"WAIT",
              std::to_string(settings_.wait_replicas.value_or(0)),
              std::to_string(std::max<std::int64_t>(settings_.read_timeout.count() / 2, 1))}};
    for (const auto& [address, connection] : connections_) connection->close();
    // Nodes that are known first: seeds of a file may be of the past.
    std::vector<store::Server> candidates;
    for (const auto& [address, connection] : connections_)
        candidates.push_back(connection->server());
    candidates.insert(candidates.end(), settings_.servers.begin(), settings_.servers.end());
    std::optional<Failure> failure;
    for (const auto& server : candidates) {
        auto why = learn_from(server);
        if (!why)
            return std::nullopt;
        if (!failure || failure->code == errc::unreachable)
            failure = std::move(why);
    }
    return failure;
}

std::optional<Failure> Cluster::learn_from(const store::Server& server) {
    auto connected = connect(server);
    if (auto* const failure = std::get_if<Failure>(&connected))
        return std::move(*failure);
    auto& connection = *std::get<Connection*>(connected);
    auto asked = connection.run(Command{{"CLUSTER", "SLOTS"}});
    if (auto* const failure = std::get_if<Failure>(&asked))
        return Failure{errc::unreachable, failure->text};
    const auto& answer = std::get<Answer>(asked);
    if (answer.is_error())
        return Failure{errc::schema_mismatch,
                       fmt::format("{}: {}", to_string(server), answer.text)};
    const auto ranges = parse_slots(answer, server);
    if (!ranges)
        return Failure{errc::unreachable,
                       fmt::format("{}: the cluster has no slots yet", to_string(server))};
    slots_.assign(slot_count, server);
    for (const auto& range : *ranges)
        for (auto slot = range.first; slot <= range.last; ++slot) slots_[slot] = range.master;
    look_at_durability(connection, settings_, *facts_);
    return std::nullopt;
}

std::variant<Connection*, Failure> Cluster::connect(const store::Server& server) {
    auto found = connections_.find(to_string(server));
    if (found == connections_.end()) {
        const std::lock_guard lock{replacing_};
        found = connections_.emplace(to_string(server), std::make_unique<Connection>()).first;
    }
    auto& connection = *found->second;
    if (!connection.is_open())
        if (auto failure = connection.open(server, settings_, login_of(settings_)))
            return *std::move(failure);
    return &connection;
}

void Cluster::interrupt() noexcept {
    const std::lock_guard lock{replacing_};
    for (const auto& [address, connection] : connections_) connection->interrupt();
}

const store::Server& Cluster::node_of(const Command& command) const {
    return slots_[slot_of(routing_key(command))];
}

/// Answers of some nodes may be under way; nobody will wait for them.
Failure Cluster::give_up(Failure failure) {
    for (const auto& [address, connection] : connections_) connection->close();
    return failure;
}

Exchange Cluster::read(const Commands& commands) {
    Answers answers(commands.size());
    std::vector<Pending> pending;
    for (std::size_t i = 0; i < commands.size(); ++i) pending.push_back({i, {}});
    if (auto failure = run(commands, std::move(pending), false, answers))
        return *std::move(failure);
    return answers;
}

Exchange Cluster::write(const Commands& commands) {
    Answers answers(commands.size());
    for (const auto wave : {Wave::content, Wave::index, Wave::catalogue}) {
        std::vector<Pending> pending;
        for (std::size_t i = 0; i < commands.size(); ++i)
            if (commands[i].wave == wave)
                pending.push_back({i, {}});
        if (auto failure = run(commands, std::move(pending), true, answers))
            return *std::move(failure);
    }
    return answers;
}

std::optional<Failure> Cluster::run(std::span<const Command> commands,
                                    std::vector<Pending> pending,
                                    bool writes,
                                    Answers& answers) {
    if (slots_.empty())
        return Failure{errc::unreachable, "the cluster is not connected"};
    for (int round = 0; !pending.empty(); ++round) {
        auto shares = share_out(commands, pending, writes);
        if (auto* const failure = std::get_if<Failure>(&shares))
            return give_up(std::move(*failure));
        if (auto failure = exchange(std::get<Shares>(shares), answers))
            return give_up(*std::move(failure));
        pending = redirected(pending, answers, commands);
        if (!pending.empty() && round == most_redirects)
            return give_up({errc::busy, answers[pending.front().at].text});
    }
    return std::nullopt;
}

std::variant<Cluster::Shares, Failure> Cluster::share_out(std::span<const Command> commands,
                                                          const std::vector<Pending>& pending,
                                                          bool writes) {
    Shares shares;
    for (const auto& each : pending) {
        const auto& command = commands[each.at];
        const auto& server = each.ask ? *each.ask : node_of(command);
        auto& share = shares[to_string(server)];
        if (share.connection == nullptr) {
            auto connected = connect(server);
            if (auto* const failure = std::get_if<Failure>(&connected))
                return std::move(*failure);
            share.connection = std::get<Connection*>(connected);
        }
        if (each.ask) {
            share.commands.push_back(&asking);
            share.owners.emplace_back();
        }
        share.commands.push_back(&command);
        share.owners.emplace_back(each.at);
    }
    if (!writes || settings_.wait_replicas.value_or(0) == 0)
        return shares;
    for (auto& [address, share] : shares) {
        share.commands.push_back(&wait_);
        share.owners.emplace_back();
    }
    return shares;
}

/// All nodes work at the same time.
std::optional<Failure> Cluster::exchange(Shares& shares, Answers& answers) {
    for (auto& [address, share] : shares)
        if (auto failure = share.connection->send(share.commands))
            return Failure{errc::connection_lost, std::move(failure->text)};
    for (auto& [address, share] : shares) {
        for (std::size_t i = 0; i < share.owners.size(); ++i) {
            auto received = share.connection->receive();
            if (auto* const failure = std::get_if<Failure>(&received))
                return std::move(*failure);
            auto& answer = std::get<Answer>(received);
            const auto wanted = static_cast<std::int64_t>(settings_.wait_replicas.value_or(0));
            if (share.owners[i])
                answers[*share.owners[i]] = std::move(answer);
            else if (share.commands[i] == &wait_ && answer.integer < wanted)
                return Failure{errc::timed_out,
                               fmt::format("{}: {} of {} replicas confirmed the batch",
                                           address,
                                           answer.integer,
                                           wanted)};
        }
    }
    return std::nullopt;
}

/// The commands that have to be sent elsewhere, in their order.
std::vector<Cluster::Pending> Cluster::redirected(const std::vector<Pending>& pending,
                                                  const Answers& answers,
                                                  std::span<const Command> commands) {
    std::vector<Pending> again;
    std::optional<store::Server> moved_to;
    for (const auto& each : pending) {
        const auto asked = each.ask ? *each.ask : node_of(commands[each.at]);
        auto redirect = parse_redirect(answers[each.at], asked);
        if (!redirect)
            continue;
        again.push_back({each.at, {}});
        if (redirect->ask)
            again.back().ask = std::move(redirect->to);
        else
            moved_to = slots_[redirect->slot] = std::move(redirect->to);
    }
    // Where one slot went, others may have gone; who has got it knows. If not, each says so itself.
    if (moved_to)
        static_cast<void>(learn_from(*moved_to));
    return again;
}

}  // namespace keepmq::redis
