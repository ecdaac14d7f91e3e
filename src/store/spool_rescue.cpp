// What is done with the file of a spool as a whole: set aside, saved as far as it goes, removed.

#include <fcntl.h>
#include <fmt/chrono.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <limits>
#include <utility>

#include "store/spool_rows.hpp"

namespace keepmq::store {
namespace {

namespace fs = std::filesystem;

using embedded::is_damage;
using embedded::Statement;

constexpr const char* suffix_of_rescued = ".rescued";

constexpr std::size_t part_rows = 1'000;
constexpr std::size_t part_bytes = 8UL << 20U;

constexpr auto no_end = std::numeric_limits<std::int64_t>::max();
/// Beyond this many rows that cannot be read nothing more is looked for.
constexpr std::int64_t widest_gap = 1LL << 40;

constexpr const char* forward_sql =
    "select " KEEPMQ_SPOOL_COLUMNS " from spool where seq > ? and seq < ? order by seq";
constexpr const char* backward_sql =
    "select " KEEPMQ_SPOOL_COLUMNS " from spool where seq > ? and seq < ? order by seq desc";

/// Copies what can be read of a damaged file.
class Rescue {
  public:
    Rescue(sqlite3* from, Spool& into) : from_{from}, into_{into} {}

    [[nodiscard]] std::optional<Failure> run() {
        for (std::int64_t done = 0; !copy(forward_sql, done, no_end);) {
            done = std::max(done, newest_);
            const auto beyond = row_beyond(done);
            // What lies between is approached from the other side.
            if (failure_ || !beyond || (!copy(backward_sql, done, *beyond) && failure_))
                break;
            done = *beyond - 1;
        }
        return std::move(failure_);
    }

  private:
    /// True if all rows between the two were read.
    bool copy(const char* sql, std::int64_t after, std::int64_t before) {
        Statement rows{from_, sql};
        int status = rows ? rows.bind(after).bind(before).step() : sqlite3_errcode(from_);
        while (status == SQLITE_ROW) {
            std::vector<SpoolRow> part;
            std::size_t bytes = 0;
            for (; status == SQLITE_ROW && part.size() < part_rows && bytes < part_bytes;
                 status = rows.step()) {
                part.push_back(read_spool_row(rows));
                newest_ = std::max(newest_, static_cast<std::int64_t>(part.back().seq));
                bytes += part.back().op.size();
            }
            failure_ = into_.append(part);
            if (failure_)
                return false;
        }
        note(status);
        return status == SQLITE_DONE;
    }

    /// The first one behind the damage that can be read.
    std::optional<std::int64_t> row_beyond(std::int64_t place) {
        for (std::int64_t step = 1; step < widest_gap; step *= 2) {
            Statement rows{from_, forward_sql};
            const int status =
                rows ? rows.bind(place + step).bind(no_end).step() : sqlite3_errcode(from_);
            if (status == SQLITE_ROW)
                return rows.number();
            note(status);
            if (!is_damage(status))
                break;
        }
        return {};
    }

    /// A disk that does not answer may do so later. SQLITE_ERROR: there is no such table.
    void note(int status) {
        if (status != SQLITE_DONE && status != SQLITE_ERROR && !is_damage(status))
            failure_ = Failure{errc::storage_full, sqlite3_errmsg(from_)};
    }

    sqlite3* from_;
    Spool& into_;
    std::int64_t newest_ = 0;
    std::optional<Failure> failure_;
};

std::optional<Failure> rename(const std::string& from, const std::string& to) {
    std::error_code error;
    if (!fs::exists(from, error))
        return {};
    fs::rename(from, to, error);
    if (error)
        return Failure{errc::storage_full, from + ": " + error.message()};
    return {};
}

std::variant<std::string, Failure> set_aside(const std::string& path) {
    const auto now = std::chrono::system_clock::now();
    std::string suffix = fmt::format(".damaged-{:%Y%m%dT%H%M%S}",
                                     fmt::gmtime(std::chrono::system_clock::to_time_t(now)));
    std::error_code error;
    while (fs::exists(path + suffix, error)) suffix += '+';
    // The log first: alone, a file without its log would look whole.
    for (const char* part : {"-wal", "-shm", ""})
        if (auto why = rename(path + part, path + suffix + part))
            return *std::move(why);
    return path + suffix;
}

}  // namespace

void flush_folder(const fs::path& folder) {
    const int open = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (open < 0)
        return;
    (void)::fsync(open);  // not every file system can
    ::close(open);
}

void Spool::end_rescue(const std::string& path) {
    // The damaged file goes last, so the new one is complete.
    std::error_code error;
    if (!fs::exists(path, error) && fs::exists(path + suffix_of_rescued, error))
        (void)rename(path + suffix_of_rescued, path);  // or with the next attempt
}

std::variant<Spool::Rescued, Failure> Spool::rescue(const std::string& path) {
    const std::string fresh = path + suffix_of_rescued;
    if (auto why = remove_file(fresh))
        return *std::move(why);
    Rescued rescued;
    {
        auto opened = open(fresh);
        if (auto* why = std::get_if<NotOpened>(&opened))
            return std::move(why->failure);
        auto& into = *std::get<0>(opened);
        const auto damaged = embedded::open_database(path);
        if (auto why = Rescue{damaged.get(), into}.run())
            return *std::move(why);
        rescued.rows = into.rows();
    }
    auto aside = set_aside(path);
    if (auto* why = std::get_if<Failure>(&aside))
        return std::move(*why);
    rescued.aside = std::get<std::string>(std::move(aside));
    if (auto why = rename(fresh, path))
        return *std::move(why);
    // What is written from now on must not be in a file that has its old name after a power cut.
    flush_folder(fs::path{path}.parent_path());
    return rescued;
}

std::optional<Failure> Spool::remove_file(const std::string& path) {
    // A log without its file is dropped when the file is made anew.
    for (const char* part : {"", "-wal", "-shm"}) {
        std::error_code error;
        fs::remove(path + part, error);
        if (error)
            return Failure{errc::storage_full, path + part + ": " + error.message()};
    }
    return {};
}

}  // namespace keepmq::store
