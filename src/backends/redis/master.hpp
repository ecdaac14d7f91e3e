#pragma once
// One server that takes all: the first of a list that answers, or the master that sentinels name.

#include <memory>

#include "backends/redis/connection.hpp"
#include "backends/redis/servers.hpp"

namespace keepmq::redis {

class Master final : public Servers {
  public:
    Master(const Settings& settings, std::shared_ptr<PoolFacts> facts)
        : settings_{settings}, facts_{std::move(facts)} {}

    std::optional<store::Failure> open() override;
    Exchange read(const Commands& commands) override { return server_.run(commands); }
    Exchange write(const Commands& commands) override;
    bool has_one_keyspace() const override { return true; }
    void interrupt() noexcept override;

    /// For what is no exchange of commands and answers.
    [[nodiscard]] Connection& connection() { return server_; }

  private:
    [[nodiscard]] std::optional<store::Failure> open_first();
    [[nodiscard]] std::optional<store::Failure> open_master();
    [[nodiscard]] std::variant<store::Server, store::Failure> ask(const store::Server& sentinel);
    [[nodiscard]] std::optional<store::Failure> check_role();
    [[nodiscard]] std::optional<store::Failure> wait_on(const Command& wait, Answer reached);

    const Settings& settings_;  ///< of the backend, which outlives its connections
    std::shared_ptr<PoolFacts> facts_;
    Connection sentinel_;
    Connection server_;
    std::size_t wait_for_ = 0;
};

}  // namespace keepmq::redis
