#include "backends/mongo/backend.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "backends/mongo/batch.hpp"
#include "backends/mongo/connection.hpp"
#include "backends/mongo/custom.hpp"
#include "backends/mongo/fetch.hpp"
#include "backends/mongo/schema.hpp"
#include "backends/mongo/settings.hpp"
#include "base/log.hpp"
#include "store/pool_settings.hpp"

namespace keepmq::mongo {
namespace {

using store::Failure;
using store::Role;

const Log log{"mongo"};

/// What the connections of a pool share.
struct PoolState {
    Numbers numbers;
    std::atomic<bool> indexes_made = false;
};

class PoolConnection final : public store::Connection {
  public:
    PoolConnection(const Settings& settings, Role role, std::shared_ptr<PoolState> state)
        : settings_{settings}, role_{role}, state_{std::move(state)}, connection_{settings} {}

    std::optional<Failure> open() override {
        auto failure = connection_.open();
        if (!failure && role_ == Role::writer && settings_.auto_create_schema &&
            !state_->indexes_made.exchange(true))
            failure = make_missing_indexes();
        return failure;
    }

    std::optional<Failure> write(Batch batch, store::Attempt attempt) override {
        refused_.clear();
        return write_batch(connection_, state_->numbers, batch, attempt, refused_);
    }

    std::vector<Refused> take_refused() override { return std::exchange(refused_, {}); }

    std::variant<store::Reply, Failure> read(const store::Query& query) override {
        return answer(connection_, query);
    }

    void interrupt() noexcept override { connection_.interrupt(); }

  private:
    std::optional<Failure> make_missing_indexes() {
        auto made = make_indexes(connection_);
        for (const auto& warning : made.warnings)
            log.warn("pool={} {}", settings_.pool, escaped(warning));
        if (!made.no_expiry.empty())
            log.info(
                "pool={} documents do not expire: {}", settings_.pool, escaped(made.no_expiry));
        if (made.failure)
            state_->indexes_made = false;
        return std::move(made.failure);
    }

    Settings settings_;
    Role role_;
    std::shared_ptr<PoolState> state_;
    mongo::Connection connection_;
    std::vector<Refused> refused_;
};

class MongoBackend final : public store::Backend {
  public:
    explicit MongoBackend(Settings settings) : settings_{std::move(settings)} {}

    std::unique_ptr<store::Connection> connect(Role role) const override {
        return std::make_unique<PoolConnection>(settings_, role, state_);
    }
    std::size_t lanes() const override { return settings_.pool_size; }
    std::size_t readers() const override {
        constexpr std::size_t enough = 4;
        return std::min(settings_.pool_size, enough);
    }

    std::string durability() const override {
        return settings_.safe ? "w=majority, j=true: an acknowledged message is in the journals of "
                                "most servers"
                              : "w=1: an acknowledged message is in the memory of one server; a "
                                "crash may lose it";
    }
    std::string schema_script() const override { return std::string{mongo::schema_script()}; }
    store::SchemaReport check_schema() const override;
    std::optional<Failure> create_schema() const override;
    bool auto_create_schema() const override { return settings_.auto_create_schema; }
    std::optional<Failure> try_statement(const store::Statement& statement) const override;
    std::string placeholder(std::size_t index) const override {
        return fmt::format("<{}>", index + 1);
    }

  private:
    Settings settings_;
    std::shared_ptr<PoolState> state_ = std::make_shared<PoolState>();
};

store::SchemaReport MongoBackend::check_schema() const {
    mongo::Connection connection{settings_};
    if (auto failure = connection.open())
        return {.failure = std::move(failure)};
    return inspect(connection);
}

std::optional<Failure> MongoBackend::create_schema() const {
    mongo::Connection connection{settings_};
    if (auto failure = connection.open())
        return failure;
    return make_indexes(connection).failure;  // what cannot be made is found by check_schema()
}

std::optional<Failure> MongoBackend::try_statement(const store::Statement& statement) const {
    const std::vector<store::Value> values(statement.parameters());
    auto bound = bind_document(statement, values);
    if (auto* const failure = std::get_if<Failure>(&bound))
        return std::move(*failure);
    return std::nullopt;
}

}  // namespace

const store::BackendDescriptor& descriptor() {
    static const store::BackendDescriptor descriptor{
        .kind = "mongo",
        .pool_kind = "mongo",
        .plugin = "emqx_backend_mongo",
        .description = "KeepMQ persistence in MongoDB",
        .statement_member = "document",
        .pool_properties = Settings::names(),
        .configure = store::configure<MongoBackend, Settings>,
    };
    return descriptor;
}

}  // namespace keepmq::mongo
