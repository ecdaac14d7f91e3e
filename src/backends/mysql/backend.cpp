#include "backends/mysql/backend.hpp"

#include <fmt/format.h>

#include "backends/mysql/connection.hpp"
#include "backends/mysql/database.hpp"
#include "backends/mysql/schema.hpp"
#include "backends/mysql/settings.hpp"
#include "backends/mysql/translate.hpp"
#include "backends/mysql/users.hpp"
#include "store/pool_settings.hpp"

namespace keepmq::mysql {
namespace {

using store::Failure;
using store::Role;

class MysqlBackend final : public store::Backend {
  public:
    explicit MysqlBackend(Settings settings) : settings_{std::move(settings)} {}

    std::unique_ptr<store::Connection> connect(Role role) const override {
        return make_connection(settings_, role);
    }
    std::size_t lanes() const override { return settings_.lanes; }
    std::size_t readers() const override { return settings_.readers; }

    std::string durability() const override {
        return "one transaction for each batch: an acknowledged message is committed, and as "
               "durable "
               "as the server makes it (innodb_flush_log_at_trx_commit = 1: on disk)";
    }
    std::string schema_script() const override { return std::string{mysql::schema_script()}; }
    store::SchemaReport check_schema() const override;
    std::optional<Failure> create_schema() const override;
    bool auto_create_schema() const override { return settings_.auto_create_schema; }
    std::optional<Failure> try_statement(const store::Statement& statement) const override;
    std::string placeholder(std::size_t /*index*/) const override { return "?"; }

  private:
    Settings settings_;
};

store::SchemaReport MysqlBackend::check_schema() const {
    Interrupt interrupt;
    auto connected = Database::connect(settings_, Role::reader, interrupt);
    if (auto* const failure = std::get_if<Failure>(&connected))
        return {.failure = std::move(*failure)};
    return inspect(*std::get<std::unique_ptr<Database>>(connected)).report;
}

std::optional<Failure> MysqlBackend::create_schema() const {
    Interrupt interrupt;
    auto connected = Database::connect(settings_, Role::writer, interrupt);
    if (auto* const failure = std::get_if<Failure>(&connected))
        return std::move(*failure);
    return std::get<std::unique_ptr<Database>>(connected)->run_script(schema_script());
}

std::optional<Failure> MysqlBackend::try_statement(const store::Statement& statement) const {
    const auto text = join(statement);
    if (auto failure = why_forbidden(text))
        return failure;
    Interrupt interrupt;
    auto connected = Database::connect(settings_, Role::reader, interrupt);
    if (std::holds_alternative<Failure>(connected))
        return std::nullopt;
    return std::get<std::unique_ptr<Database>>(connected)->try_statement(text);
}

}  // namespace

const store::BackendDescriptor& descriptor() {
    static const store::BackendDescriptor descriptor{
        .kind = "mysql",
        .pool_kind = "mysql",
        .plugin = "emqx_backend_mysql",
        .description = "KeepMQ persistence in MySQL or MariaDB",
        .statement_member = "sql",
        .pool_properties = Settings::names(),
        .configure = store::configure<MysqlBackend, Settings>,
    };
    return descriptor;
}

}  // namespace keepmq::mysql
