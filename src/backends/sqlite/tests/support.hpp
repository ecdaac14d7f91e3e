#pragma once
// What the tests of this backend share: a pool in a directory of its own.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "backends/sqlite/backend.hpp"
#include "backends/sqlite/database.hpp"
#include "base/testing/temp_dir.hpp"
#include "sql/testing/words.hpp"
#include "store/testing/words.hpp"

namespace keepmq::sqlite::test {

using namespace store::testing;

inline std::unique_ptr<store::Backend> make_backend(const std::string& data_dir,
                                                    Properties properties = {}) {
    return store::testing::make_backend(descriptor(),
                                        pool_conf(descriptor(), properties, data_dir));
}

inline std::vector<store::Op> store_all(const std::vector<std::shared_ptr<Message>>& messages) {
    std::vector<store::Op> ops;
    for (const auto& message : messages) ops.push_back(store_message(message));
    return ops;
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
    sql::Rows rows(std::string_view sql,
                   const std::vector<Param>& params = {},
                   std::size_t columns = 1) {
        sql::Rows out{columns};
        auto row = database_->query(sql, params);
        while (row.next())
            for (int column = 0; column < static_cast<int>(columns); ++column)
                out.add(row.is_null(column) ? sql::Rows::Cell{} : std::string{row.bytes(column)});
        expect_ok(row.failure());
        return out;
    }
    std::string ask(std::string_view sql) { return sql::testing::first_column(rows(sql)); }
    Database& database() { return *database_; }

  private:
    std::unique_ptr<Database> database_;
};

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
