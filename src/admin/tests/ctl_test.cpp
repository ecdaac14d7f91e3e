#include "admin/ctl.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "admin/tests/server_fixture.hpp"

namespace keepmq::admin {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class Ctl : public ServerTest {
  protected:
    int run(std::vector<std::string_view> arguments) {
        std::ostringstream out;
        std::ostringstream err;
        options.port = port != 0 ? port : server->port();
        const auto code = run_ctl(options, arguments, out, err);
        printed = out.str();
        complaint = err.str();
        return code;
    }
    /// What a successful command prints.
    std::string output(std::vector<std::string_view> arguments) {
        EXPECT_EQ(run(std::move(arguments)), 0) << complaint;
        EXPECT_EQ(complaint, "");
        return printed;
    }

    CtlOptions options;
    std::uint16_t port = 0;  // of somebody else
    std::string printed;
    std::string complaint;
};

TEST_F(Ctl, Status) {
    const std::string running =
        "Node 'keepmq@127.0.0.1' is started\nkeepmq 0.1.0 is running\n"
        "clients are served by 2 shards\n";
    EXPECT_EQ(output({"status"}), running + "sessions and retained messages end with the broker\n");
    source.the_status.persistence.on = true;
    source.the_status.persistence.backlog = 12;
    EXPECT_EQ(output({"status"}),
              running + "sessions and retained messages are kept on disk, 12 changes under way\n");
    source.the_status.persistence.set_aside = 1;
    source.the_status.persistence.last_error = "disk full";
    EXPECT_THAT(output({"status"}),
                EndsWith("their file was damaged at the start and set aside: see the log\n"
                         "they CANNOT BE WRITTEN now: disk full\n"));
}

TEST_F(Ctl, Broker) {
    EXPECT_THAT(output({"broker"}),
                StartsWith("sysdescr : KeepMQ\nversion  : 0.1.0\nnode     : keepmq@127.0.0.1\n"
                           "uptime   : 1 days, 2 hours, 3 minutes, 4 seconds\ndatetime : 20"));
    EXPECT_THAT(output({"broker", "stats"}), HasSubstr("connections.count   : 2\n"));
    EXPECT_THAT(output({"broker", "metrics"}), HasSubstr("messages.received               : 42\n"));
    EXPECT_THAT(output({"metrics"}), HasSubstr("\nkeepmq_messages_received_total 42\n"));
}

TEST_F(Ctl, Clients) {
    EXPECT_EQ(output({"clients", "list"}),
              "CLIENT  USERNAME  ADDRESS         VERSION  KEEPALIVE  SUBSCRIPTIONS  QUEUED  "
              "INFLIGHT  CONNECTED AT\n"
              "c1      alice     10.0.0.7:50000        5         60              2       0         "
              "0  2024-05-01T12:00:00.000Z\n");
    EXPECT_THAT(output({"clients", "show", "c1"}), HasSubstr("username          : alice\n"));
    EXPECT_EQ(output({"clients", "kick", "c1"}), "ok\n");
    EXPECT_EQ(run({"clients", "kick", "no/body"}), 1);
    EXPECT_EQ(complaint, "no such client\n");
    EXPECT_THAT(source.calls(), ElementsAre("kick c1", "kick no/body"));
}

TEST_F(Ctl, Sessions) {
    EXPECT_EQ(output({"sessions", "list"}),
              "CLIENT  CONNECTED  EXPIRY  SUBSCRIPTIONS  QUEUED  DROPPED  INFLIGHT  CREATED AT\n"
              "away/2  false           0              2       9        0         0  "
              "2024-05-01T12:00:00.000Z\n"
              "c1      true            0              2       0        0         0  "
              "2024-05-01T12:00:00.000Z\n");
    EXPECT_THAT(output({"sessions", "show", "away/2"}), HasSubstr("mqueue_len        : 9\n"));
}

TEST_F(Ctl, ListsAllPages) {
    const auto one = source.all_sessions[1];
    for (int i = 0; i < 2'500; ++i) {
        source.all_sessions.push_back(one);
        source.all_sessions.back().client = ClientId{"n" + std::to_string(i)};
    }
    const auto text = output({"clients", "list"});
    EXPECT_EQ(std::ranges::count(text, '\n'), 2'502);
    EXPECT_THAT(text, HasSubstr("\nn2499 "));
}

TEST_F(Ctl, Subscriptions) {
    EXPECT_EQ(output({"subscriptions", "list"}),
              "CLIENT  TOPIC         QOS  NO LOCAL  RETAIN AS PUBLISHED  RETAIN HANDLING\n"
              "away/2  a/#             1  false     false                              0\n"
              "c1      $share/g/b/+    2  true      false                              0\n"
              "c1      a/#             0  false     false                              0\n");
    EXPECT_THAT(output({"subscriptions", "show", "away/2"}), HasSubstr("\naway/2  a/# "));
    EXPECT_EQ(output({"subscriptions", "add", "c1", "x/#", "1"}), "ok\n");
    EXPECT_EQ(output({"subscriptions", "del", "c1", "x/#"}), "ok\n");
    EXPECT_THAT(source.calls(), ElementsAre("subscribe c1 x/# 1", "unsubscribe c1 x/#"));
    EXPECT_EQ(run({"subscriptions", "add", "c1", "x/#", "3"}), 2);
    EXPECT_EQ(run({"subscriptions", "add", "c1", "x#", "1"}), 1);
    EXPECT_EQ(complaint, "topic is not a valid topic filter\n");
}

TEST_F(Ctl, Topics) {
    EXPECT_EQ(output({"topics", "list"}),
              "$share/g/b/+ -> keepmq@127.0.0.1\na/# -> keepmq@127.0.0.1\n");
    EXPECT_EQ(output({"topics", "show", "a/#"}), "a/# -> keepmq@127.0.0.1\n");
    EXPECT_EQ(run({"topics", "show", "a"}), 1);
}

TEST_F(Ctl, Retained) {
    EXPECT_EQ(output({"retained", "list", "a/+"}),
              "TOPIC  QOS  BYTES  FROM  PUBLISHED AT              ID\n"
              "a/b      1      4  c1    2024-05-01T12:00:00.000Z  0000000000000000000A\n");
    EXPECT_THAT(output({"retained", "list"}), HasSubstr("\nbin "));
    EXPECT_EQ(output({"retained", "delete", "a/b"}), "ok\n");
    EXPECT_EQ(run({"retained", "delete", "a/b"}), 1);
}

TEST_F(Ctl, Plugins) {
    EXPECT_EQ(output({"plugins", "list"}),
              "Plugin(emqx_backend_mysql, description=KeepMQ MySQL backend, active=false)\n"
              "  error: no file\n"
              "Plugin(emqx_backend_sqlite, description=KeepMQ SQLite backend, active=true)\n");
    EXPECT_EQ(output({"plugins", "load", "emqx_backend_sqlite"}),
              "Plugin emqx_backend_sqlite loaded successfully.\n");
    EXPECT_EQ(output({"plugins", "unload", "emqx_backend_sqlite"}),
              "Plugin emqx_backend_sqlite unloaded successfully.\n");
    EXPECT_EQ(output({"plugins", "reload", "emqx_backend_sqlite"}),
              "Plugin emqx_backend_sqlite reloaded successfully.\n");
    source.outcome = {.ok = true, .message = "Unloaded. 12 writes stay in the spool."};
    EXPECT_EQ(output({"plugins", "unload", "emqx_backend_sqlite"}),
              "Unloaded. 12 writes stay in the spool.\n");
    source.outcome = {.ok = false, .message = "s.conf:3: unknown key"};
    EXPECT_EQ(run({"plugins", "load", "emqx_backend_sqlite"}), 1);
    EXPECT_EQ(complaint, "Plugin emqx_backend_sqlite could not be loaded: s.conf:3: unknown key\n");
    EXPECT_EQ(run({"plugins", "load", "other"}), 1);
    EXPECT_EQ(complaint, "Plugin other could not be loaded: no such plugin\n");
}

TEST_F(Ctl, Store) {
    EXPECT_EQ(
        output({"pools"}),
        "KIND    POOL   STATE    QUEUED  ACCEPTED  COMMITTED  SPOOLED  DEAD  REFUSED  RETRIES "
        " COMMIT P99 us  DURABILITY\n"
        "sqlite  pool1  running       0        10          9        1     0        0        0 "
        "          2048  WAL\n"
        "sqlite pool1: last error: database is locked\n");
    EXPECT_EQ(
        output({"spool"}),
        "KIND    POOL   MODE      WRITES  BYTES  OLDEST s  IN/s  OUT/s  IN  OUT  FAILURES  SET "
        "ASIDE\n"
        "sqlite  pool1  spooling       1    300        61     5      0   0    0         0      "
        "    0\n"
        "sqlite pool1: last error: disk full\n");
    EXPECT_EQ(output({"rules"}),
              "RULE                      POOL   HITS  N/A  ACCEPTED  COMMITTED  SPOOLED  DEAD  "
              "REFUSED  ERRORS  FILTER  ACTION\n"
              "sqlite message.publish.1  pool1    11    0         0          0        0     0      "
              "  0       0  #       on_message_publish\n");
    EXPECT_EQ(output({"dead-letters", "list"}),
              "ID  AT                        POOL          RULE                      OPERATION     "
              " TOPIC  CLIENT  ERROR\n"
              " 5  2024-05-01T12:00:00.000Z  sqlite pool1  sqlite message.publish.1  store_message "
              " a/b    c1      too long\n");
    EXPECT_THAT(output({"dead-letters", "show", "5"}), HasSubstr("payload       : x\n"));
    EXPECT_EQ(run({"dead-letters", "show", "6"}), 1);
}

TEST_F(Ctl, DeadLettersAreRunAgainOrDropped) {
    EXPECT_EQ(output({"dead-letters", "retry", "5"}), "ok\n");
    EXPECT_EQ(output({"dead-letters", "drop", "5"}), "ok\n");
    EXPECT_EQ(output({"dead-letters", "retry", "all"}), "1 of 1 dead letters are gone\n");
    EXPECT_EQ(run({"dead-letters", "retry", "6"}), 1);
    EXPECT_EQ(complaint, "Dead letter 6: no such dead letter\n");
    EXPECT_THAT(source.calls(), ElementsAre("retry 5", "drop 5", "retry 5"));
    source.outcome = {false, "The database refused it again: too long"};
    EXPECT_EQ(run({"dead-letters", "retry", "all"}), 1);
    EXPECT_EQ(printed, "0 of 1 dead letters are gone\n");
    EXPECT_EQ(complaint, "Dead letter 5: The database refused it again: too long\n");
    EXPECT_EQ(run({"dead-letters", "drop"}), 2);
}

TEST_F(Ctl, Listeners) {
    EXPECT_EQ(output({"listeners"}),
              "LISTENER      ADDRESS       CONNECTIONS  LIMIT  ACCEPTED\n"
              "tcp:external  0.0.0.0:1883            2   1000         7\n");
}

TEST_F(Ctl, HostileTextIsEscaped) {
    source.all_sessions[1].client = ClientId{"x\x1b[2J\ny"};
    EXPECT_THAT(output({"clients", "list"}), HasSubstr("x\\x1b[2J\\x0ay  alice"));
}

TEST_F(Ctl, PrintsJson) {
    options.json = true;
    EXPECT_EQ(output({"topics", "list"}),
              R"([{"topic":"$share/g/b/+","node":"keepmq@127.0.0.1","subscriptions":1},)"
              R"({"topic":"a/#","node":"keepmq@127.0.0.1","subscriptions":2}])"
              "\n");
    for (std::vector<std::string_view> command : {std::vector<std::string_view>{"status"},
                                                  {"broker", "stats"},
                                                  {"metrics"},
                                                  {"pools"},
                                                  {"spool"},
                                                  {"rules"},
                                                  {"clients", "show", "c1"},
                                                  {"clients", "kick", "c1"},
                                                  {"plugins", "list"},
                                                  {"dead-letters", "show", "5"},
                                                  {"plugins", "load", "emqx_backend_sqlite"},
                                                  {"subscriptions", "add", "c1", "a", "0"},
                                                  {"listeners"}})
        EXPECT_NO_THROW((void)boost::json::parse(output(command)));
}

TEST_F(Ctl, Login) {
    start({.port = 0, .login = "admin", .password = "secret"});
    EXPECT_EQ(run({"status"}), 1);
    EXPECT_EQ(complaint, "login and password are needed\n");
    options.login = "admin";
    options.password = "secret";
    EXPECT_THAT(output({"status"}), HasSubstr("is running"));
    EXPECT_THAT(output({"metrics"}), HasSubstr("keepmq_uptime_seconds"));
}

TEST_F(Ctl, BrokerCannotBeReached) {
    port = server->port();
    server.reset();
    EXPECT_EQ(run({"status"}), 3);
    EXPECT_THAT(complaint,
                StartsWith("cannot reach the broker at 127.0.0.1:" + std::to_string(port) + ": "));
    options.host = "no such host";
    EXPECT_EQ(run({"status"}), 3);
}

TEST_F(Ctl, Usage) {
    EXPECT_EQ(run({}), 2);
    EXPECT_EQ(complaint, ctl_usage());
    EXPECT_EQ(run({"plugins"}), 2);
    EXPECT_EQ(complaint,
              "Usage: keepmq ctl plugins list\n       keepmq ctl plugins load NAME\n"
              "       keepmq ctl plugins unload NAME\n       keepmq ctl plugins reload NAME\n");
    for (std::vector<std::string_view> bad : {std::vector<std::string_view>{"nonsense"},
                                              {"plugins", "load"},
                                              {"status", "x"},
                                              {"clients", "show", ""},
                                              {"retained", "list", "a", "b"},
                                              {"subscriptions", "add", "c1", "t"}})
        EXPECT_EQ(run(bad), 2) << bad[0];
    EXPECT_THAT(
        output({"help"}),
        HasSubstr("  subscriptions add CLIENT TOPIC QOS      subscribes a connected client\n"));
}

}  // namespace
}  // namespace keepmq::admin
