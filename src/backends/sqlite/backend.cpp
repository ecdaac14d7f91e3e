#include "backends/sqlite/backend.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "backends/sqlite/connection.hpp"
#include "backends/sqlite/schema.hpp"
#include "backends/sqlite/settings.hpp"
#include "store/pool_settings.hpp"

namespace keepmq::sqlite {
namespace {

using store::errc;
using store::Failure;

class SqliteBackend final : public store::Backend {
  public:
    explicit SqliteBackend(Settings settings) : settings_{std::move(settings)} {}

    std::unique_ptr<store::Connection> connect(store::Role role) const override {
        return make_connection(settings_, role);
    }

    /// SQLite has one writer at a time; more lanes would only wait for each other.
    std::size_t lanes() const override { return 1; }
    std::size_t readers() const override { return settings_.readers; }

    std::string durability() const override;
    std::string schema_script() const override { return std::string{sqlite::schema_script()}; }
    store::SchemaReport check_schema() const override;
    std::optional<Failure> create_schema() const override;
    bool auto_create_schema() const override { return settings_.auto_create_schema; }
    std::optional<Failure> try_statement(const store::Statement& statement) const override;
    std::string placeholder(std::size_t index) const override {
        return fmt::format("?{}", index + 1);
    }

  private:
    Settings settings_;
};

std::string SqliteBackend::durability() const {
    switch (settings_.synchronous) {
        case Synchronous::full:
        case Synchronous::extra:
            return fmt::format(
                "WAL, synchronous={}: every commit is flushed to the disk before it is "
                "acknowledged",
                to_string(settings_.synchronous));
        case Synchronous::normal:
            return "WAL, synchronous=normal: survives the end of the broker; a power failure can "
                   "take the last commits";
        case Synchronous::off:
            return "WAL, synchronous=off: survives the end of the broker; a power failure can "
                   "damage the file";
    }
    return {};
}

store::SchemaReport SqliteBackend::check_schema() const {
    std::error_code error;
    if (!std::filesystem::exists(settings_.file, error) && !error) {
        store::SchemaReport report;
        report.missing.push_back(fmt::format("file {}", settings_.file));
        return report;
    }
    auto opened = open_database(settings_, store::Role::reader, Database::Create::no);
    if (auto* const failure = std::get_if<Failure>(&opened))
        return {.failure = std::move(*failure)};
    return inspect(*std::get<std::unique_ptr<Database>>(opened)).report;
}

std::optional<Failure> SqliteBackend::create_schema() const {
    const auto directory = std::filesystem::path{settings_.file}.parent_path();
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error)
        return Failure{errc::unreachable,
                       fmt::format("cannot make {}: {}", directory.string(), error.message())};
    auto opened = open_database(settings_, store::Role::writer, Database::Create::yes);
    if (auto* const failure = std::get_if<Failure>(&opened))
        return std::move(*failure);
    auto& database = *std::get<std::unique_ptr<Database>>(opened);
    auto failure =
        database.run_script(fmt::format("begin immediate;\n{}\ncommit;", schema_script()));
    if (failure)
        database.rollback();
    return failure;
}

/// Before the first start there is no file. Tables of the user may be made until then; everything
/// else about a statement can be judged.
std::optional<Failure> try_without_file(const std::string& sql) {
    auto opened = Database::open(":memory:", {Database::Create::yes});
    auto* const database = std::get_if<std::unique_ptr<Database>>(&opened);
    if (database == nullptr || (*database)->run_script(std::string{schema_script()}))
        return std::nullopt;
    auto failure = (*database)->try_statement(sql);
    if (failure && failure->text.find("no such table") != std::string::npos)
        return std::nullopt;
    return failure;
}

std::optional<Failure> SqliteBackend::try_statement(const store::Statement& statement) const {
    std::error_code error;
    if (!std::filesystem::exists(settings_.file, error) && !error)
        return try_without_file(join(statement));
    auto opened = open_database(settings_, store::Role::reader, Database::Create::no);
    if (std::holds_alternative<Failure>(opened))
        return std::nullopt;
    return std::get<std::unique_ptr<Database>>(opened)->try_statement(join(statement));
}

}  // namespace

const store::BackendDescriptor& descriptor() {
    static const store::BackendDescriptor descriptor{
        .kind = "sqlite",
        .pool_kind = "sqlite",
        .plugin = "emqx_backend_sqlite",
        .description = "KeepMQ persistence in a SQLite file",
        .statement_member = "sql",
        .pool_properties = Settings::names(),
        .configure = store::configure<SqliteBackend, Settings>,
    };
    return descriptor;
}

}  // namespace keepmq::sqlite
