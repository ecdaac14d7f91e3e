// The HTTP side: start, authentication, limits, connections.
#include <gmock/gmock.h>

#include <stdexcept>
#include <vector>

#include "admin/errc.hpp"
#include "admin/tests/server_fixture.hpp"

namespace keepmq::admin {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Http : public ServerTest {};

std::string login_header() {
    return "Authorization: Basic YWRtaW46c2VjcmV0\r\n";  // admin:secret
}

TEST_F(Http, AddressIsAsBound) {
    EXPECT_NE(server->port(), 0);
    EXPECT_EQ(server->address(), "127.0.0.1:" + std::to_string(server->port()));
}

TEST_F(Http, RefusesToStartOpenToTheWorld) {
    const auto error_of = [&](ServerOptions options) {
        options.port = 0;
        const auto started = Server::start(options, source);
        return started ? ErrorCode{} : started.error();
    };
    EXPECT_EQ(error_of({.host = "0.0.0.0"}), errc::login_needed);
    EXPECT_EQ(error_of({.host = ""}), errc::login_needed);
    EXPECT_EQ(error_of({.host = "::"}), errc::login_needed);
    EXPECT_EQ(error_of({.host = "127.0.0.1", .login = "x"}), errc::half_a_login);
    EXPECT_EQ(error_of({.host = "0.0.0.0", .password = "x"}), errc::half_a_login);
    EXPECT_EQ(error_of({.host = "0.0.0.0", .login = "a:b", .password = "x"}), errc::bad_login);
    EXPECT_EQ(error_of({.host = "no such host"}), errc::bad_address);
    EXPECT_FALSE(error_of({.host = "localhost"}));
    EXPECT_FALSE(error_of({.host = "0.0.0.0", .login = "a", .password = "x"}));
    EXPECT_FALSE(error_of({.host = "", .login = "a", .password = "x"}));
    EXPECT_THAT(make_error_code(errc::login_needed).message(),
                HasSubstr("needs a login and a password"));
}

TEST_F(Http, PortInUseIsAnError) {
    const auto second = Server::start({.port = server->port()}, source);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error(), boost::system::errc::address_in_use);
}

TEST_F(Http, AsksForTheLogin) {
    start({.port = 0, .login = "admin", .password = "secret"});
    const auto refused = get("/api/v4/clients");
    EXPECT_EQ(refused.status, 401);
    EXPECT_THAT(refused.headers, HasSubstr("WWW-Authenticate: Basic realm=\"keepmq\""));
    EXPECT_EQ(get("/metrics").status, 401);
    EXPECT_EQ(get("/nowhere").status, 401);
    EXPECT_EQ(get("/api/v4/clients", "Authorization: Basic YWRtaW46c2VjcmV1\r\n").status, 401);
    EXPECT_EQ(get("/api/v4/clients", login_header()).status, 200);
    EXPECT_EQ(get("/status").status, 200);
}

TEST_F(Http, RefusedBodyIsNotAwaited) {
    start({.port = 0, .login = "admin", .password = "secret"});
    RawHttp client{server->port()};
    client.send("POST /api/v4/mqtt/subscribe HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n");
    EXPECT_EQ(client.receive().status, 401);
}

TEST_F(Http, ForeignPagesAreRefused) {
    EXPECT_EQ(ask("DELETE", "/api/v4/clients/c1", "Origin: http://evil.example\r\n").status, 403);
    EXPECT_EQ(get("/api/v4/clients", "Host: evil.example\r\n").status, 403);
    EXPECT_TRUE(source.calls().empty());
}

TEST_F(Http, KeepsTheConnection) {
    RawHttp client{server->port()};
    for (int i = 0; i < 3; ++i) EXPECT_EQ(client.get("/api/v4/clients").status, 200);
    EXPECT_EQ(client.get("/nowhere").status, 404);
    EXPECT_EQ(client.get("/status", "Connection: close\r\n").status, 200);
    EXPECT_TRUE(client.at_end());
}

