#pragma once
// What the tests of this backend share: a database on a server under test.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "backends/mongo/backend.hpp"
#include "backends/mongo/connection.hpp"
#include "store/testing/words.hpp"

namespace keepmq::mongo::test {

using namespace store::testing;

/// Names of tools/servers.
inline constexpr const char* ferretdb = "ferretdb";
inline constexpr const char* mongojava = "mongojava";

/// Settings of a pool on the server; test programs that run side by side have a database each.
inline store::PoolConf conf_of(const char* server) {
    return pool_conf(descriptor(),
                     {{"server", address_of(server)},
                      {"database", "keepmq_" + std::to_string(::getpid())},
                      {"pool_size", "2"}});
}

/// The tester's own connection to the database.
class Shell {
  public:
    explicit Shell(const char* server) : connection_{settings_of<Settings>(conf_of(server))} {
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

}  // namespace keepmq::mongo::test
