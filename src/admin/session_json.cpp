#include "admin/session_json.hpp"

#include <utility>

#include "admin/json_text.hpp"

namespace keepmq::admin {
namespace json = boost::json;

json::object session_json(const broker::SessionSnapshot& session) {
    json::object out;
    out["clientid"] = json_text(session.client.view());
    out["username"] = json_text(session.username);
    out["ip_address"] = json_text(session.peerhost);
    out["port"] = session.port;
    out["connected"] = session.connected;
    out["proto_name"] = session.protocol_level == 3 ? "MQIsdp" : "MQTT";
    out["proto_ver"] = session.protocol_level;
    out["clean_start"] = session.clean_start;
    out["keepalive"] = session.keep_alive;
    out["expiry_interval"] = session.expiry_interval;
    out["connected_at"] = json_time(session.connected_at);
    out["disconnected_at"] = json_time(session.disconnected_at);
    out["created_at"] = json_time(session.created_at);
    out["subscriptions_cnt"] = session.subscriptions;
    out["mqueue_len"] = session.queued;
    out["mqueue_dropped"] = session.dropped;
    out["inflight"] = session.inflight;
    out["awaiting_rel"] = session.awaiting_rel;
    out["recv_msg"] = session.messages_received;
    out["send_msg"] = session.messages_sent;
    return out;
}

Reply list_sessions(Source& source, const Request& request, bool connected_only) {
    const auto found =
        source.sessions({}, connected_only, request.paging.offset(), request.paging.limit);
    json::array items;
    for (const auto& session : found.items) items.push_back(session_json(session));
    return page_reply(std::move(items), request.paging, found.total);
}

Reply show_session(Source& source, const Request& request, bool connected_only) {
    const auto found = source.sessions(request.captured[0], connected_only, 0, 1);
    if (found.items.empty())
        return not_found(connected_only ? "no such client" : "no such session");
    return data_reply(json::array{session_json(found.items[0])});
}

bool session_exists(Source& source, std::string_view client, bool connected_only) {
    return !client.empty() && !source.sessions(client, connected_only, 0, 1).items.empty();
}

}  // namespace keepmq::admin
