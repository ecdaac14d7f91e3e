#include "backends/redis/backend.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backends/redis/batch.hpp"
#include "backends/redis/errors.hpp"
#include "backends/redis/fetch.hpp"
#include "backends/redis/listener.hpp"
#include "backends/redis/servers.hpp"
#include "backends/redis/settings.hpp"
#include "backends/redis/tidier.hpp"
#include "backends/redis/translate.hpp"
#include "store/pool_settings.hpp"

namespace keepmq::redis {
namespace {

using store::Failure;

class PoolConnection final : public store::Connection {
  public:
    PoolConnection(std::unique_ptr<Servers> servers, std::shared_ptr<PageCache> cache)
        : servers_{std::move(servers)}, cache_{std::move(cache)}, tidier_{*servers_} {}

    std::optional<Failure> open() override { return servers_->open(); }

    std::optional<Failure> write(std::span<const store::Op* const> batch,
                                 store::Attempt attempt) override {
        refused_.clear();
        auto failure = write_batch(*servers_, batch, attempt, refused_);
        if (!failure)
            tidier_.work(std::chrono::steady_clock::now());
        return failure;
    }

    std::vector<Refused> take_refused() override { return std::exchange(refused_, {}); }

    std::variant<store::Reply, Failure> read(const store::Query& query) override {
        return answer(*servers_, *cache_, query);
    }

    void interrupt() noexcept override { servers_->interrupt(); }

  private:
    std::unique_ptr<Servers> servers_;
    std::shared_ptr<PageCache> cache_;
    Tidier tidier_;
    std::vector<Refused> refused_;
};

class RedisBackend final : public store::Backend {
  public:
    explicit RedisBackend(Settings settings) : settings_{std::move(settings)} {}

    std::unique_ptr<store::Connection> connect(store::Role /*role*/) const override {
        return std::make_unique<PoolConnection>(make_servers(settings_, facts_), cache_);
    }

    std::size_t lanes() const override { return settings_.pool_size; }
    std::size_t readers() const override {
        constexpr std::size_t enough = 4;
        return std::min(settings_.pool_size, enough);
    }

    std::string durability() const override;
    std::string schema_script() const override {
        return "-- Redis has no schema: keys are made when they are written.\n";
    }
    store::SchemaReport check_schema() const override { return {}; }
    std::optional<Failure> create_schema() const override { return std::nullopt; }
    bool auto_create_schema() const override { return true; }
    std::optional<Failure> try_statement(const store::Statement& statement) const override;
    std::unique_ptr<store::ChannelListener> listen(store::ChannelSink& sink) const override {
        return redis::listen(settings_, facts_, sink);
    }
    std::string placeholder(std::size_t index) const override {
        return fmt::format("<{}>", index + 1);
    }

  private:
    Settings settings_;
    std::shared_ptr<PoolFacts> facts_ = std::make_shared<PoolFacts>();
    std::shared_ptr<PageCache> cache_ = std::make_shared<PageCache>();
};

std::string RedisBackend::durability() const {
    auto known = facts_->durability();
    return known.empty() ? "as the server's appendonly and appendfsync say, logged when connected"
                         : known;
}

std::optional<Failure> RedisBackend::try_statement(const store::Statement& statement) const {
    const auto servers = make_servers(settings_, facts_);
    if (servers->open())
        return std::nullopt;
    const store::Execute execute{
        std::make_shared<const store::Statements>(store::Statements{{statement}}), {}};
    const auto args = translate(execute).front().args.list();
    auto exchange = servers->read({{{"COMMAND", "INFO", args.front()}}});
    const auto* const answers = std::get_if<Answers>(&exchange);
    if (answers == nullptr || answers->front().is_error() || answers->front().list.size() != 1)
        return std::nullopt;  // the server does not tell
    return dislike(answers->front().list.front(), args);
}

}  // namespace

const store::BackendDescriptor& descriptor() {
    static const store::BackendDescriptor descriptor{
        .kind = "redis",
        .pool_kind = "redis",
        .plugin = "emqx_backend_redis",
        .description = "KeepMQ persistence in Redis",
        .statement_member = "commands",
        .pool_properties = Settings::names(),
        .configure = store::configure<RedisBackend, Settings>,
    };
    return descriptor;
}

}  // namespace keepmq::redis
