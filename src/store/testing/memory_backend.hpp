#pragma once
// A database in memory that can be told to misbehave, for the tests of everything above the seam.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "store/backend.hpp"
#include "store/testing/memory_tables.hpp"

namespace keepmq::store::testing {

/// Whether a batch that is reported as failed was committed all the same.
enum class Applied : std::uint8_t { no, yes };

/// Outlives the connections, like a server. Any thread.
class MemoryDatabase {
  public:
    /// One call of Connection::write, also when it failed.
    struct Write {
        std::vector<Op> ops;
        Attempt attempt = Attempt::first;
        std::optional<Failure> failure;
    };
    using Poison = std::function<std::optional<Failure>(const Op&)>;

    // Faults.
    void fail_next_writes(std::size_t count, errc code, Applied applied = Applied::no);
    void fail_next_reads(std::size_t count, errc code);
    void go_down(Failure why = {errc::unreachable, "memory database is down"});
    void come_back();
    void slow_down(std::chrono::milliseconds each_call);
    /// Batches with an operation for which this gives a failure are refused with it.
    void poison(Poison poison);
    /// From now on such an operation is refused on its own and the rest of its batch is applied.
    void refuse_alone();
    /// Batches are good when they have a multiple of so many operations, or fewer.
    void like_batches_of(std::size_t step);
    /// Writes block until released or interrupted.
    void hold_writes();
    void release_writes();

    // Events to wait for; false after a long time-out.
    [[nodiscard]] bool await_held_writes(std::size_t count);
    [[nodiscard]] bool await_opens(std::size_t attempts);

    // Observations.
    [[nodiscard]] std::vector<Write> writes() const;
    [[nodiscard]] std::size_t opens() const;  ///< attempts to connect
    [[nodiscard]] std::vector<Execute> executed() const;
    [[nodiscard]] std::size_t stored_messages() const;
    [[nodiscard]] std::optional<Presence> presence(const ClientId& client) const;

    void provision(const ClientId& client, StoredSubscription subscription);
    void clear();

  private:
    friend class MemoryConnection;
    struct Fault {
        errc code;
        Applied applied;
    };

    std::optional<Failure> open();
    using Refusals = std::vector<Connection::Refused>;
    std::optional<Failure> write(std::span<const Op* const> batch,
                                 Attempt attempt,
                                 const bool& interrupted,
                                 Refusals& refusals);
    std::variant<Reply, Failure> read(const Query& query);
    std::optional<Failure> try_batch(std::span<const Op* const> batch, Refusals& refusals);
    [[nodiscard]] std::optional<Failure> refusal_of(const Op& op) const;
    std::chrono::milliseconds delay() const;
    void interrupt(bool& interrupted);

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    MemoryTables tables_;
    std::vector<Write> writes_;
    std::deque<Fault> write_faults_;
    std::deque<errc> read_faults_;
    std::optional<Failure> down_;
    std::chrono::milliseconds delay_{0};
    Poison poison_;
    bool refuses_alone_ = false;
    std::atomic<std::size_t> good_step_{1};
    bool holding_ = false;
    std::size_t held_ = 0;
    std::size_t opens_ = 0;
};

class MemoryBackend final : public Backend {
  public:
    explicit MemoryBackend(std::shared_ptr<MemoryDatabase> database,
                           std::size_t lanes = 1,
                           std::size_t readers = 1);

    [[nodiscard]] std::unique_ptr<Connection> connect(Role role) const override;
    [[nodiscard]] std::size_t lanes() const override { return lanes_; }
    [[nodiscard]] std::size_t readers() const override { return readers_; }
    [[nodiscard]] std::string durability() const override {
        return "memory: lost with the process";
    }
    [[nodiscard]] std::string schema_script() const override { return {}; }
    [[nodiscard]] SchemaReport check_schema() const override { return {}; }
    [[nodiscard]] std::optional<Failure> create_schema() const override { return {}; }
    [[nodiscard]] bool auto_create_schema() const override { return true; }
    [[nodiscard]] std::optional<Failure> try_statement(const Statement& statement) const override;
    [[nodiscard]] std::string placeholder(std::size_t index) const override;

  private:
    std::shared_ptr<MemoryDatabase> database_;
    std::size_t lanes_;
    std::size_t readers_;
};

/// A statement with this in its source is one that the memory database cannot run.
inline constexpr std::string_view broken_statement = "no_such_table";

}  // namespace keepmq::store::testing
