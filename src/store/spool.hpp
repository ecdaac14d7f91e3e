#pragma once
// Private to the pool: the file of its spool.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "store/errc.hpp"
#include "store/pool.hpp"

namespace keepmq::store {

struct SpoolRow {
    std::uint64_t seq = 0;  ///< the order of acceptance; from 1, never reused while rows are there
    Order order;
    std::string rule;  ///< name, may be empty
    WallTime at;
    std::string op;  ///< encoded

    /// What counts for the limit: the operation, and about what is around it.
    [[nodiscard]] std::uint64_t bytes() const { return op.size() + overhead; }
    static constexpr std::uint64_t overhead = 50;
};

/// One SQLite file, which belongs to one pool as long as it lives: nobody else can open it. Not
/// thread-safe. A call that fails has changed nothing and may be repeated, unless it says_damaged.
class Spool {
  public:
    struct NotOpened {
        Failure failure;
        bool damaged = false;  ///< and will be for ever
    };
    /// Creates file and folder if needed.
    [[nodiscard]] static std::variant<std::unique_ptr<Spool>, NotOpened> open(
        const std::string& path);
    struct Rescued {
        std::string aside;       ///< where the damaged file is now
        std::uint64_t rows = 0;  ///< that could be read
    };
    /// Makes a new file of what can be read of a damaged one, which nobody has open and which is
    /// renamed. After a failure the damaged one is where it was, or the next `open` ends it.
    [[nodiscard]] static std::variant<Rescued, Failure> rescue(const std::string& path);

    /// Removes a file, which nobody has open, and all that it holds.
    [[nodiscard]] static std::optional<Failure> remove_file(const std::string& path);

    virtual ~Spool() = default;

    /// On disk when it returns. `seq` ascends, and is beyond `last_seq`.
    [[nodiscard]] virtual std::optional<Failure> append(std::span<const SpoolRow> rows) = 0;
    /// In order, from `after` on, up to one of the limits but at least one.
    [[nodiscard]] virtual std::variant<std::vector<SpoolRow>, Failure> load(
        std::uint64_t after, std::size_t max_rows, std::size_t max_bytes) const = 0;
    /// From `first` to `last`.
    [[nodiscard]] virtual std::optional<Failure> remove(std::uint64_t first,
                                                        std::uint64_t last) = 0;
    /// Moves a row that cannot be read into a table of its own, where it stays for a person.
    [[nodiscard]] virtual std::optional<Failure> keep_unreadable(std::uint64_t seq,
                                                                 std::string_view why) = 0;
    /// Gives the space of removed rows back.
    virtual void shrink() = 0;

    [[nodiscard]] virtual std::uint64_t rows() const = 0;
    [[nodiscard]] virtual std::uint64_t bytes() const = 0;  ///< of all rows
    [[nodiscard]] virtual std::uint64_t last_seq() const = 0;
    [[nodiscard]] virtual std::optional<WallTime> oldest() const = 0;
    /// Of the rows beyond `after`.
    virtual void each_rule(
        std::uint64_t after,
        const std::function<void(std::string_view rule, std::uint64_t rows)>& visit) const = 0;

    /// The file cannot be read where the call needed it, and will not be later.
    [[nodiscard]] static bool says_damaged(const Failure& failure) {
        return failure.code == errc::bad_statement;
    }

  private:
    static void end_rescue(const std::string& path);
};

}  // namespace keepmq::store
