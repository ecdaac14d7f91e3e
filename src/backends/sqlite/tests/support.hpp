#pragma once
// What the tests of this backend share: a pool in a directory of its own, and operations in few
// words.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "backends/sqlite/backend.hpp"
#include "backends/sqlite/database.hpp"
#include "base/testing/temp_dir.hpp"
#include "store/backend.hpp"

namespace keepmq::sqlite::test {

using Properties = std::initializer_list<std::pair<const char*, const char*>>;

inline store::PoolConf pool_conf(const std::string& data_dir, Properties properties = {}) {
    store::PoolConf conf{"sqlite", "pool1", {}, data_dir};
    int line = 0;
    for (const auto& [name, value] : properties)
        conf.entries[name] = {value, Origin{"emqx_backend_sqlite.conf", ++line}};
    return conf;
}

inline std::unique_ptr<store::Backend> make_backend(const std::string& data_dir,
                                                    Properties properties = {}) {
    Diagnostics diagnostics;
    auto backend = descriptor().configure(pool_conf(data_dir, properties), diagnostics);
    for (const auto& diagnostic : diagnostics.all()) ADD_FAILURE() << diagnostic.to_string();
    return backend;
}

inline WallTime at(std::int64_t second) {
    return WallTime{std::chrono::seconds{1'700'000'000 + second}};
}

inline MessageId message_id(std::uint64_t number) {
    return {1'700'000'000'000'000ULL + number, 7};
}

inline std::shared_ptr<Message> message(std::uint64_t number,
                                        std::string_view topic,
                                        std::string payload = "x") {
    auto out = std::make_shared<Message>();
    out->id = message_id(number);
    out->topic = TopicName{topic};
    out->payload = std::move(payload);
    out->qos = Qos::at_least_once;
    out->sender = ClientId{"sender"};
    out->at = at(static_cast<std::int64_t>(number));
    return out;
}

/// Fails the test if there is a failure.
inline void expect_ok(const std::optional<store::Failure>& failure) {
    EXPECT_FALSE(failure) << failure->text;
}

inline std::optional<store::Failure> write(store::Connection& connection,
                                           const std::vector<store::Op>& ops,
                                           store::Attempt attempt = store::Attempt::first) {
    std::vector<const store::Op*> batch;
    for (const auto& op : ops) batch.push_back(&op);
    return connection.write(batch, attempt);
}

inline std::vector<store::Op> store_all(const std::vector<std::shared_ptr<Message>>& messages) {
    std::vector<store::Op> ops;
    for (const auto& message : messages)
        ops.emplace_back(store::StoreMessage{message, store::Keep::all, {}});
    return ops;
}

/// One statement whose parameters stand between the pieces.
inline store::Op execute(std::vector<std::vector<std::string>> statements,
                         std::vector<store::Value> values = {}) {
    auto list = std::make_shared<store::Statements>();
    for (auto& pieces : statements) list->list.push_back({std::move(pieces), "source", {}});
    return store::Execute{std::move(list), std::move(values)};
}

/// A second program that looks at the file, or made it.
class Shell {
  public:
    explicit Shell(const std::string& file, Database::Create create = Database::Create::no) {
        auto opened = Database::open(
            file, {.create = create, .busy_timeout = std::chrono::milliseconds{1000}});
        if (const auto* const failure = std::get_if<store::Failure>(&opened))
            ADD_FAILURE() << failure->text;
        else
            database_ = std::get<std::unique_ptr<Database>>(std::move(opened));
    }
    void run(const std::string& script) { expect_ok(database_->run_script(script)); }
    /// First column of all rows, separated by blanks.
    std::string ask(std::string_view sql) {
        std::string out;
        auto rows = database_->query(sql);
        while (rows.next())
            out.append(out.empty() ? "" : " ").append(rows.is_null(0) ? "NULL" : rows.bytes(0));
        expect_ok(rows.failure());
        return out;
    }
    Database& database() { return *database_; }

  private:
    std::unique_ptr<Database> database_;
};

/// All pages of a fetch.
inline std::vector<MessagePtr> fetch_all(store::Connection& reader,
                                         store::FetchMessages query,
                                         int* pages = nullptr) {
    std::vector<MessagePtr> out;
    for (int page = 1; page < 10'000; ++page) {
        auto answer = reader.read(query);
        if (const auto* const failure = std::get_if<store::Failure>(&answer)) {
            ADD_FAILURE() << failure->text;
            return out;
        }
        auto& result = std::get<store::MessagePage>(std::get<store::Reply>(answer));
        EXPECT_LE(result.messages.size(), query.limit);
        out.insert(out.end(), result.messages.begin(), result.messages.end());
        if (pages != nullptr)
            *pages = page;
        if (!result.next)
            return out;
        query.after = result.next;
    }
    ADD_FAILURE() << "the pages do not end";
    return out;
}

inline std::vector<std::string> payloads(const std::vector<MessagePtr>& messages) {
    std::vector<std::string> out;
    for (const auto& message : messages) out.push_back(message->payload);
    return out;
}

/// A pool with its tables and two open connections.
class SqliteTest : public testing::Test {
  protected:
    void SetUp() override {
        backend_ = make_backend(dir_.path());
        expect_ok(backend_->create_schema());
        open();
    }
    void open() {
        writer_ = backend_->connect(store::Role::writer);
        expect_ok(writer_->open());
        reader_ = backend_->connect(store::Role::reader);
        expect_ok(reader_->open());
    }
    [[nodiscard]] std::string file() const { return dir_.file("keepmq.db"); }
    std::string ask(std::string_view sql) { return Shell{file()}.ask(sql); }

    TempDir dir_;
    std::unique_ptr<store::Backend> backend_;
    std::unique_ptr<store::Connection> writer_;
    std::unique_ptr<store::Connection> reader_;
};

}  // namespace keepmq::sqlite::test
