#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "admin/server.hpp"
#include "admin/tests/fake_source.hpp"
#include "admin/tests/raw_http.hpp"

namespace keepmq::admin {

/// A server on a free loopback port, without a login, over a filled fake.
class ServerTest : public testing::Test {
  protected:
    ServerTest() {
        fill(source);
        start({.port = 0});
    }
    void start(ServerOptions options) {
        server.reset();
        auto started = Server::start(options, source);
        ASSERT_TRUE(started) << started.error().message();
        server = *std::move(started);
    }
    RawAnswer get(std::string_view target, std::string_view headers = {}) {
        return RawHttp{server->port()}.get(target, headers);
    }
    RawAnswer ask(std::string_view method,
                  std::string_view target,
                  std::string_view headers = {},
                  std::string_view body = {}) {
        return RawHttp{server->port()}.ask(method, target, headers, body);
    }

    FakeSource source;
    std::unique_ptr<Server> server;
};

}  // namespace keepmq::admin
