#pragma once
// What the tests of this backend share: the server, and a database of it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "backends/redis/backend.hpp"
#include "backends/redis/connection.hpp"
#include "store/testing/words.hpp"

namespace keepmq::redis::test {

using namespace store::testing;

/// host:port of the server under test.
inline std::string server_under_test() {
    return address_of("redis");
}

/// Test programs that run side by side each take a database of their own.
inline std::string database_under_test() {
    return std::to_string(1 + ::getpid() % 15);
}

inline store::PoolConf conf_of_test() {
    return pool_conf(
        descriptor(),
        {{"server", server_under_test()}, {"database", database_under_test()}, {"pool_size", "2"}});
}

inline std::unique_ptr<store::Backend> make_backend(Properties more = {}) {
    return store::testing::make_backend(descriptor(), with(conf_of_test(), more));
}

/// The tester's own connection to the database.
class Shell {
  public:
    Shell() {
        const auto failure =
            connection_.open(settings_.servers.front(), settings_, login_of(settings_));
        if (failure)
            throw std::runtime_error{failure->text};
    }

    Answer run(const std::vector<std::string>& args) {
        auto answer = connection_.run(Command{Words{args}});
        if (const auto* const failure = std::get_if<store::Failure>(&answer))
            throw std::runtime_error{failure->text};
        return std::get<Answer>(std::move(answer));
    }

  private:
    Settings settings_ = settings_of<Settings>(conf_of_test());
    Connection connection_;
};

}  // namespace keepmq::redis::test
