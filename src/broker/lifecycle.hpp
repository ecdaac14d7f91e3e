#pragma once
// Connections and sessions begin and end: CONNECT, DISCONNECT, take-over, keep-alive, session
// expiry, wills. Shard-local.

#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "broker/connection.hpp"
#include "broker/session.hpp"
#include "mqtt/packets.hpp"

namespace keepmq::broker {

struct Core;

class Lifecycle {
  public:
    explicit Lifecycle(Core& core) : core_{core} {}

    [[nodiscard]] ConnectionId open(std::string peerhost, std::uint16_t peer_port, Now now);
    void on_connect(Connection& connection, const mqtt::Connect& packet, Now now);
    void on_disconnect(Connection& connection, const mqtt::Disconnect& packet, Now now);
    void on_refused(Connection& connection,
                    mqtt::ReasonCode reason,
                    std::optional<mqtt::ProtocolVersion> version_hint,
                    Now now);
    void on_timer(const Timers::Entry& due, Now now);

    /// How a connection ends.
    struct Ending {
        std::string_view reason;                   ///< for client.disconnected
        std::optional<mqtt::ReasonCode> say = {};  ///< in a DISCONNECT, on MQTT 5
        bool will = true;                          ///< the will is published
        bool by_peer = false;                      ///< the network is gone already: no Close
    };
    void end(Connection& connection, const Ending& ending, Now now);
    /// Ends it from our side, with a DISCONNECT on MQTT 5.
    void disconnect(Connection& connection, mqtt::ReasonCode reason, Now now);
    /// From before a restart, away. Null if there is one of that client.
    Session* restore(const SessionKept& kept, Now now);
    void restore(Session& session, const WillKept& kept, Now now);
    /// For what a client does wrong [MQTT-4.13.1-1].
    void protocol_error(Connection& connection, mqtt::ReasonCode reason, Now now);

  private:
    struct Admission {
        mqtt::ReasonCode reason = mqtt::ReasonCode::success;
        bool assigned = false;
        ClientId client;
    };
    [[nodiscard]] Admission admit(const mqtt::Connect& packet);
    [[nodiscard]] mqtt::ReasonCode check_capacity(const ClientId& client) const;
    [[nodiscard]] ClientId assign_client_id();
    void refuse(Connection& connection, mqtt::ReasonCode reason);
    void close(Connection& connection);
    void take_over(Session& session, bool clean_start, Now now);
    void adopt(Connection& connection, Session& session, const mqtt::Connect& packet, Now now);
    void send_connack(Connection& connection,
                      const Session& session,
                      const mqtt::Connect& packet,
                      bool assigned,
                      bool session_present);
    [[nodiscard]] std::uint32_t session_expiry(const mqtt::Connect& packet) const;

    void leave(Session& session, const Ending& ending, Now now);
    void end_session(Session& session, std::string_view reason, Now now);
    void arm(Session& session);
    void check_connection(Connection& connection, const Timers::Entry& due, Now now);
    void check_session(Session& session, Now now);

    [[nodiscard]] static std::unique_ptr<PendingWill> make_will(const Session& session,
                                                                const mqtt::Will& will);
    void publish_will(Session& session, Now now);
    void drop_will(Session& session);
    /// The session or its will changed; both must survive a restart if the session lasts.
    void keep(Session& session);
    void keep_will(const Session& session, Now now);

    Core& core_;
};

}  // namespace keepmq::broker
