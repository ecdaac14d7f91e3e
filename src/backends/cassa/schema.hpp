#pragma once
// The tables: what a keyspace has, and what makes the ones of ours.

#include <string>
#include <string_view>

#include "backends/cassa/connection.hpp"
#include "store/backend.hpp"

namespace keepmq::cassa {

/// schema/001_init.cql.
[[nodiscard]] std::string_view schema_script();

/// What the tables offer. Those of EMQ X differ from release to release.
struct Layout {
    std::string client_in_client = "clientid";  ///< or client_id
    std::string client_in_sub = "clientid";
    std::string client_in_acked = "clientid";
    bool message_properties = true;   ///< msg.properties
    bool retained_body = true;        ///< retain holds the message; else msg does
    bool retained_properties = true;  ///< retain.properties
};

struct Inspection {
    store::SchemaReport report;
    Layout layout;
};

/// Looks at the tables of the session's keyspace.
[[nodiscard]] Inspection inspect(Session& session,
                                 const std::string& keyspace,
                                 const Interrupt& interrupt);

}  // namespace keepmq::cassa
