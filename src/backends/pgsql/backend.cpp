#include "backends/pgsql/backend.hpp"

#include <fmt/format.h>

#include "backends/pgsql/connection.hpp"
#include "backends/pgsql/schema.hpp"
#include "backends/pgsql/session.hpp"
#include "backends/pgsql/settings.hpp"
#include "backends/pgsql/translate.hpp"
#include "store/pool_settings.hpp"

namespace keepmq::pgsql {
namespace {

using store::Failure;

class PgBackend final : public store::Backend {
  public:
    explicit PgBackend(Settings settings) : settings_{std::move(settings)} {}

    std::unique_ptr<store::Connection> connect(store::Role role) const override {
        return make_connection(settings_, role);
    }

    std::size_t lanes() const override { return settings_.lanes; }
    std::size_t readers() const override { return settings_.readers; }

    std::string durability() const override {
        return "every commit is acknowledged by the server first; it is on disk there unless "
               "synchronous_commit or fsync is off";
    }
    std::string schema_script() const override { return std::string{pgsql::schema_script()}; }
    store::SchemaReport check_schema() const override;
    std::optional<Failure> create_schema() const override;
    bool auto_create_schema() const override { return settings_.auto_create_schema; }
    std::optional<Failure> try_statement(const store::Statement& statement) const override;
    std::string placeholder(std::size_t index) const override {
        return fmt::format("${}", index + 1);
    }

  private:
    Settings settings_;
};

store::SchemaReport PgBackend::check_schema() const {
    const Interrupt interrupt;
    auto session = Session::connect(settings_, interrupt);
    if (auto* const failure = std::get_if<Failure>(&session))
        return {.failure = std::move(*failure)};
    return inspect(*std::get<std::unique_ptr<Session>>(session)).report;
}

std::optional<Failure> PgBackend::create_schema() const {
    const Interrupt interrupt;
    // An index on a table that is there already may take its time.
    auto patient = settings_;
    patient.read_timeout = std::chrono::hours{1};
    auto session = Session::connect(patient, interrupt);
    if (auto* const failure = std::get_if<Failure>(&session))
        return std::move(*failure);
    return std::get<std::unique_ptr<Session>>(session)->run_script(schema_script());
}

std::optional<Failure> PgBackend::try_statement(const store::Statement& statement) const {
    const Interrupt interrupt;
    auto session = Session::connect(settings_, interrupt);
    if (std::holds_alternative<Failure>(session))
        return std::nullopt;
    return std::get<std::unique_ptr<Session>>(session)->try_statement(join(statement));
}

}  // namespace

const store::BackendDescriptor& descriptor() {
    static const store::BackendDescriptor descriptor{
        .kind = "pgsql",
        .pool_kind = "pgsql",
        .plugin = "emqx_backend_pgsql",
        .description = "KeepMQ persistence in PostgreSQL",
        .statement_member = "sql",
        .pool_properties = Settings::names(),
        .configure = store::configure<PgBackend, Settings>,
    };
    return descriptor;
}

}  // namespace keepmq::pgsql
