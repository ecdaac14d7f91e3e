#pragma once
// `${x}` templates: compiled once when a plugin is loaded, always bound, never pasted.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostic.hpp"
#include "model/event.hpp"
#include "store/value.hpp"

namespace keepmq::hooks {

/// What `${...}` may name. `payload_json` has a path: `${payload.json.a.b}`.
enum class Variable : std::uint8_t {
    clientid,
    username,
    peerhost,
    node,
    topic,
    qos,
    retain,
    msgid,
    payload,       ///< bytes
    payload_text,  ///< text; NULL when not UTF-8
    payload_hex,
    payload_base64,
    payload_json,  ///< a member of a JSON payload; NULL when absent or not JSON
    message,       ///< compact JSON of id, from, qos, topic, retain, payload, ts
    reason,
    ts,         ///< seconds
    timestamp,  ///< milliseconds, as ts_ms
    ts_ms,
    ts_us,
    ts_iso,  ///< 2026-01-31T12:00:00.000000Z
};

struct Parameter {
    Variable variable{};
    std::vector<std::string> path;        ///< of payload_json
    std::optional<std::string> fallback;  ///< `${x:-fallback}`
    std::string source;                   ///< as written, for `keepmq check`
};

struct CompiledStatement {
    store::Statement statement;
    std::vector<Parameter> parameters;  ///< statement.parameters() of them
};

/// Compiles one statement of a rule on `hook`. Problems go to `diagnostics` (with `origin`):
/// unknown variable, variable that the hook does not have, `${x}` glued to other text inside quotes
/// (error),
/// `'${x}'` (bound, warning), unclosed `${`.
[[nodiscard]] std::optional<CompiledStatement> compile_sql(std::string_view text,
                                                           Hook hook,
                                                           const Origin& origin,
                                                           std::string_view key,
                                                           Diagnostics& diagnostics);

/// The same for a command whose arguments are separated by single spaces (Redis). Nothing quotes:
/// the arguments are what stands between the spaces of the pieces, and a parameter never ends one.
[[nodiscard]] std::optional<CompiledStatement> compile_command(std::string_view text,
                                                               Hook hook,
                                                               const Origin& origin,
                                                               std::string_view key,
                                                               Diagnostics& diagnostics);

/// The same for a document of a document database: the JSON text of `{"collection": "...",
/// "document": {...}}`. A text that is `${x}` as a whole becomes a value; pieces are JSON.
[[nodiscard]] std::optional<CompiledStatement> compile_document(std::string_view text,
                                                                Hook hook,
                                                                const Origin& origin,
                                                                std::string_view key,
                                                                Diagnostics& diagnostics);

/// The value of a parameter for an event; monostate (NULL) when absent. `node` is the node's name.
[[nodiscard]] store::Value evaluate(const Parameter& parameter,
                                    const Event& event,
                                    std::string_view node);

}  // namespace keepmq::hooks
