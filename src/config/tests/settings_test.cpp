#include "config/settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "config/tests/problems.hpp"

namespace keepmq::config {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

struct Parsed {
    Settings settings;
    std::vector<std::string> problems;
};

Parsed parse(std::string_view text, const std::vector<Override>& overrides = {}) {
    Diagnostics diagnostics;
    auto settings = parse_settings(text, "/opt/keepmq/etc/keepmq.conf", overrides, diagnostics);
    return {std::move(settings), problems_of(diagnostics)};
}

/// Problems without the name of the file.
std::vector<std::string> problems(std::string_view text) {
    auto texts = parse(text).problems;
    for (auto& one : texts) one.erase(0, std::string_view{"/opt/keepmq/etc/"}.size());
    return texts;
}

TEST(Settings, EmptyFileGivesDefaults) {
    const auto [settings, found] = parse("");
    EXPECT_THAT(found, IsEmpty());
    ASSERT_THAT(settings.listeners, SizeIs(1));
    EXPECT_EQ(settings.listeners[0].name, "external");
    EXPECT_EQ(settings.listeners[0].endpoint.host, "localhost");
    EXPECT_EQ(settings.listeners[0].endpoint.port, 1883);
    EXPECT_EQ(settings.conf_file, "/opt/keepmq/etc/keepmq.conf");
    EXPECT_EQ(settings.node.data_dir, "/opt/keepmq/data");
    EXPECT_EQ(settings.plugins.etc_dir, "/opt/keepmq/etc/plugins");
    EXPECT_EQ(settings.ports_file, "");
}

TEST(Settings, ReadsEachSection) {
    const auto [settings, found] = parse(
        "node.name = a@b\nnode.data_dir = /var/lib/keepmq/\nnode.ports_file = run/ports.json\n"
        "log.level = debug\nplugins.etc_dir = /etc/p\nplugins.loaded = emqx_backend_redis, "
        "emqx_backend_mysql\n"
        "dashboard.listener.http = 18084\ndashboard.default_user.login = admin\n"
        "dashboard.default_user.password = public\n"
        "mqtt.max_packet_size = 2MB\nmqtt.max_qos_allowed = 1\nmqtt.retain_available = false\n"
        "zone.external.idle_timeout = 15s\nzone.external.server_keepalive = 60\n"
        "zone.external.keepalive_backoff = 1\nzone.external.session_expiry_interval = 1h\n"
        "store.give_up_after = 500ms\nspool.after = 2s\nspool.max_size = 1GB\n"
        "spool.max_age = 1h\nreplay.page_size = 7\nbackpressure.limit = 5s\n"
        "broker.shared_subscription_strategy = hash\nhooks.lookup_on_every_connect = off\n");
    EXPECT_THAT(found, IsEmpty());
    EXPECT_EQ(settings.node.name, "a@b");
    EXPECT_EQ(settings.node.data_dir, "/var/lib/keepmq");
    EXPECT_EQ(settings.ports_file, "/opt/keepmq/run/ports.json");
    EXPECT_EQ(settings.log_level, "debug");
    EXPECT_EQ(settings.plugins.etc_dir, "/etc/p");
    EXPECT_THAT(settings.plugins.loaded, ElementsAre("emqx_backend_redis", "emqx_backend_mysql"));
    EXPECT_EQ(settings.admin.endpoint.host, "");
    EXPECT_EQ(settings.admin.endpoint.port, 18084);
    EXPECT_EQ(settings.mqtt.max_packet_size, 2U << 20U);
    EXPECT_EQ(settings.mqtt.max_qos_allowed, Qos::at_least_once);
    EXPECT_FALSE(settings.mqtt.retain_available);
    EXPECT_EQ(settings.mqtt.connect_timeout, std::chrono::seconds{15});
    EXPECT_EQ(settings.mqtt.server_keepalive, 60);
    EXPECT_EQ(settings.mqtt.keepalive_backoff, 1.0);
    EXPECT_EQ(settings.mqtt.session_expiry_interval, std::chrono::hours{1});
    EXPECT_EQ(settings.store.give_up_after, std::chrono::milliseconds{500});
    EXPECT_EQ(settings.store.spool_after, std::chrono::seconds{2});
    EXPECT_EQ(settings.store.spool_max_size, 1U << 30U);
    EXPECT_EQ(settings.store.spool_max_age, std::chrono::hours{1});
    EXPECT_EQ(settings.replay.page_size, 7U);
    EXPECT_EQ(settings.store.backpressure_limit, std::chrono::seconds{5});
    EXPECT_EQ(settings.mqtt.shared_subscription_strategy, "hash");
    EXPECT_FALSE(settings.mqtt.lookup_on_every_connect);
}

TEST(Settings, ReadsEveryFormOfAnAddress) {
    const auto [settings, found] = parse(
        "listener.tcp.a = 1883\nlistener.tcp.b = 127.0.0.1:1884\nlistener.tcp.c = [::1]:1885\n"
        "listener.tcp.d = localhost:0\nlistener.tcp.a.max_connections = 5\n");
    EXPECT_THAT(found, IsEmpty());
    ASSERT_THAT(settings.listeners, SizeIs(4));
    EXPECT_EQ(settings.listeners[0].endpoint.host, "");
    EXPECT_EQ(settings.listeners[0].max_connections, 5U);
    EXPECT_EQ(settings.listeners[1].endpoint.host, "127.0.0.1");
    EXPECT_EQ(settings.listeners[2].endpoint.host, "::1");
    EXPECT_EQ(settings.listeners[2].endpoint.port, 1885);
    EXPECT_EQ(settings.listeners[3].endpoint.host, "localhost");
    EXPECT_EQ(settings.listeners[3].endpoint.port, 0);
}

TEST(Settings, RefusesWrongAddresses) {
    for (const std::string text : {"",
                                   "x",
                                   "99999",
                                   "1883 ",
                                   ":1883",
                                   "example.org:1883",
                                   "::1:1883",
                                   "[127.0.0.1]:1",
                                   "[localhost]:1",
                                   "1.2.3:1883",
                                   "127.0.0.1:",
                                   "-1"}) {
        const auto found = problems("listener.tcp.a = " + text + "\n");
        if (text == "1883 ")
            EXPECT_THAT(found, IsEmpty());
        else
            EXPECT_THAT(found,
                        ElementsAre("keepmq.conf:1: error: listener.tcp.a: cannot be \"" + text +
                                    "\" (expected a port or an address with one, such as 1883, "
                                    "127.0.0.1:1883, [::1]:1883 or localhost:1883)"));
    }
}

TEST(Settings, ReportsEveryProblemAtOnceWithWhatWasExpected) {
    EXPECT_THAT(
        problems(
            "mqtt.max_packet_size = 1\nmqtt.retain_available = perhaps\nlog.level = loud\n"
            "zone.external.idle_timeout = soon\nzone.external.max_inflight = 70000\n"
            "broker.sys_interval = 500ms\nzone.external.server_keepalive = 70000\n"
            "zone.external.keepalive_backoff = nan\nnode.name =\nmqtt.max_topic_levels = 1KB\n"),
        ElementsAre(
            "keepmq.conf:1: error: mqtt.max_packet_size: cannot be \"1\" (expected a size from 16 "
            "to "
            "268435455, such as 64KB or 1MB)",
            "keepmq.conf:2: error: mqtt.retain_available: cannot be \"perhaps\" (expected on or "
            "off)",
            "keepmq.conf:3: error: log.level: cannot be \"loud\" (expected error, warning, info or "
            "debug)",
            "keepmq.conf:4: error: zone.external.idle_timeout: cannot be \"soon\" (expected a "
            "duration "
            "from 100ms to 1h, such as 30s or 2h)",
            "keepmq.conf:5: error: zone.external.max_inflight: cannot be \"70000\" (expected a "
            "number "
            "from 1 to 65535)",
            "keepmq.conf:6: error: broker.sys_interval: cannot be \"500ms\" (expected a duration "
            "from 0 "
            "to 1d, in whole seconds, such as 30s or 2h)",
            "keepmq.conf:7: error: zone.external.server_keepalive: cannot be \"70000\" (expected "
            "seconds from 1 to 65535, or off)",
            "keepmq.conf:8: error: zone.external.keepalive_backoff: cannot be \"nan\" (expected a "
            "number from 0.5 to 10)",
            "keepmq.conf:9: error: node.name: cannot be \"\" (expected a name, such as "
            "keepmq@127.0.0.1)",
            "keepmq.conf:10: error: mqtt.max_topic_levels: cannot be \"1KB\" (expected a number "
            "from 0 "
            "to 65535)"));
}

TEST(Settings, UnknownKeysAreErrorsWithAGuess) {
    EXPECT_THAT(
        problems("mqtt.max_paket_size = 1MB\nlistener.tcp.a = 1883\n"
                 "listener.tcp.a.max_connection = 5\nquite.else = 1\n"),
        ElementsAre("keepmq.conf:1: error: mqtt.max_paket_size: unknown key (did you mean "
                    "mqtt.max_packet_size?)",
                    "keepmq.conf:3: error: listener.tcp.a.max_connection: unknown key (did you "
                    "mean listener.tcp.a.max_connections?)",
                    "keepmq.conf:4: error: quite.else: unknown key (docs/configuration.md lists "
                    "all)"));
    EXPECT_THAT(problems("backend.sqlite.pool1.file = x\n"),
                ElementsAre("keepmq.conf:1: error: backend.sqlite.pool1.file: unknown key (pools "
                            "and rules are in plugins/emqx_backend_sqlite.conf)"));
}

TEST(Settings, KeysOfEmqxAreWarnings) {
    EXPECT_THAT(
        problems("node.cookie = emqxsecretcookie\nlistener.tcp.external = 1883\n"
                 "listener.tcp.external.acceptors = 8\nlistener.ssl.external = 8883\n"
                 "cluster.discovery = manual\nzone.external.max_packet_size = 1MB\n"
                 "allow_anonymous = true\n"),
        ElementsAre("keepmq.conf:1: warning: node.cookie: has no effect here (it belongs to the "
                    "Erlang runtime)",
                    "keepmq.conf:3: warning: listener.tcp.external.acceptors: has no effect here",
                    "keepmq.conf:4: warning: listener.ssl.external: has no effect here (only TCP "
                    "listeners are available in this version)",
                    "keepmq.conf:5: warning: cluster.discovery: has no effect here (this broker "
                    "runs alone)",
                    "keepmq.conf:6: warning: zone.external.max_packet_size: has no effect here "
                    "(set mqtt.max_packet_size)",
                    "keepmq.conf:7: warning: allow_anonymous: has no effect here (clients are not "
                    "authenticated in this version)"));
}

TEST(Settings, ClosingTheDoorIsNotSilentlyIgnored) {
    EXPECT_THAT(
        problems("allow_anonymous = false\n"),
        ElementsAre("keepmq.conf:1: error: allow_anonymous: clients are not authenticated in "
                    "this version (the broker would admit everyone: remove the line if that is "
                    "intended)"));
}

TEST(Settings, ListenersNeedAnAddressOfTheirOwn) {
    EXPECT_THAT(
        problems("listener.tcp.a = 1883\nlistener.tcp.b = 1883\n"),
        ElementsAre("keepmq.conf:2: error: listener.tcp.b: another listener has the same address"));
    EXPECT_THAT(
        problems("listener.tcp.a.max_connections = 5\n"),
        ElementsAre("keepmq.conf:1: error: listener.tcp.a: the listener has no address (set "
                    "listener.tcp.a)"));
    EXPECT_THAT(
        problems("listener.tcp. = 1883\n"),
        ElementsAre("keepmq.conf:1: error: listener.tcp.: the listener has no name (for example "
                    "listener.tcp.external)"));
}

TEST(Settings, OpenDashboardNeedsALogin) {
    EXPECT_THAT(
        problems("dashboard.listener.http = 18083\n"),
        ElementsAre("keepmq.conf:1: error: dashboard.listener.http: an address that others can "
                    "reach needs a login (set dashboard.default_user.login and .password, or "
                    "listen on 127.0.0.1)"));
    EXPECT_THAT(problems("dashboard.listener.http = off\n"), IsEmpty());
    EXPECT_THAT(problems("dashboard.listener.http = [::1]:18083\n"), IsEmpty());
    const auto found = problems("dashboard.default_user.password = hunter2\n");
    EXPECT_THAT(
        found,
        ElementsAre("keepmq.conf:1: error: dashboard.default_user.login: is missing (login and "
                    "password go together)"));
}

TEST(Settings, OverridesWinInTheirOrder) {
    const auto [settings, found] = parse("listener.tcp.external = 1883\nlog.level = info\n",
                                         {{"listener.tcp.external", "1884", {"environment", 0}},
                                          {"listener.tcp.external", "1885", {"--set", 0}},
                                          {"log.level", "loud", {"--set", 0}}});
    ASSERT_THAT(settings.listeners, SizeIs(1));
    EXPECT_EQ(settings.listeners[0].endpoint.port, 1885);
    EXPECT_THAT(
        found,
        ElementsAre("--set: error: log.level: cannot be \"loud\" (expected error, warning, info "
                    "or debug)"));
}

TEST(Settings, EnvironmentNamesKeysWithDoubleUnderscores) {
    const std::array<const char*, 7> environment{"KEEPMQ_LISTENER__TCP__EXTERNAL=1884",
                                                 "KEEPMQ_MQTT__MAX_PACKET_SIZE=2MB",
                                                 "KEEPMQ_PORT_1883_TCP=tcp://10.0.0.1:1883",
                                                 "PATH=/bin",
                                                 "KEEPMQ_LOG__LEVEL",
                                                 "KEEPMQ_LOG__LEVEL=a=b",
                                                 nullptr};
    const auto overrides = overrides_from_environment(environment.data());
    ASSERT_THAT(overrides, SizeIs(3));
    EXPECT_EQ(overrides[0].key, "listener.tcp.external");
    EXPECT_EQ(overrides[0].value, "1884");
    EXPECT_EQ(overrides[0].origin.file, "environment KEEPMQ_LISTENER__TCP__EXTERNAL");
    EXPECT_EQ(overrides[1].key, "mqtt.max_packet_size");
    EXPECT_EQ(overrides[2].value, "a=b");
    EXPECT_THAT(overrides_from_environment(nullptr), IsEmpty());
}

TEST(Settings, EveryDocumentedDefaultIsAcceptedAndChangesNothing) {
    std::string text;
    for (const auto& key : known_keys()) {
        if (key.key.find('<') == std::string_view::npos)
            text += std::string{key.key} + " = " + std::string{key.default_value} + '\n';
    }
    const auto [settings, found] = parse(text);
    EXPECT_THAT(found, IsEmpty());
    const auto plain = parse("").settings;
    EXPECT_EQ(settings.node.data_dir, plain.node.data_dir);
    EXPECT_EQ(settings.mqtt.max_session_expiry_interval, plain.mqtt.max_session_expiry_interval);
    EXPECT_EQ(settings.mqtt.keepalive_backoff, plain.mqtt.keepalive_backoff);
    EXPECT_EQ(settings.plugins.loaded, plain.plugins.loaded);
}

TEST(Settings, WithoutAFilePathsStartHere) {
    Diagnostics diagnostics;
    const auto settings = load_settings("", {}, diagnostics);
    EXPECT_THAT(problems_of(diagnostics), IsEmpty());
    EXPECT_EQ(settings.conf_file, "");
    EXPECT_EQ(settings.node.data_dir, (std::filesystem::current_path() / "data").string());
}

TEST(Settings, MissingFileIsAnError) {
    Diagnostics diagnostics;
    (void)load_settings("/nonexistent/keepmq.conf", {}, diagnostics);
    EXPECT_TRUE(diagnostics.has_errors());
}

TEST(Settings, ShippedFileLoadsWithoutAWord) {
    Diagnostics diagnostics;
    const auto settings = load_settings(
        std::string{KEEPMQ_TEST_DATA_DIR} + "/../../../etc/keepmq.conf", {}, diagnostics);
    EXPECT_THAT(problems_of(diagnostics), IsEmpty());
    EXPECT_THAT(settings.listeners, SizeIs(1));
}

TEST(Settings, KeysInCommentsOfTheShippedFileExist) {
    std::ifstream in{std::string{KEEPMQ_TEST_DATA_DIR} + "/../../../etc/keepmq.conf"};
    std::string text;
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with("## ") && line.find(" = ") != std::string::npos &&
            line.find('`') == std::string::npos)
            text += line.substr(3) + '\n';
    }
    EXPECT_NE(text.find("mqtt.max_packet_size"), std::string::npos);
    // The password is for the reader to choose.
    EXPECT_THAT(
        problems(text),
        ElementsAre(testing::EndsWith(": error: dashboard.default_user.password: is missing "
                                      "(login and password go together)")));
}

TEST(Settings, SomeKeysWaitForTheNextStart) {
    const std::string before =
        "node.name = a\nlistener.tcp.x = 1883\nlistener.tcp.y = 1884\nlistener.tcp.z = 1885\n"
        "dashboard.default_user.login = u\ndashboard.default_user.password = p\n";
    const std::string after =
        "## other lines\nnode.name = b\nlistener.tcp.x = 1883\nlistener.tcp.y.max_connections = 9\n"
        "listener.tcp.y = 1884\nlistener.tcp.w = 1886\nmqtt.max_qos_allowed = 1\n"
        "node.shutdown_deadline = 1s\nlog.level = debug\nplugins.loaded = other\n"
        "dashboard.default_user.login = u\ndashboard.default_user.password = q\n";
    const auto running = parse(before).settings;
    EXPECT_THAT(keys_for_next_start(running, running), IsEmpty());
    EXPECT_THAT(keys_for_next_start(running, parse(after).settings),
                ElementsAre("node.name",
                            "dashboard.default_user.password",
                            "listener.tcp.w",
                            "listener.tcp.y",
                            "listener.tcp.z"));
}

}  // namespace
}  // namespace keepmq::config
