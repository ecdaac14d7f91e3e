#pragma once
// Private to the pool: one connection, with the rules when it may be tried again.

#include <memory>
#include <optional>
#include <random>

#include "base/time.hpp"
#include "store/connection.hpp"
#include "store/health.hpp"
#include "store/pool.hpp"

namespace keepmq::store {

/// Lives on the thread of its lane or reader, except `interrupt`.
class Link {
  public:
    Link(std::unique_ptr<Connection> connection,
         const PoolSettings& settings,
         Health& health,
         std::size_t number);

    [[nodiscard]] Connection& connection() { return *connection_; }
    [[nodiscard]] bool is_open() const { return open_; }

    /// Since the last failure nothing has succeeded.
    [[nodiscard]] bool is_failing() const { return failures_ > 0; }
    [[nodiscard]] const Failure& last_failure() const { return last_failure_; }

    /// When to call `open` next. With work waiting this is soon enough that the first write
    /// succeeds within a second after the database answers again.
    [[nodiscard]] SteadyTime due_when_idle() const { return due_; }
    [[nodiscard]] SteadyTime due_when_waiting() const;

    /// One attempt. True if the connection is open now.
    bool open();

    /// A write or read succeeded.
    void succeeded();
    /// A write or read failed transiently: the connection will be opened again.
    void failed(Failure why);

    void interrupt() noexcept { connection_->interrupt(); }

  private:
    void schedule(Failure why);

    std::unique_ptr<Connection> connection_;
    const PoolSettings& settings_;
    Health& health_;
    std::size_t number_;
    std::minstd_rand random_;
    bool open_ = false;
    bool failed_in_use_ = false;  // and a mere reconnect does not prove that it works again
    unsigned failures_ = 0;
    Failure last_failure_;
    SteadyTime failed_at_{};
    SteadyTime due_{};
};

}  // namespace keepmq::store
