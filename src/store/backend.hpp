#pragma once
// What a database kind is to the rest of the program: a descriptor, and per configured pool a
// `Backend` that makes connections and knows the schema.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostic.hpp"
#include "store/channel.hpp"
#include "store/connection.hpp"
#include "store/pool_conf.hpp"

namespace keepmq::store {

enum class Role : std::uint8_t { writer, reader };

/// What a schema check found.
struct SchemaReport {
    std::vector<std::string> missing;  ///< tables or columns that are needed and absent
    std::vector<std::string>
        warnings;                    ///< works, but (case-insensitive topics, payload is text, ...)
    std::optional<Failure> failure;  ///< the check itself could not run
    [[nodiscard]] bool ok() const { return missing.empty() && !failure; }
};

/// One configured pool. Immutable after construction; `connect` may be called from any thread.
class Backend {
  public:
    Backend() = default;
    Backend(const Backend&) = delete;
    Backend& operator=(const Backend&) = delete;
    virtual ~Backend() = default;

    [[nodiscard]] virtual std::unique_ptr<Connection> connect(Role role) const = 0;

    /// Number of write lanes and of readers this pool wants.
    [[nodiscard]] virtual std::size_t lanes() const = 0;
    [[nodiscard]] virtual std::size_t readers() const = 0;

    /// Effective durability in words: "WAL, synchronous=FULL: an ack means on disk".
    [[nodiscard]] virtual std::string durability() const = 0;

    /// The script that makes the tables of a new installation.
    [[nodiscard]] virtual std::string schema_script() const = 0;
    [[nodiscard]] virtual SchemaReport check_schema() const = 0;
    [[nodiscard]] virtual std::optional<Failure> create_schema() const = 0;

    /// Whether missing tables are made when the plugin is loaded (`auto_create_schema`).
    [[nodiscard]] virtual bool auto_create_schema() const = 0;

    /// Compiles a user's statement against the live database, if it can be reached: what the
    /// database dislikes about it, or nothing. `keepmq check` uses it.
    [[nodiscard]] virtual std::optional<Failure> try_statement(
        const Statement& statement) const = 0;

    /// Starts to listen for commands; null where the database, or this pool, has no such thing.
    [[nodiscard]] virtual std::unique_ptr<ChannelListener> listen(ChannelSink& /*sink*/) const {
        return nullptr;
    }

    /// A `${x}` placeholder as this dialect writes it; `index` counts from 0.
    [[nodiscard]] virtual std::string placeholder(std::size_t index) const = 0;
};

/// A kind of database. One constant per backend, listed in app/backends.cpp.
struct BackendDescriptor {
    std::string_view kind;         ///< key segment of pools and rules: `sqlite`
    std::string_view pool_kind;    ///< key segment of pools if it differs (`ecql`), else as kind
    std::string_view plugin;       ///< `emqx_backend_sqlite`
    std::string_view description;  ///< for `plugins list`
    std::string_view statement_member;  ///< of a rule's action: `sql`, `cql`, `commands`,
                                        ///< `document`; empty: none
    std::vector<std::string_view> pool_properties;  ///< all known, for "unknown key" messages
    /// Reads the settings; reports each wrong one. Null after an error.
    std::unique_ptr<Backend> (*configure)(const PoolConf& conf, Diagnostics& diagnostics);
};

}  // namespace keepmq::store
