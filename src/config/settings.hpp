#pragma once
// `etc/keepmq.conf` as typed settings. Every key has a default; a key can also be set by
// `--set KEY=VALUE` or by the environment (KEEPMQ_ + upper case, `__` for a dot); the later of
// file, environment, command line wins. Read at start and at SIGHUP.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostic.hpp"
#include "model/ids.hpp"

namespace keepmq::config {

/// `listener.tcp.<name> = address`. Address forms: `1883` (all interfaces, both stacks),
/// `127.0.0.1:1883`, `[::1]:1883`, `localhost:1883` (both loopback addresses). Port 0: any free
/// one.
struct Endpoint {
    std::string host;  ///< "" all interfaces; "localhost" both loopbacks; else an address literal
    std::uint16_t port = 0;
    Origin origin;
};

struct Listener {
    std::string name;  ///< `external`
    Endpoint endpoint;
    std::size_t max_connections = 1'024'000;
    Origin origin{};  ///< where its name comes first
};

struct Node {
    std::string name = "keepmq@127.0.0.1";
    std::string data_dir =
        "data";  ///< made absolute by `load`: relative to the folder above the conf's
    bool persistence = true;
    std::size_t shards = 1;  ///< 0: one for each core
};

/// The low byte of a node's number is theirs.
inline constexpr std::size_t most_shards = 64;

struct Plugins {
    std::string etc_dir = "plugins";  ///< made absolute: relative to the folder of keepmq.conf
    std::vector<std::string> loaded{"emqx_backend_sqlite"};  ///< loaded at the first start
    Origin loaded_origin{};
};

/// `dashboard.listener.http`, `dashboard.default_user.login`, `.password`.
struct Admin {
    bool enabled = true;
    Endpoint endpoint{"127.0.0.1", 18083, {}};
    std::string login;      ///< needed for anything but a loopback address
    std::string password;   ///< never printed
    Origin login_origin{};  ///< of the later of the two
};

/// `mqtt.*` and `zone.external.*`, names of EMQ X 4.x where it has them.
struct Mqtt {
    std::uint32_t max_packet_size = 1'048'576;          // mqtt.max_packet_size (accepts 1MB)
    std::size_t max_clientid_len = 65'535;              // mqtt.max_clientid_len
    std::size_t max_topic_levels = 128;                 // mqtt.max_topic_levels, 0 = no limit
    Qos max_qos_allowed = Qos::exactly_once;            // mqtt.max_qos_allowed
    std::uint16_t max_topic_alias = 65'535;             // mqtt.max_topic_alias
    bool retain_available = true;                       // mqtt.retain_available
    bool wildcard_subscription = true;                  // mqtt.wildcard_subscription
    bool shared_subscription = true;                    // mqtt.shared_subscription
    std::chrono::milliseconds connect_timeout{15'000};  // zone.external.idle_timeout
    std::optional<std::uint16_t> server_keepalive;      // zone.external.server_keepalive, seconds
    double keepalive_backoff = 0.75;  // zone.external.keepalive_backoff; x2 = the 1.5 of the clause
    std::uint16_t receive_maximum = 1'000;  // zone.external.receive_maximum (client to server)
    std::uint16_t max_inflight = 1'000;     // zone.external.max_inflight (server to client)
    std::size_t max_awaiting_rel = 1'000;   // zone.external.max_awaiting_rel
    std::size_t max_mqueue_len =
        10'000;  // zone.external.max_mqueue_len, messages a session may queue
    std::size_t max_mqueue_bytes = 64UL << 20U;  // zone.external.max_mqueue_bytes
    bool mqueue_store_qos0 =
        false;  // zone.external.mqueue_store_qos0: queue QoS 0 for absent sessions
    std::size_t max_subscriptions = 0;  // zone.external.max_subscriptions per session, 0 = no limit
    std::chrono::seconds session_expiry_interval{
        7200};  // zone.external.session_expiry_interval: of 3.x clean_session = 0
    std::chrono::seconds max_session_expiry_interval{
        0xFFFFFFFF};                          // upper bound for what MQTT 5 clients ask
    std::size_t max_sessions = 1'000'000;     // mqtt.max_sessions, connected or not
    std::size_t max_connections = 1'000'000;  // mqtt.max_connections, over all listeners
    std::size_t max_outgoing_buffer =
        1UL << 20U;  // mqtt.max_outgoing_buffer: bytes waiting for one slow reader
    std::size_t max_retained_messages = 1'000'000;  // retainer.max_retained_messages, 0 = no limit
    std::string shared_subscription_strategy =
        "round_robin";  // broker.shared_subscription_strategy: random|round_robin|sticky|hash
    std::chrono::seconds sys_interval{60};  // broker.sys_interval, 0 = no $SYS
    bool lookup_on_every_connect = true;    // hooks.lookup_on_every_connect: on_subscribe_lookup of
                                            // session.created also at resume
};

struct Replay {
    std::size_t page_size = 500;                 // replay.page_size
    std::chrono::milliseconds deadline{10'000};  // replay.deadline: then live messages stop waiting
    std::size_t buffer = 10'000;  // replay.buffer: live messages held behind one fence
};

struct Store {
    std::size_t max_batch = 1'000;                        // store.max_batch
    std::size_t queue_limit = 100'000;                    // store.queue_limit
    std::chrono::milliseconds give_up_after{10'000};      // store.give_up_after
    std::chrono::milliseconds spool_after{1'000};         // spool.after
    std::uint64_t spool_max_size = 4UL << 30U;            // spool.max_size
    std::chrono::seconds spool_max_age{0};                // spool.max_age, 0 = any
    std::chrono::seconds backpressure_limit{60};          // backpressure.limit
    std::chrono::milliseconds shutdown_deadline{10'000};  // node.shutdown_deadline
};

struct Settings {
    std::string conf_file;  ///< absolute
    Node node;
    Plugins plugins;
    std::vector<Listener> listeners;  ///< none in the file: {"external", localhost:1883}
    Admin admin;
    Mqtt mqtt;
    Replay replay;
    Store store;
    std::string log_level = "info";
    std::string ports_file;  ///< node.ports_file: after start the bound addresses are written there
                             ///< as JSON; empty = not
};

/// One documented key, for the configuration reference and for "did you mean".
struct KeyInfo {
    std::string_view key;
    std::string_view type;
    std::string_view default_value;
    std::string_view meaning;
};
[[nodiscard]] const std::vector<KeyInfo>& known_keys();

/// Overrides in order of increasing precedence; the origin says where each came from.
struct Override {
    std::string key;
    std::string value;
    Origin origin;
};

/// Reads the file and applies the overrides. Collects all problems; the settings are usable only
/// when there is no error. An absent file is an error unless `path` is empty (all defaults).
[[nodiscard]] Settings load_settings(const std::string& path,
                                     const std::vector<Override>& overrides,
                                     Diagnostics& diagnostics);

/// The same for text; `path` only says where it would be: it need not exist.
[[nodiscard]] Settings parse_settings(std::string_view text,
                                      const std::string& path,
                                      const std::vector<Override>& overrides,
                                      Diagnostics& diagnostics);

/// Keys whose values differ and that a running broker cannot take over.
[[nodiscard]] std::vector<std::string> keys_for_next_start(const Settings& running,
                                                           const Settings& fresh);

/// Overrides out of the environment of the process: KEEPMQ_LISTENER__TCP__EXTERNAL=1884.
[[nodiscard]] std::vector<Override> overrides_from_environment(const char* const* environment);

}  // namespace keepmq::config
