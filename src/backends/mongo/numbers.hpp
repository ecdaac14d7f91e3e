#pragma once
// The numbers that become `_id` of messages: they grow, over restarts, too, and no two messages get
// the same one, whatever the number of brokers.
//
// A counter in the database is advanced once for a batch, or once for the batches of all lanes that
// wait for it at that moment: lanes do not queue up for one round trip each. Servers that only
// resemble MongoDB may lose an advance when two brokers make one at the same moment; then numbers
// that are in use come out of it. They are noticed here, or when the insert meets the other
// message, and the counter is set right.

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <variant>
#include <vector>

#include "backends/mongo/connection.hpp"

namespace keepmq::mongo {

/// One for all lanes of a pool. Any thread.
class Numbers {
  public:
    /// The first of so many numbers in a row.
    [[nodiscard]] std::variant<std::int64_t, store::Failure> take(Connection& connection,
                                                                  std::size_t count);

    /// Another message has a number that came from here: go on after the newest of all.
    [[nodiscard]] std::optional<store::Failure> skip_used(Connection& connection);

  private:
    struct Request {
        std::size_t count;
        std::optional<std::int64_t> first;
    };
    using Requests = std::vector<Request*>;

    void begin_turn(std::unique_lock<std::mutex>& lock);
    void end_turn();
    [[nodiscard]] std::variant<std::int64_t, store::Failure> advance(Connection& connection,
                                                                     std::size_t count);
    [[nodiscard]] std::optional<store::Failure> move_on(Connection& connection);

    std::mutex mutex_;
    std::condition_variable changed_;
    bool busy_ = false;  ///< one thread has its turn: it talks to the database, without the lock
    Requests waiting_;

    std::int64_t highest_ = 0;  ///< of those that were given out; of who has the turn
};

/// `_id` of the newest message, of one topic or of all; 0 if there is none.
[[nodiscard]] std::variant<std::int64_t, store::Failure> newest_id(Connection& connection,
                                                                   const Find& find);

}  // namespace keepmq::mongo
