#pragma once
// The settings of one pool as they stand in a plugin's file, and the words to read them with: every
// backend reads numbers, flags and server lists alike and reports mistakes alike.

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostic.hpp"

namespace keepmq::store {

/// Property -> value and place. `backend.sqlite.pool1.file = x` is {"file", {"x", origin}}.
struct PoolConf {
    struct Entry {
        std::string value;
        Origin origin;
        std::string key = {};  ///< as in the file, if it is a setting of the whole plugin
    };
    std::string kind;  ///< `sqlite`
    std::string name;  ///< `pool1`
    std::map<std::string, Entry, std::less<>> entries;
    std::string data_dir;  ///< relative paths of data files start here
    std::string conf_dir;  ///< relative paths of certificates start here
};

/// Where a server listens.
struct Server {
    std::string host;  ///< name or address; IPv6 without brackets
    std::uint16_t port = 0;
    friend bool operator==(const Server&, const Server&) = default;
};
/// `host:port`, IPv6 in brackets.
[[nodiscard]] std::string to_string(const Server& server);
/// "host:port,[::1]:port,host"; nothing if it is not that.
[[nodiscard]] std::optional<std::vector<Server>> parse_servers(std::string_view text,
                                                               std::uint16_t default_port);

/// TLS towards a database; the key names of every pool.
struct Tls {
    bool enabled = false;  ///< `ssl`
    bool verify =
        false;  ///< `verify`: verify_peer (default when cacertfile is given) or verify_none
    std::string ca_file;  ///< `cacertfile`, absolute
    std::string cert_file;
    std::string key_file;
};

/// Reads one property after the other into variables that hold the defaults; a property that is
/// absent leaves its variable alone. Mistakes are reported with key and place, all of them.
class PoolConfReader {
  public:
    PoolConfReader(const PoolConf& conf, Diagnostics& diagnostics)
        : conf_{conf}, diagnostics_{diagnostics} {}

    /// Null if the property is absent.
    [[nodiscard]] const PoolConf::Entry* find(std::string_view property) const;
    void refuse(std::string_view property, std::string message, std::string hint = {});

    void number(std::string_view property,
                std::size_t lowest,
                std::size_t highest,
                std::size_t& value);
    /// `5s`, `500ms`, or a number of milliseconds.
    void duration(std::string_view property, std::chrono::milliseconds& value);
    /// `connect_timeout` and `read_timeout`, which must not be 0.
    void timeouts(std::chrono::milliseconds& connect, std::chrono::milliseconds& read);
    /// on, true; off, false.
    void flag(std::string_view property, bool& value);
    /// Index of the word in `words`.
    void choice(std::string_view property,
                std::span<const std::string_view> words,
                std::size_t& value);
    void text(std::string_view property, std::string& value);
    void servers(std::string_view property, std::uint16_t default_port, std::vector<Server>& value);
    /// `ssl`, `verify`, `cacertfile`, `certfile`, `keyfile`; the files must be readable.
    void tls(Tls& value);

    void warn_of_unknown(std::span<const std::string_view> known);

    /// Whether nothing was refused.
    [[nodiscard]] bool ok() const { return ok_; }

  private:
    void file(std::string_view property, std::string& value);
    [[nodiscard]] std::string key(std::string_view property) const;

    const PoolConf& conf_;
    Diagnostics& diagnostics_;
    bool ok_ = true;
};

}  // namespace keepmq::store
