#pragma once
// Redis Cluster: each command goes to the node that has its key.

#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "backends/redis/connection.hpp"
#include "backends/redis/servers.hpp"
#include "backends/redis/topology.hpp"

namespace keepmq::redis {

/// One connection to each node that is needed. Follows MOVED and ASK; commands on one key keep
/// their order, because they are redirected together.
class Cluster final : public Servers {
  public:
    Cluster(const Settings& settings, std::shared_ptr<PoolFacts> facts)
        : settings_{settings}, facts_{std::move(facts)} {}

    std::optional<store::Failure> open() override;
    Exchange read(const Commands& commands) override;
    Exchange write(const Commands& commands) override;
    bool has_one_keyspace() const override { return false; }
    void interrupt() noexcept override;

  private:
    /// A command that has no answer yet.
    struct Pending {
        std::size_t at;
        std::optional<store::Server> ask;  ///< redirected, for this once
    };
    /// What one node gets in one round.
    struct Share {
        Connection* connection = nullptr;
        std::vector<const Command*> commands;
        std::vector<std::optional<std::size_t>> owners;  ///< nothing: ASKING, WAIT
    };
    using Shares = std::map<std::string, Share>;

    [[nodiscard]] std::optional<store::Failure> learn_from(const store::Server& server);
    [[nodiscard]] std::variant<Connection*, store::Failure> connect(const store::Server& server);
    [[nodiscard]] std::optional<store::Failure> run(std::span<const Command> commands,
                                                    std::vector<Pending> pending,
                                                    bool writes,
                                                    Answers& answers);
    [[nodiscard]] std::variant<Shares, store::Failure> share_out(
        std::span<const Command> commands, const std::vector<Pending>& pending, bool writes);
    [[nodiscard]] std::optional<store::Failure> exchange(Shares& shares, Answers& answers);
    [[nodiscard]] std::vector<Pending> redirected(const std::vector<Pending>& pending,
                                                  const Answers& answers,
                                                  std::span<const Command> commands);
    [[nodiscard]] const store::Server& node_of(const Command& command) const;
    [[nodiscard]] store::Failure give_up(store::Failure failure);

    const Settings& settings_;  ///< of the backend, which outlives its connections
    std::shared_ptr<PoolFacts> facts_;
    std::vector<store::Server> slots_;  ///< by slot; empty before the first `open`
    Command wait_;
    std::mutex replacing_;  ///< interrupt() must not meet a map that changes
    std::map<std::string, std::unique_ptr<Connection>> connections_;
};

}  // namespace keepmq::redis
