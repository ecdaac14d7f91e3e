#pragma once
// `emqx_backend_<kind>.conf`: pools and rule lines, read but not yet compiled.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostic.hpp"
#include "model/event.hpp"

namespace keepmq::config {

/// `key = value` lines of a file, comments and blank lines gone, later duplicates winning (warned).
struct ConfLine {
    std::string key;
    std::string value;
    Origin origin;
    int column = 1;  ///< of the value, in bytes from 1
};
[[nodiscard]] std::vector<ConfLine> parse_conf(std::string_view text,
                                               const std::string& file,
                                               Diagnostics& diagnostics);
/// The same from disk; a file that cannot be read is a diagnostic.
[[nodiscard]] std::vector<ConfLine> read_conf(const std::string& path, Diagnostics& diagnostics);

/// "2h", "500ms", "1d", "30" (seconds) or "infinity" (no value).
[[nodiscard]] std::optional<std::optional<std::chrono::milliseconds>> parse_duration(
    std::string_view text);
/// "1MB", "64KB", "1024".
[[nodiscard]] std::optional<std::uint64_t> parse_bytes(std::string_view text);

/// "500" or "infinity" (no value); not 0.
[[nodiscard]] std::optional<std::optional<std::uint64_t>> parse_count(std::string_view text);

struct PropertyValue {
    std::string value;
    Origin origin;
};
using Properties = std::map<std::string, PropertyValue, std::less<>>;

struct PoolSpec {
    std::string name;
    Properties properties;
};

/// One `backend.<kind>.hook.<hook>.<N> = {...}` line; members checked for type, not yet for
/// meaning.
struct RuleSpec {
    Origin origin;
    std::string key;
    Hook hook{};
    int ordinal = 0;
    std::optional<std::string> topic;
    std::string function;          ///< of action.function; empty when statements are given
    std::string statement_member;  ///< `sql`, `cql`, ...; empty when a function is given
    std::vector<std::string> statements;
    std::string pool;
    std::optional<std::uint64_t> max_returned_count;      ///< offline_opts
    std::optional<std::chrono::milliseconds> time_range;  ///< offline_opts
    bool time_range_infinite = false;                     ///< offline_opts.time_range = "infinity"
    bool max_returned_infinite = false;
    std::optional<std::int64_t> expired_time;  ///< seconds; -1 = "infinity"
    std::optional<std::string> payload_format;
    std::optional<std::string> fetch_from;  ///< earliest | latest
    std::optional<std::string> durability;  ///< commit | enqueue | none
    std::optional<std::string> deliver;     ///< immediate | after_commit
};

struct PluginConf {
    std::string file;
    std::string kind;  ///< `sqlite`
    std::vector<PoolSpec> pools;
    std::vector<RuleSpec> rules;  ///< by hook, then ascending ordinal
    Properties
        settings;  ///< plugin-wide: max_returned_count, time_range, msg.expired_after, topology.*
};

/// `kind` is the key segment of rules, `pool_kind` that of pools (they differ for Cassandra).
/// Pool-less keys such as `backend.mysql.server` go to pool1 when listed in `pool_properties`.
/// Unknown keys: warning with the nearest known name.
struct PluginConfOptions {
    std::string_view kind;
    std::string_view pool_kind;
    std::string_view statement_member;
    std::vector<std::string_view> pool_properties;
};
[[nodiscard]] PluginConf read_plugin_conf(const std::string& path,
                                          const PluginConfOptions& options,
                                          Diagnostics& diagnostics);
[[nodiscard]] PluginConf parse_plugin_conf(std::string_view text,
                                           const std::string& file,
                                           const PluginConfOptions& options,
                                           Diagnostics& diagnostics);

/// Text of the file made fit for a message of one line: control characters as \xNN.
[[nodiscard]] std::string printable(std::string_view text);

/// The known word nearest to a mistyped one, or nothing.
[[nodiscard]] std::optional<std::string> nearest(std::string_view word,
                                                 const std::vector<std::string_view>& known);

}  // namespace keepmq::config
