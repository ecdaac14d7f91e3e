#pragma once
// Sessions and subscriptions as JSON, with the names of EMQ X 4.x.

#include <boost/json/object.hpp>
#include <optional>
#include <string_view>

#include "admin/reply.hpp"
#include "admin/source.hpp"

namespace keepmq::admin {

[[nodiscard]] boost::json::object session_json(const broker::SessionSnapshot& session);

/// The handlers that `clients` and `sessions` share.
[[nodiscard]] Reply list_sessions(Source& source, const Request& request, bool connected_only);
[[nodiscard]] Reply show_session(Source& source, const Request& request, bool connected_only);

[[nodiscard]] bool session_exists(Source& source, std::string_view client, bool connected_only);

}  // namespace keepmq::admin
