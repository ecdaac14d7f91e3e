#pragma once
// Operations as SQL text and bindings. Pure: no driver, no clock, no logging.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "backends/mysql/tables.hpp"
#include "sql/params.hpp"
#include "store/op.hpp"

namespace keepmq::mysql {

using sql::BlobView;
using sql::Param;

enum class When : std::uint8_t {
    always,
    nothing_matched,  ///< only if the step before this one found no row
};

/// One statement of a write, with the parameters `?1`, `?2`, ... `sql` lives as long as the
/// Translator, the bindings as long as the operation.
struct Step {
    std::string_view sql;
    std::vector<Param> params;
    When when = When::always;
};
using Steps = std::vector<Step>;

/// The user's statement with a `?` for each parameter.
[[nodiscard]] std::string join(const store::Statement& statement);

/// Immutable; one per open connection, because its texts depend on the tables.
class Translator {
  public:
    explicit Translator(const Tables& tables);

    /// The steps of a write, in order. An Execute has none: see join().
    [[nodiscard]] Steps translate(const store::Op& op) const;

    /// An insert of so many messages; the parameters of each are those of columns_of().
    [[nodiscard]] std::string insert_messages(std::size_t count) const;
    [[nodiscard]] std::vector<Param> columns_of(const Message& message) const;

    /// For tables without a unique key on msgid: which of these ids are in rows after `id`. Waits
    /// for transactions that are under way, because a lost connection may have left one.
    [[nodiscard]] std::string stored_after(std::size_t count) const;

  private:
    void write_presence(const Tables& tables);
    void write_messages(const Tables& tables);
    void write_retained(const Tables& tables);
    void write_positions(const Tables& tables);

    bool message_properties_;
    bool retained_properties_;
    std::string is_msgid_;
    std::string insert_message_;
    std::string update_online_;
    std::string update_offline_;
    std::string insert_offline_;
    std::string update_retained_;
    std::string insert_retained_;
    std::string delete_retained_;
    std::string delete_older_;
    std::string delete_message_;
    std::string delete_row_;
    std::string init_earliest_;
    std::string init_latest_;
    std::string init_latest_of_all_;
    std::string advance_;
    std::string insert_advanced_;
    std::string advance_to_row_;
    std::string insert_advanced_to_row_;
    std::string delete_cursor_;
};

}  // namespace keepmq::mysql
