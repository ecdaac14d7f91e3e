#pragma once
// The client libraries behind one function each. A connection is used by one thread at a time.
// User, password and database are those of the test servers.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace drivers {

inline constexpr std::int64_t qos = 1;
inline constexpr std::int64_t retain = 0;

struct Row {
    std::string msgid, topic, sender, payload, arrived;
};
using Rows = std::span<const Row>;

struct Target {
    std::string host;  ///< for SQLite the file
    std::uint16_t port = 0;
    std::size_t batch = 0;
};

/// Writes rows, as many as a batch has, and returns when they are committed.
/// Throws std::runtime_error.
using Insert = std::function<void(Rows)>;

/// Each opens a connection, and closes it when its result goes. Throws std::runtime_error.
Insert open_sqlite(const Target& target);
Insert open_pgsql(const Target& target);
Insert open_mysql(const Target& target);
Insert open_redis(const Target& target);
Insert open_mongo(const Target& target);
Insert open_cassandra(const Target& target);

inline void require(bool condition, std::string_view what) {
    if (!condition)
        throw std::runtime_error{std::string{what}};
}

}  // namespace drivers
