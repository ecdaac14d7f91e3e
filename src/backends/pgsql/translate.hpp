#pragma once
// Operations as SQL text and bindings. Pure: no driver, no clock, no logging. Queries are the
// shared ones of sql/fetch.hpp.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sql/layout.hpp"
#include "sql/params.hpp"
#include "store/op.hpp"

namespace keepmq::pgsql {

using sql::BlobView;

/// One column of many rows.
struct Array {
    enum class Of : std::uint8_t { text, bytes, integer };
    Of of = Of::text;
    std::vector<sql::Param> elements;
};

/// What is bound to a parameter: sql::Param, or a whole column.
using Param = std::
    variant<std::monostate, std::int64_t, double, std::string_view, BlobView, std::string, Array>;

/// One statement to run. Its bindings live as long as the operations.
struct Command {
    std::string sql;
    std::vector<Param> params;
    const store::Statement* users = nullptr;  ///< the statement if it is one of the user's
};
using Commands = std::vector<Command>;

/// The user's statement with `$1`, `$2`, ... between its pieces.
[[nodiscard]] std::string join(const store::Statement& statement);

/// Why a statement of the user may not run between ours, or nothing: it would end the transaction,
/// change the session, or speak another protocol.
[[nodiscard]] std::optional<std::string> objection_to(std::string_view sql);

/// `{0} = {1}` by way of the hash that the unique keys of our tables are over.
[[nodiscard]] std::string_view equal_by_hash();

/// Immutable; one per open connection, because its texts depend on the layout.
class Translator {
  public:
    explicit Translator(sql::Layout layout);

    /// The commands of a batch, to be run in order. Consecutive messages go into one insert.
    [[nodiscard]] Commands translate(std::span<const store::Op* const> batch) const;

    /// Waits for the transactions of others that write messages: one of them may be what is left of
    /// a connection that was lost.
    [[nodiscard]] static Command lock_messages();
    [[nodiscard]] static sql::Command newest_id();
    /// Those of `ids` (an array in text form) that stand in rows beyond `after`.
    [[nodiscard]] static sql::Command stored_ids(std::int64_t after, std::string ids);

  private:
    [[nodiscard]] std::string is_name(std::string_view column, std::string_view value) const;
    [[nodiscard]] std::string is_topic(std::string_view value) const;
    void write_presence();
    void write_messages();
    void write_retained();
    void write_positions();
    void add(Commands& out, const store::Op& op) const;
    void add_messages(Commands& out, std::span<const store::StoreMessage* const> run) const;
    [[nodiscard]] Param properties_of(const Message& message) const;

    sql::Layout layout_;
    std::string insert_online_;
    std::string update_online_;
    std::string insert_offline_;
    std::string update_offline_;
    std::string insert_messages_;
    std::string delete_older_;
    std::string delete_message_;
    std::string delete_row_;
    std::string insert_retained_;
    std::string update_retained_;
    std::string delete_retained_;
    std::string init_earliest_;
    std::string init_latest_;
    std::string init_latest_of_all_;
    std::string insert_advanced_;
    std::string advance_;
    std::string insert_advanced_to_row_;
    std::string advance_to_row_;
    std::string delete_cursor_;
};

}  // namespace keepmq::pgsql
