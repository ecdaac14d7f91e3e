#pragma once
// What the tests of this backend share: a database on a server under test, and operations in few
// words.

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

#include "backends/mongo/backend.hpp"
#include "backends/mongo/connection.hpp"

namespace keepmq::mongo::test {

using Properties = std::initializer_list<std::pair<std::string, std::string>>;

inline store::PoolConf pool_conf(Properties properties = {}) {
    store::PoolConf conf{"mongo", "pool1", {}, {}, {}};
    int line = 0;
    for (const auto& [name, value] : properties)
        conf.entries[name] = {value, Origin{"emqx_backend_mongo.conf", ++line}};
    return conf;
}

struct Product {
    const char* variable;  ///< of the environment, holds host:port
    const char* name;      ///< of tools/servers
};
inline constexpr Product ferretdb{"KEEPMQ_TEST_FERRETDB", "ferretdb"};
inline constexpr Product mongojava{"KEEPMQ_TEST_MONGOJAVA", "mongojava"};

/// Settings of a pool on the server under test; test programs that run side by side have a database
/// each.
inline store::PoolConf conf_of(const Product& product, Properties more = {}) {
    const char* const address = std::getenv(product.variable);
    if (address == nullptr)
        throw std::runtime_error{std::string{"no MongoDB server: run tools/servers up "} +
                                 product.name + "; eval \"$(tools/servers env)\""};
    auto conf = pool_conf({{"server", address},
                           {"database", "keepmq_" + std::to_string(::getpid())},
                           {"pool_size", "2"}});
    for (const auto& [name, value] : more) conf.entries[name] = {value, Origin{"test", 0}};
    return conf;
}

inline std::unique_ptr<store::Backend> make_backend(const Product& product, Properties more = {}) {
    Diagnostics diagnostics;
    auto backend = descriptor().configure(conf_of(product, more), diagnostics);
    for (const auto& diagnostic : diagnostics.all()) ADD_FAILURE() << diagnostic.to_string();
    return backend;
}

/// The tester's own connection to the database.
class Shell {
  public:
    explicit Shell(const Product& product)
        : connection_{[&] {
              Diagnostics diagnostics;
              return *read_settings(conf_of(product), diagnostics);
          }()} {
        if (const auto failure = connection_.open())
            throw std::runtime_error{failure->text};
    }

    std::vector<std::string> find(std::string_view collection, const Document& filter = {}) {
        auto found = connection_.find({.collection = collection, .filter = filter});
        if (const auto* const failure = std::get_if<store::Failure>(&found))
            throw std::runtime_error{failure->text};
        return std::get<std::vector<std::string>>(std::move(found));
    }
    void insert(std::string_view collection, const Document& document) {
        write(collection, {Write::Kind::insert, {}, document, {}});
    }
    void clear(std::string_view collection) {
        write(collection, {Write::Kind::remove_all, {}, {}, {}});
    }
    void drop_database() {
        if (std::holds_alternative<store::Failure>(
                connection_.run(Document{}.integer("dropDatabase", 1))))
            ADD_FAILURE() << "the database cannot be dropped";
    }
    [[nodiscard]] Connection& connection() { return connection_; }

  private:
    void write(std::string_view collection, Write one) {
        const auto written =
            connection_.write({std::string{collection}, Sequence::ordered, {std::move(one)}});
        if (const auto* const failure = std::get_if<store::Failure>(&written))
            throw std::runtime_error{failure->text};
        if (!std::get<std::vector<Refusal>>(written).empty())
            throw std::runtime_error{"the server refused a write"};
    }

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

}  // namespace keepmq::mongo::test
