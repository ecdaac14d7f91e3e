#pragma once
// The seam to a database: what a backend implements. See docs/guides/adding-a-backend.md.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "store/errc.hpp"
#include "store/op.hpp"

namespace keepmq::store {

/// Whether a batch is new, or is repeated after its outcome was lost: then a backend whose tables
/// have no unique key on the message id looks for the ids before it inserts.
enum class Attempt : std::uint8_t { first, after_unknown_outcome };

/// One connection to a database. Lives on the thread of its lane or reader and blocks there; no
/// other thread touches it after construction, except `interrupt`.
class Connection {
  public:
    Connection() = default;
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    virtual ~Connection() = default;

    /// Connects, or connects again after a failure. Checks that the tables needed exist.
    [[nodiscard]] virtual std::optional<Failure> open() = 0;

    /// After `open`: so many of the lanes should be at the database at once when much waits. Fewer
    /// where transactions that run together cost each other much.
    [[nodiscard]] virtual std::size_t lanes_at_once(std::size_t lanes) const {
        return (lanes + 1) / 2;
    }

    /// How many of so many operations, at least one, are best written now when more are about to
    /// come: the rest is in the next batch.
    [[nodiscard]] virtual std::size_t good_batch(std::size_t operations) const {
        return operations;
    }

    /// Runs the operations in order as one transaction (or what the database has instead). No
    /// value: all are committed, durable as the database is configured, except those that
    /// `take_refused` then names. A permanent failure: nothing of the batch is committed. After a
    /// transient failure the lane opens the connection again.
    [[nodiscard]] virtual std::optional<Failure> write(std::span<const Op* const> batch,
                                                       Attempt attempt) = 0;

    [[nodiscard]] virtual std::variant<Reply, Failure> read(const Query& query) = 0;

    struct Refused {
        std::size_t index;  ///< in the batch
        Failure failure;
    };
    /// For databases without transactions: operations of the last successful `write` that were
    /// refused for good, each on its own, while the rest was committed. Ascending.
    [[nodiscard]] virtual std::vector<Refused> take_refused() { return {}; }

    /// Makes a blocked call of the owning thread return soon. Any thread.
    virtual void interrupt() noexcept {}
};

}  // namespace keepmq::store
