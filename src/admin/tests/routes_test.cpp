// Every route over a real socket.
#include <gmock/gmock.h>

#include <boost/json/serialize.hpp>
#include <set>

#include "admin/router.hpp"
#include "admin/tests/server_fixture.hpp"

namespace keepmq::admin {
namespace {

namespace json = boost::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Routes : public ServerTest {
  protected:
    json::value data(std::string_view target) {
        const auto answer = get(target);
        EXPECT_EQ(answer.status, 200) << answer.body;
        const auto envelope = answer.json();
        EXPECT_EQ(envelope.at("code").as_int64(), 0);
        return envelope.at("data");
    }
    std::string member(std::string_view target, std::string_view name) {
        const auto items = data(target);
        return json::serialize(items.as_array().at(0).at(name));
    }
};

TEST_F(Routes, ListsItself) {
    std::set<std::string> listed;
    const auto items = data("/api/v4/");
    for (const auto& item : items.as_array())
        listed.insert(std::string{item.at("method").as_string()} + ' ' +
                      std::string{item.at("path").as_string()});
    EXPECT_TRUE(listed.contains("GET /clients"));
    EXPECT_TRUE(listed.contains("DELETE /clients/:clientid"));
    EXPECT_TRUE(listed.contains("PUT /plugins/:name/load"));
    EXPECT_EQ(listed.size(), all_routes().size() - 3);  // less /api/v4, /status, /metrics
}

TEST_F(Routes, Status) {
    const auto answer = get("/status");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "keepmq is running\n");
    EXPECT_THAT(answer.headers, HasSubstr("Content-Type: text/plain"));
}

TEST_F(Routes, BrokersAndNodes) {
    EXPECT_EQ(member("/api/v4/brokers", "uptime"), R"("1 days, 2 hours, 3 minutes, 4 seconds")");
    EXPECT_EQ(member("/api/v4/brokers", "node_status"), R"("Running")");
    EXPECT_EQ(member("/api/v4/nodes", "memory_used"), "20000000");
    EXPECT_EQ(data("/api/v4/nodes/keepmq%40127.0.0.1").at("connections").to_number<int>(), 2);
    EXPECT_EQ(data("/api/v4/brokers/keepmq@127.0.0.1").at("version").as_string(), "0.1.0");
    EXPECT_EQ(get("/api/v4/nodes/other").status, 404);
    EXPECT_EQ(get("/api/v4/brokers/other").status, 404);
}

TEST_F(Routes, StatsAndMetrics) {
    const auto stats = data("/api/v4/stats").as_array().at(0).at("stats");
    EXPECT_EQ(stats.at("connections.count").to_number<int>(), 2);
    EXPECT_EQ(stats.at("dead_letters.count").to_number<int>(), 1);
    const auto metrics = data("/api/v4/metrics").as_array().at(0).at("metrics");
    EXPECT_EQ(metrics.at("messages.received").to_number<int>(), 42);
    EXPECT_EQ(metrics.at("messages.dropped.queue_full").to_number<int>(), 3);
    EXPECT_EQ(metrics.at("bytes.sent").to_number<int>(), 5678);
}

TEST_F(Routes, Clients) {
    const auto answer = get("/api/v4/clients").json();
    EXPECT_EQ(json::serialize(answer.at("meta")), R"({"page":1,"limit":10000,"count":1})");
    const auto& client = answer.at("data").as_array().at(0);
    EXPECT_EQ(client.at("clientid").as_string(), "c1");
    EXPECT_EQ(client.at("connected_at").as_string(), "2024-05-01T12:00:00.000Z");
    EXPECT_TRUE(client.at("disconnected_at").is_null());
    EXPECT_EQ(member("/api/v4/clients/c1", "username"), R"("alice")");
    EXPECT_EQ(get("/api/v4/clients/away%2F2").status, 404);
    EXPECT_EQ(get("/api/v4/clients/nobody").json().at("message").as_string(), "no such client");
}

TEST_F(Routes, Kick) {
    EXPECT_EQ(ask("DELETE", "/api/v4/clients/c1").status, 200);
    EXPECT_EQ(ask("DELETE", "/api/v4/clients/nobody").status, 404);
    EXPECT_THAT(source.calls(), ElementsAre("kick c1", "kick nobody"));
}

TEST_F(Routes, Sessions) {
    EXPECT_EQ(data("/api/v4/sessions").as_array().size(), 2U);
    EXPECT_EQ(member("/api/v4/sessions/away%2F2", "mqueue_len"), "9");
    EXPECT_EQ(get("/api/v4/sessions/nobody").status, 404);
}

TEST_F(Routes, Paging) {
    const auto second = get("/api/v4/sessions?_page=2&_limit=1").json();
    EXPECT_EQ(json::serialize(second.at("meta")), R"({"page":2,"limit":1,"count":2})");
    EXPECT_EQ(second.at("data").as_array().at(0).at("clientid").as_string(), "c1");
    EXPECT_THAT(get("/api/v4/sessions?_page=9&_limit=1").json().at("data").as_array(), IsEmpty());
    EXPECT_THAT(get("/api/v4/rules?_page=2&_limit=1").json().at("data").as_array(), IsEmpty());
    for (const auto* bad : {"_page=0",
                            "_page=-1",
                            "_limit=0",
                            "_limit=x",
                            "_limit=1x",
                            "_page=",
                            "_page=99999999999999999999",
                            "colour=red",
                            "_page=1&_page=2"})
        EXPECT_EQ(get(std::string{"/api/v4/sessions?"} + bad).status, 400) << bad;
    EXPECT_EQ(get("/api/v4/brokers?_page=1").status, 400);
}

TEST_F(Routes, Subscriptions) {
    EXPECT_EQ(data("/api/v4/subscriptions").as_array().size(), 3U);
    EXPECT_EQ(json::serialize(data("/api/v4/subscriptions/away%2F2")),
              R"([{"clientid":"away/2","topic":"a/#","qos":1,"nl":false,"rap":false,"rh":0}])");
    EXPECT_EQ(get("/api/v4/subscriptions/nobody").status, 404);
}

TEST_F(Routes, Topics) {
    EXPECT_EQ(json::serialize(data("/api/v4/topics")),
              R"([{"topic":"$share/g/b/+","node":"keepmq@127.0.0.1","subscriptions":1},)"
              R"({"topic":"a/#","node":"keepmq@127.0.0.1","subscriptions":2}])");
    EXPECT_EQ(data("/api/v4/topics?_page=2&_limit=1").as_array().size(), 1U);
    EXPECT_THAT(data("/api/v4/topics?_page=3&_limit=1").as_array(), IsEmpty());
    EXPECT_EQ(json::serialize(data("/api/v4/topics/a%2F%23")),
              R"([{"topic":"a/#","node":"keepmq@127.0.0.1","subscriptions":2}])");
    EXPECT_EQ(get("/api/v4/topics/a").status, 404);
}

TEST_F(Routes, Retained) {
    EXPECT_EQ(data("/api/v4/retained").as_array().size(), 2U);
    EXPECT_EQ(member("/api/v4/retained?filter=a/+", "payload"), R"("21.5")");
    EXPECT_EQ(member("/api/v4/retained/a%2Fb", "encoding"), R"("plain")");
    EXPECT_EQ(member("/api/v4/retained/bin", "payload"), R"("/wAB")");
    EXPECT_EQ(member("/api/v4/retained/bin", "encoding"), R"("base64")");
    EXPECT_EQ(get("/api/v4/retained/none").status, 404);
    EXPECT_EQ(get("/api/v4/retained/a%2F%23").status, 400);
    EXPECT_EQ(get("/api/v4/retained?filter=a%23").status, 400);
    EXPECT_EQ(ask("DELETE", "/api/v4/retained/a%2Fb").status, 200);
    EXPECT_EQ(ask("DELETE", "/api/v4/retained/a%2Fb").status, 404);
}

TEST_F(Routes, RetainedListLeavesOutLargePayloads) {
    source.all_retained[0].payload.assign(100'000, 'x');
    EXPECT_FALSE(
        data("/api/v4/retained?filter=a/b").as_array().at(0).as_object().contains("payload"));
    EXPECT_EQ(data("/api/v4/retained/a%2Fb").as_array().at(0).at("payload").as_string().size(),
              100'000U);
}

TEST_F(Routes, Plugins) {
    const auto listed = data("/api/v4/plugins").as_array().at(0).at("plugins").as_array();
    EXPECT_EQ(listed.size(), 2U);
    EXPECT_EQ(listed.at(0).at("error").as_string(), "no file");
    for (const auto* verb : {"load", "unload", "reload"})
        EXPECT_EQ(ask("PUT", std::string{"/api/v4/plugins/emqx_backend_sqlite/"} + verb).status,
                  200);
    EXPECT_THAT(source.calls(),
                ElementsAre("load emqx_backend_sqlite",
                            "unload emqx_backend_sqlite",
                            "reload emqx_backend_sqlite"));
    EXPECT_EQ(ask("PUT", "/api/v4/plugins/none/load").status, 404);
    source.outcome = {.ok = false, .message = "x.conf:3: unknown key"};
    const auto refused = ask("PUT", "/api/v4/plugins/emqx_backend_mysql/load");
    EXPECT_EQ(refused.status, 409);
    EXPECT_EQ(refused.json().at("message").as_string(), "x.conf:3: unknown key");
}

TEST_F(Routes, PoolsRulesListeners) {
    EXPECT_EQ(member("/api/v4/pools", "lane_depths"), "[0,4]");
    EXPECT_EQ(member("/api/v4/pools", "committed"), "9");
    EXPECT_EQ(member("/api/v4/rules", "hits"), "11");
    EXPECT_EQ(json::serialize(data("/api/v4/listeners").as_array().at(0).at("listeners")),
              R"([{"name":"tcp:external","protocol":"tcp","listen_on":"0.0.0.0:1883",)"
              R"("current_conns":2,"max_conns":1000,"accepted":7}])");
}

TEST_F(Routes, DeadLetters) {
    EXPECT_EQ(member("/api/v4/dead_letters", "error"), R"("too long")");
    EXPECT_EQ(member("/api/v4/dead_letters/5", "payload"), R"("x")");
    EXPECT_EQ(member("/api/v4/dead_letters/5", "detail"), R"({"op":"store_message"})");
    EXPECT_EQ(get("/api/v4/dead_letters/6").status, 404);
    EXPECT_EQ(get("/api/v4/dead_letters/x").status, 400);
}

TEST_F(Routes, SubscribesAndUnsubscribes) {
    const auto post = [&](std::string_view path, std::string_view body) {
        return ask("POST", path, {}, body).status;
    };
    EXPECT_EQ(post("/api/v4/mqtt/subscribe", R"({"clientid":"c1","topic":"$share/g/x/#","qos":1})"),
              200);
    EXPECT_EQ(post("/api/v4/mqtt/subscribe", R"({"clientid":"c1","topic":"y"})"), 200);
    EXPECT_EQ(post("/api/v4/mqtt/unsubscribe", R"({"clientid":"c1","topic":"y"})"), 200);
    EXPECT_THAT(source.calls(),
                ElementsAre("subscribe c1 $share/g/x/# 1", "subscribe c1 y 0", "unsubscribe c1 y"));
    EXPECT_EQ(post("/api/v4/mqtt/subscribe", R"({"clientid":"away/2","topic":"y"})"), 404);
    for (const auto* bad : {"",
                            "{",
                            "[]",
                            "{}",
                            R"({"clientid":"c1"})",
                            R"({"clientid":1,"topic":"y"})",
                            R"({"clientid":"c1","topic":"a#"})",
                            R"({"clientid":"c1","topic":"$share/g"})",
                            R"({"clientid":"c1","topic":"y","qos":3})",
                            R"({"clientid":"c1","topic":"y","qos":"1"})"})
        EXPECT_EQ(post("/api/v4/mqtt/subscribe", bad), 400) << bad;
    EXPECT_EQ(post("/api/v4/mqtt/unsubscribe", "{}"), 400);
    source.outcome = {.ok = false, .message = "too many subscriptions"};
    EXPECT_EQ(post("/api/v4/mqtt/subscribe", R"({"clientid":"c1","topic":"y"})"), 409);
}

TEST_F(Routes, UnknownAndWrongMethod) {
    EXPECT_EQ(get("/").status, 404);
    EXPECT_EQ(get("/api/v4/none").status, 404);
    EXPECT_EQ(get("/api/v4/clients/a/b").status, 404);
    EXPECT_EQ(get("/api/v4/%zz").status, 400);
    const auto answer = ask("PUT", "/api/v4/clients/c1");
    EXPECT_EQ(answer.status, 405);
    EXPECT_THAT(answer.headers, HasSubstr("Allow: GET, DELETE"));
    EXPECT_EQ(ask("OPTIONS", "/api/v4/clients").status, 405);
    EXPECT_EQ(ask("BREW", "/api/v4/clients").status, 405);
    EXPECT_EQ(ask("POST", "/metrics").status, 405);
    EXPECT_THAT(source.calls(), IsEmpty());
}

TEST_F(Routes, HostileTextIsEscaped) {
    source.all_sessions[1].client = ClientId{"a\"b\\\n<x>\x1b"};
    source.all_sessions[1].username = "\xff";
    const auto body = get("/api/v4/clients").body;
    EXPECT_THAT(body, HasSubstr(R"("clientid":"a\"b\\\n<x>\u001b")"));
    EXPECT_THAT(body, HasSubstr("\"username\":\"\xEF\xBF\xBD\""));
}

}  // namespace
}  // namespace keepmq::admin
