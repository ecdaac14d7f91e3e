#pragma once
// What the tests of this backend share: the server, a database of it, and operations in few words.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "backends/redis/backend.hpp"
#include "backends/redis/connection.hpp"

namespace keepmq::redis::test {

using Properties = std::initializer_list<std::pair<std::string, std::string>>;

inline store::PoolConf pool_conf(Properties properties = {}) {
    store::PoolConf conf{"redis", "pool1", {}, {}, {}};
    int line = 0;
    for (const auto& [name, value] : properties)
        conf.entries[name] = {value, Origin{"emqx_backend_redis.conf", ++line}};
    return conf;
}

/// host:port of the server under test.
inline std::string server_under_test() {
    const char* const address = std::getenv("KEEPMQ_TEST_REDIS");
    if (address == nullptr)
        throw std::runtime_error{
            "no Redis server: run tools/servers up redis; eval \"$(tools/servers env)\""};
    return address;
}

/// Test programs that run side by side each take a database of their own.
inline std::string database_under_test() {
    return std::to_string(1 + ::getpid() % 15);
}

inline std::unique_ptr<store::Backend> make_backend(Properties more = {}) {
    auto conf = pool_conf(
        {{"server", server_under_test()}, {"database", database_under_test()}, {"pool_size", "2"}});
    for (const auto& [name, value] : more) conf.entries[name] = {value, Origin{"test", 0}};
    Diagnostics diagnostics;
    auto backend = descriptor().configure(conf, diagnostics);
    for (const auto& diagnostic : diagnostics.all()) ADD_FAILURE() << diagnostic.to_string();
    return backend;
}

/// The tester's own connection to the database.
class Shell {
  public:
    Shell() {
        Diagnostics diagnostics;
        settings_ = *read_settings(
            pool_conf({{"server", server_under_test()}, {"database", database_under_test()}}),
            diagnostics);
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
    Settings settings_;
    Connection connection_;
};

inline WallTime at(std::int64_t second) {
    return WallTime{std::chrono::seconds{1'700'000'000 + second}};
}

inline MessageId message_id(std::int64_t second) {
    return MessageId{static_cast<std::uint64_t>(at(second).time_since_epoch().count()), 7};
}

inline std::shared_ptr<Message> message(std::int64_t second,
                                        std::string_view topic,
                                        std::string_view payload = "hello") {
    auto made = std::make_shared<Message>();
    made->id = message_id(second);
    made->topic = TopicName{topic};
    made->payload = payload;
    made->qos = Qos::at_least_once;
    made->sender = ClientId{"publisher"};
    made->at = at(second);
    return made;
}

inline store::Execute execute(std::vector<std::vector<std::string>> statements,
                              std::vector<store::Value> values = {}) {
    auto list = std::make_shared<store::Statements>();
    for (auto& pieces : statements) {
        store::Statement statement{std::move(pieces), {}, {}};
        for (const auto& piece : statement.pieces) statement.source += piece + "?";
        list->list.push_back(std::move(statement));
    }
    return {std::move(list), std::move(values)};
}

}  // namespace keepmq::redis::test
