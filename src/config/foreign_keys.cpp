// Keys of EMQ X 4.x that mean nothing here: a file taken over from there must load, and say so.

#include <algorithm>
#include <array>

#include "config/section.hpp"

namespace keepmq::config {
namespace {

struct Foreign {
    std::string_view pattern;  ///< a whole key, or a beginning that ends in a dot
    std::string_view reason;
};

constexpr std::string_view no_tls = "only TCP listeners are available in this version";
constexpr std::string_view no_auth = "clients are not authenticated in this version";
constexpr std::string_view erlang = "it belongs to the Erlang runtime";

constexpr std::array foreign{
    Foreign{"listener.ssl.", no_tls},
    Foreign{"listener.ws.", no_tls},
    Foreign{"listener.wss.", no_tls},
    Foreign{"dashboard.listener.http.", ""},
    Foreign{"dashboard.listener.https", "only HTTP is available in this version"},
    Foreign{"dashboard.listener.https.", "only HTTP is available in this version"},
    Foreign{"management.", "its interface is dashboard.listener.http"},
    Foreign{"allow_anonymous", no_auth},
    Foreign{"acl_nomatch", no_auth},
    Foreign{"acl_file", no_auth},
    Foreign{"acl_deny_action", no_auth},
    Foreign{"enable_acl_cache", no_auth},
    Foreign{"acl_cache_max_size", no_auth},
    Foreign{"acl_cache_ttl", no_auth},
    Foreign{"auth.", no_auth},
    Foreign{"flapping_detect_policy", ""},
    Foreign{"cluster.", "this broker runs alone"},
    Foreign{"rpc.", "this broker runs alone"},
    Foreign{"node.cookie", erlang},
    Foreign{"node.heartbeat", erlang},
    Foreign{"node.async_threads", erlang},
    Foreign{"node.process_limit", erlang},
    Foreign{"node.max_ports", erlang},
    Foreign{"node.max_ets_tables", erlang},
    Foreign{"node.dist_buffer_size", erlang},
    Foreign{"node.dist_net_ticktime", erlang},
    Foreign{"node.dist_listen_min", erlang},
    Foreign{"node.dist_listen_max", erlang},
    Foreign{"node.global_gc_interval", erlang},
    Foreign{"node.fullsweep_after", erlang},
    Foreign{"node.crash_dump", erlang},
    Foreign{"node.ssl_dist_optfile", erlang},
    Foreign{"node.backtrace_depth", erlang},
    Foreign{"node.proto_dist", erlang},
    Foreign{"log.", "the log goes to standard error"},
    Foreign{"plugins.loaded_file", "loaded plugins are remembered in node.data_dir"},
    Foreign{"plugins.expand_plugins_dir", ""},
    Foreign{"mqtt.ignore_loop_deliver", ""},
    Foreign{"mqtt.strict_mode", ""},
    Foreign{"mqtt.max_client_id_len", "it is called mqtt.max_clientid_len"},
    Foreign{"zone.internal.", "there is one zone, external"},
    Foreign{"zone.external.allow_anonymous", no_auth},
    Foreign{"zone.external.publish_limit", ""},
    Foreign{"zone.external.rate_limit.", ""},
    Foreign{"zone.external.quota.", ""},
    Foreign{"zone.external.enable_acl", no_auth},
    Foreign{"zone.external.acl_deny_action", no_auth},
    Foreign{"zone.external.enable_ban", ""},
    Foreign{"zone.external.enable_stats", ""},
    Foreign{"zone.external.enable_flapping_detect", ""},
    Foreign{"zone.external.force_gc_policy", erlang},
    Foreign{"zone.external.force_shutdown_policy", erlang},
    Foreign{"zone.external.hibernate_after", erlang},
    Foreign{"zone.external.bypass_auth_plugins", no_auth},
    Foreign{"zone.external.strict_mode", ""},
    Foreign{"zone.external.ignore_loop_deliver", ""},
    Foreign{"zone.external.max_packet_size", "set mqtt.max_packet_size"},
    Foreign{"zone.external.max_clientid_len", "set mqtt.max_clientid_len"},
    Foreign{"zone.external.max_topic_levels", "set mqtt.max_topic_levels"},
    Foreign{"zone.external.max_qos_allowed", "set mqtt.max_qos_allowed"},
    Foreign{"zone.external.max_topic_alias", "set mqtt.max_topic_alias"},
    Foreign{"zone.external.retain_available", "set mqtt.retain_available"},
    Foreign{"zone.external.wildcard_subscription", "set mqtt.wildcard_subscription"},
    Foreign{"zone.external.shared_subscription", "set mqtt.shared_subscription"},
    Foreign{"zone.external.upgrade_qos", ""},
    Foreign{"zone.external.retry_interval", "QoS 1 and 2 messages are resent at reconnect only"},
    Foreign{"zone.external.await_rel_timeout", ""},
    Foreign{"zone.external.mqueue_priorities", ""},
    Foreign{"zone.external.mqueue_default_priority", ""},
    Foreign{"zone.external.use_username_as_clientid", ""},
    Foreign{"zone.external.mountpoint", ""},
    Foreign{"zone.external.response_information", ""},
    Foreign{"broker.sys_heartbeat", ""},
    Foreign{"broker.session_locking_strategy", ""},
    Foreign{"broker.shared_dispatch_ack_enabled", ""},
    Foreign{"broker.route_batch_clean", ""},
    Foreign{"broker.perf.", ""},
    Foreign{"retainer.storage_type", ""},
    Foreign{"retainer.max_payload_size", ""},
    Foreign{"retainer.expiry_interval", ""},
    Foreign{"retainer.stop_publish_clear_msg", ""},
    Foreign{"delayed.", ""},
    Foreign{"module.", ""},
    Foreign{"modules.", ""},
    Foreign{"sysmon.", ""},
    Foreign{"os_mon.", ""},
    Foreign{"vm_mon.", ""},
    Foreign{"alarm.", ""},
};

/// Options of a TCP listener in EMQ X.
constexpr std::array<std::string_view, 16> listener_options{"acceptors",
                                                            "max_conn_rate",
                                                            "active_n",
                                                            "zone",
                                                            "rate_limit",
                                                            "proxy_protocol",
                                                            "proxy_protocol_timeout",
                                                            "peer_cert_as_username",
                                                            "backlog",
                                                            "send_timeout",
                                                            "send_timeout_close",
                                                            "recbuf",
                                                            "sndbuf",
                                                            "buffer",
                                                            "high_watermark",
                                                            "tune_buffer"};

bool is_listener_option(std::string_view option) {
    return std::ranges::find(listener_options, option) != listener_options.end() ||
           option == "nodelay" || option == "reuseaddr" || option.starts_with("access.");
}

}  // namespace

std::optional<std::string> foreign_key(std::string_view key) {
    constexpr std::string_view listener = "listener.tcp.";
    if (key.starts_with(listener)) {
        const auto rest = key.substr(listener.size());
        const auto dot = rest.find('.');
        if (dot == std::string_view::npos || !is_listener_option(rest.substr(dot + 1)))
            return std::nullopt;
        return std::string{};
    }
    const auto found = std::ranges::find_if(foreign, [key](const Foreign& one) {
        return one.pattern.ends_with('.') ? key.starts_with(one.pattern) : key == one.pattern;
    });
    if (found == foreign.end())
        return std::nullopt;
    return std::string{found->reason};
}

}  // namespace keepmq::config
