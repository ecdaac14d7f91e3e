#pragma once
// Operations that a database refuses for ever, kept in a local SQLite file with the reason.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "store/errc.hpp"
#include "store/op.hpp"

namespace keepmq::store {

struct DeadLetter {
    std::int64_t id = 0;
    WallTime at;
    std::string pool;    ///< `sqlite pool1`
    std::string rule;    ///< `sqlite message.publish.1`, may be empty
    std::string op;      ///< name_of the operation
    std::string topic;   ///< if it has one
    std::string client;  ///< if it has one
    std::string message_id;
    std::string payload;  ///< bytes, if it has one
    std::string detail;   ///< the operation as JSON, for people
    std::string encoded;  ///< the operation for OpDecoder; empty in a letter of an earlier version
    std::string error;    ///< the database's words
};

/// Thread-safe; `add` is durable (fsync) when it returns. Rare by nature, so it blocks.
class DeadLetters {
  public:
    /// Creates the file if needed. A damaged file is an error, never replaced.
    [[nodiscard]] static std::variant<std::unique_ptr<DeadLetters>, Failure> open(
        const std::string& path);
    virtual ~DeadLetters() = default;

    [[nodiscard]] virtual std::optional<Failure> add(std::string_view pool,
                                                     std::string_view rule,
                                                     const Op& op,
                                                     const Failure& why) = 0;
    /// The oldest first.
    [[nodiscard]] virtual std::vector<DeadLetter> list(std::size_t limit) const = 0;
    [[nodiscard]] virtual std::optional<DeadLetter> find(std::int64_t id) const = 0;
    /// Does nothing when there is no such letter.
    [[nodiscard]] virtual std::optional<Failure> remove(std::int64_t id) = 0;
    /// The same operation was refused again: its newer letter takes the place of this one.
    [[nodiscard]] virtual std::optional<Failure> supersede(std::int64_t id) = 0;
    [[nodiscard]] virtual std::uint64_t count() const = 0;
};

}  // namespace keepmq::store