TEST_F(Http, AnswersPipelinedRequestsInOrder) {
    RawHttp client{server->port()};
    client.send(
        "GET /status HTTP/1.1\r\nHost: localhost\r\n\r\nGET /x HTTP/1.1\r\nHost: "
        "localhost\r\n\r\n");
    EXPECT_EQ(client.receive().status, 200);
    EXPECT_EQ(client.receive().status, 404);
}

TEST_F(Http, HeadHasNoBody) {
    RawHttp client{server->port()};
    const auto answer = client.ask("HEAD", "/status");
    EXPECT_EQ(answer.status, 200);
    EXPECT_THAT(answer.headers, HasSubstr("Content-Length: 18"));
    EXPECT_EQ(client.get("/status").body, "keepmq is running\n");
}

TEST_F(Http, SaysContinueWhenAsked) {
    RawHttp client{server->port()};
    const std::string body = R"({"clientid":"c1","topic":"y"})";
    client.send(
        "POST /api/v4/mqtt/subscribe HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
        "Content-Length: " +
        std::to_string(body.size()) + "\r\n\r\n");
    EXPECT_EQ(client.receive().status, 100);
    client.send(body);
    EXPECT_EQ(client.receive().status, 200);
}

TEST_F(Http, HeaderAndBodyAreLimited) {
    EXPECT_EQ(get("/status", "X: " + std::string(400'000, 'x') + "\r\n").status, 431);
    EXPECT_EQ(ask("POST", "/api/v4/mqtt/subscribe", {}, std::string(400'000, ' ')).status, 413);
    EXPECT_EQ(get("/status").status, 200);
}

TEST_F(Http, LongestTopicCanBeAddressed) {
    std::string encoded;
    for (int i = 0; i < 65'535; ++i) encoded += "%41";
    EXPECT_EQ(get("/api/v4/retained/" + encoded).status, 404);
}

TEST_F(Http, NotHttpIsRefused) {
    RawHttp client{server->port()};
    client.send("\x10\x0c\r\n\r\n");
    EXPECT_EQ(client.receive().status, 400);
    EXPECT_TRUE(client.at_end());
    RawHttp without_host{server->port()};
    without_host.send("GET /status HTTP/1.1\r\n\r\n");
    EXPECT_EQ(without_host.receive().status, 400);
}

TEST_F(Http, ConnectionsAreLimited) {
    std::vector<std::unique_ptr<RawHttp>> clients;
    for (int i = 0; i < 64; ++i) {
        clients.push_back(std::make_unique<RawHttp>(server->port()));
        ASSERT_EQ(clients.back()->get("/status").status, 200);
    }
    RawHttp one_more{server->port()};
    EXPECT_EQ(one_more.receive().status, 503);
    EXPECT_TRUE(one_more.at_end());
    clients.pop_back();
    int status = 0;
    for (int attempt = 0; attempt < 200 && status != 200; ++attempt) status = get("/status").status;
    EXPECT_EQ(status, 200);
}

TEST_F(Http, StopsWithOpenConnections) {
    RawHttp client{server->port()};
    EXPECT_EQ(client.get("/status").status, 200);
    client.send("GET /sta");
    server.reset();
    EXPECT_TRUE(client.at_end());
}

class FailingSource final : public FakeSource {
    broker::Stats stats() override { throw std::runtime_error{"secret detail"}; }
};

TEST(HttpFailure, IsAnAnswer) {
    FailingSource source;
    const auto server = Server::start({.port = 0}, source);
    ASSERT_TRUE(server);
    RawHttp client{(*server)->port()};
    const auto answer = client.get("/api/v4/stats");
    EXPECT_EQ(answer.status, 500);
    EXPECT_THAT(answer.body, Not(HasSubstr("secret detail")));
    EXPECT_EQ(client.get("/status").status, 200);
}

}  // namespace
}  // namespace keepmq::admin
