#pragma once
// The rows with deliveries, and where each delivery is. A commit writes what it made as one or a
// few rows, and for each older row that something happened to, its marks. A row goes when nothing
// of it is left; when little is, that moves to the next row that is written. So the rows take at
// most about four times the bytes that are of use. One thread.

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/sqlite.hpp"
#include "sessions/batch.hpp"
#include "sessions/load.hpp"
#include "sessions/segment.hpp"

namespace keepmq::sessions {

class Segments {
  public:
    static constexpr const char* schema =
        "create table if not exists segments(segment integer primary key, data blob not null);"
        "create table if not exists marks(segment integer primary key, data blob not null);";

    /// False: `sqlite3_errmsg` says why. The tables are there, the database outlives this.
    [[nodiscard]] bool prepare(sqlite3* database);
    /// All that is left, by number. Once, before anything is written.
    [[nodiscard]] LoadProblem load(std::vector<broker::Change>& into);

    /// Within a transaction. When that failed, the same batch comes again before any other.
    [[nodiscard]] bool write(const Batch& batch);
    /// What was written is in the file.
    void on_committed();

  private:
    struct Place {
        std::uint32_t segment = 0;
        std::uint32_t place = 0;
    };
    struct Fresh {
        std::uint32_t number = 0;
        std::string data;
        Segment segment;
        std::vector<std::uint64_t> deliveries;
    };
    /// What one transaction does to the rows.
    struct Plan {
        std::vector<Fresh> fresh;
        std::vector<std::uint32_t> marked;
        std::vector<std::uint32_t> dropped;
    };
    class Filling;

    [[nodiscard]] Plan plan(const Batch& batch);
    [[nodiscard]] std::vector<std::uint32_t> mark(const Batch& batch);
    /// What is left of a row; nothing if it cannot be read now.
    [[nodiscard]] std::optional<std::vector<broker::DeliveryKept>> survivors(std::uint32_t number);
    [[nodiscard]] std::uint32_t next_number();

    std::unordered_map<std::uint32_t, Segment> segments_;
    std::uint32_t last_number_ = 0;
    boost::unordered_flat_map<std::uint64_t, Place> places_;
    std::optional<Plan> plan_;

    sqlite3* database_ = nullptr;
    Statement put_, drop_, get_, put_marks_, drop_marks_;
};

}  // namespace keepmq::sessions
