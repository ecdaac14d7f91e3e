#pragma once
// A database over the network as the shared reads see it: a statement goes there, all its rows come
// back. Statements are written once; each backend compiles them to the placeholders of its dialect.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "sql/params.hpp"
#include "store/errc.hpp"

namespace keepmq::sql {

/// A statement with the parameters `?1`, `?2`, ... in any order, each any number of times, or
/// never. A question mark stands for nothing else in it. Views in `params` must outlive the call.
struct Command {
    std::string sql;
    std::vector<Param> params;
};

enum class Placeholders : std::uint8_t {
    numbered,    ///< $1, $2, ...
    positional,  ///< ?, ?, ...
};

/// A statement in a dialect. Its n-th placeholder is bound to `params[order[n]]`: numbered ones
/// appear once in `order`, positional ones as often as they stand in the text.
struct Compiled {
    std::string text;
    std::vector<std::size_t> order;
};
[[nodiscard]] Compiled compile(std::string_view sql, Placeholders placeholders);

/// What a statement returned, row by row; numbers and times as text.
class Rows {
  public:
    using Cell = std::optional<std::string>;

    explicit Rows(std::size_t columns) : columns_{columns} {}
    /// The next cell, from left to right and from row to row. Nothing: NULL.
    void add(Cell cell) { cells_.push_back(std::move(cell)); }

    [[nodiscard]] std::size_t size() const { return columns_ == 0 ? 0 : cells_.size() / columns_; }
    [[nodiscard]] bool is_null(std::size_t row, std::size_t column) const {
        return !cell(row, column).has_value();
    }
    /// Empty for NULL.
    [[nodiscard]] std::string_view bytes(std::size_t row, std::size_t column) const;
    /// 0 for NULL and for what is no number.
    [[nodiscard]] std::int64_t integer(std::size_t row, std::size_t column) const;

  private:
    [[nodiscard]] const Cell& cell(std::size_t row, std::size_t column) const {
        return cells_[row * columns_ + column];
    }

    std::size_t columns_;
    std::vector<Cell> cells_;
};

/// Implemented by a backend's connection; lives on its thread and blocks there.
class Database {
  public:
    Database() = default;
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;
    virtual ~Database() = default;

    [[nodiscard]] virtual std::variant<Rows, store::Failure> query(const Command& command) = 0;
};

}  // namespace keepmq::sql
