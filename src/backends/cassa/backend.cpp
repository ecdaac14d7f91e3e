#include "backends/cassa/backend.hpp"

#include <fmt/format.h>

#include "backends/cassa/batch.hpp"
#include "backends/cassa/connection.hpp"
#include "backends/cassa/fetch.hpp"
#include "backends/cassa/schema.hpp"
#include "backends/cassa/settings.hpp"
#include "backends/cassa/translate.hpp"
#include "store/pool_settings.hpp"
#include "store/schema_report.hpp"

namespace keepmq::cassa {
namespace {

using store::errc;
using store::Failure;

/// The session of a pool. Who finds it broken makes a new one, the others wait for it.
class SharedSession {
  public:
    std::variant<std::shared_ptr<Session>, Failure> get(const Settings& settings,
                                                        const Interrupt& interrupt) {
        const std::lock_guard lock{mutex_};
        if (session_ && !session_->is_broken())
            return session_;
        session_.reset();
        auto connected = Session::connect(settings, interrupt);
        if (auto* const session = std::get_if<std::shared_ptr<Session>>(&connected))
            session_ = *session;
        return connected;
    }

  private:
    std::mutex mutex_;
    std::shared_ptr<Session> session_;
};

class PoolConnection final : public store::Connection {
  public:
    PoolConnection(Settings settings, std::shared_ptr<SharedSession> shared)
        : settings_{std::move(settings)}, shared_{std::move(shared)} {}

    std::optional<Failure> open() override;

    std::optional<Failure> write(std::span<const store::Op* const> batch,
                                 store::Attempt attempt) override {
        refused_.clear();
        if (batch.empty())
            return std::nullopt;
        if (auto failure = begin_call())
            return failure;
        return write_batch(*session_, *translator_, batch, attempt, interrupt_, refused_);
    }

    std::vector<Refused> take_refused() override { return std::exchange(refused_, {}); }

    std::variant<store::Reply, Failure> read(const store::Query& query) override {
        if (auto failure = begin_call())
            return *std::move(failure);
        return answer(*session_, *translator_, query, interrupt_);
    }

    void interrupt() noexcept override { interrupt_.raise(); }

  private:
    std::optional<Failure> begin_call() {
        interrupt_.clear();
        if (!session_)
            return Failure{errc::unreachable,
                           fmt::format("keyspace {} is not connected", settings_.keyspace)};
        return std::nullopt;
    }

    Settings settings_;
    std::shared_ptr<SharedSession> shared_;
    Interrupt interrupt_;
    std::shared_ptr<Session> session_;
    std::optional<Translator> translator_;
    std::vector<Refused> refused_;
};

std::optional<Failure> PoolConnection::open() {
    interrupt_.clear();
    session_.reset();
    auto connected = shared_->get(settings_, interrupt_);
    if (auto* const failure = std::get_if<Failure>(&connected))
        return std::move(*failure);
    auto session = std::get<std::shared_ptr<Session>>(std::move(connected));
    auto found = inspect(*session, settings_.keyspace, interrupt_);
    if (auto failure = store::why_unusable(
            found.report, "keyspace " + settings_.keyspace, "cassa", settings_.pool))
        return failure;
    translator_.emplace(found.layout);
    session_ = std::move(session);
    return std::nullopt;
}

class CassandraBackend final : public store::Backend {
  public:
    explicit CassandraBackend(Settings settings) : settings_{std::move(settings)} {}

    std::unique_ptr<store::Connection> connect(store::Role /*role*/) const override {
        return std::make_unique<PoolConnection>(settings_, shared_);
    }

    std::size_t lanes() const override { return settings_.lanes; }
    std::size_t readers() const override { return settings_.readers; }

    std::string durability() const override {
        return fmt::format(
            "{}: so many replicas have each write first; it is on disk there as "
            "commitlog_sync says",
            settings_.consistency);
    }
    std::string schema_script() const override { return std::string{cassa::schema_script()}; }
    store::SchemaReport check_schema() const override;
    std::optional<Failure> create_schema() const override;
    bool auto_create_schema() const override { return settings_.auto_create_schema; }
    std::optional<Failure> try_statement(const store::Statement& statement) const override;
    std::string placeholder(std::size_t /*index*/) const override { return "?"; }

  private:
    Settings settings_;
    std::shared_ptr<SharedSession> shared_ = std::make_shared<SharedSession>();
};

store::SchemaReport CassandraBackend::check_schema() const {
    const Interrupt interrupt;
    auto session = shared_->get(settings_, interrupt);
    if (auto* const failure = std::get_if<Failure>(&session))
        return {.failure = std::move(*failure)};
    return inspect(*std::get<0>(session), settings_.keyspace, interrupt).report;
}

std::optional<Failure> CassandraBackend::create_schema() const {
    const Interrupt interrupt;
    // All nodes are to agree on a new table before the next one.
    auto patient = settings_;
    patient.read_timeout = std::chrono::minutes{5};
    auto session = Session::connect(patient, interrupt);
    if (auto* const failure = std::get_if<Failure>(&session))
        return std::move(*failure);
    return std::get<0>(session)->run_script(cassa::schema_script(), interrupt);
}

std::optional<Failure> CassandraBackend::try_statement(const store::Statement& statement) const {
    const Interrupt interrupt;
    auto session = shared_->get(settings_, interrupt);
    if (std::holds_alternative<Failure>(session))
        return std::nullopt;
    return std::get<0>(session)->try_statement(join(statement), interrupt);
}

}  // namespace

const store::BackendDescriptor& descriptor() {
    static const store::BackendDescriptor descriptor{
        .kind = "cassa",
        .pool_kind = "ecql",
        .plugin = "emqx_backend_cassa",
        .description = "KeepMQ persistence in Cassandra",
        .statement_member = "cql",
        .pool_properties = Settings::names(),
        .configure = store::configure<CassandraBackend, Settings>,
    };
    return descriptor;
}

}  // namespace keepmq::cassa
