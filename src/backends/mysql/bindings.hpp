#pragma once
// Parameters and results in the form of the client library.

#include <mysql.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sql/params.hpp"

namespace keepmq::mysql {

/// Room in a packet for what is not values.
constexpr std::size_t packet_reserve = 64UL * 1024;

/// The values of one execution. The parameters must outlive it.
class Bindings {
  public:
    Bindings(std::span<const sql::Param> params, std::span<const std::size_t> order);

    [[nodiscard]] bool empty() const { return binds_.empty(); }
    [[nodiscard]] std::size_t bytes() const { return bytes_; }
    [[nodiscard]] MYSQL_BIND* data() const { return binds_.data(); }

  private:
    mutable std::vector<MYSQL_BIND> binds_;
    std::size_t bytes_ = 0;
};

/// The values of many executions in one, column by column.
class BulkBindings {
  public:
    explicit BulkBindings(std::span<const std::vector<sql::Param>> rows);

    [[nodiscard]] MYSQL_BIND* data() { return binds_.data(); }

  private:
    struct Column {
        std::vector<std::int64_t> numbers;
        std::vector<const char*> texts;
        std::vector<unsigned long> lengths;
        std::vector<char> indicators;
    };
    void fill(Column& column,
              MYSQL_BIND& bind,
              std::span<const std::vector<sql::Param>> rows,
              std::size_t index);

    std::vector<Column> columns_;
    std::vector<MYSQL_BIND> binds_;
};

/// Where the columns of a row arrive, as text.
class ResultBuffers {
  public:
    explicit ResultBuffers(std::size_t columns);
    ~ResultBuffers() = default;
    ResultBuffers(const ResultBuffers&) = delete;
    ResultBuffers& operator=(const ResultBuffers&) = delete;

    [[nodiscard]] MYSQL_BIND* data() { return binds_.data(); }
    /// The value of the row that was fetched; nothing: NULL.
    [[nodiscard]] std::optional<std::string> take(MYSQL_STMT* statement, std::size_t column);

  private:
    static constexpr std::size_t usual_size = 256;
    struct Cell {
        char buffer[usual_size];
        unsigned long length = 0;
        my_bool is_null = 0;
        my_bool is_cut = 0;
    };
    std::vector<Cell> cells_;
    std::vector<MYSQL_BIND> binds_;
};

}  // namespace keepmq::mysql
