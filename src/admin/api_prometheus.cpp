#include <sys/resource.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "admin/exposition.hpp"
#include "admin/figures.hpp"
#include "admin/router.hpp"

namespace keepmq::admin {
namespace {

double cpu_seconds() {
    rusage usage{};
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return 0;
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void write_process(Exposition& out, const Status& status) {
    out.metric("keepmq_build_info", Kind::gauge, "Version and node name; always 1.");
    out.sample({{"version", status.version}, {"node", status.node}}, std::uint64_t{1});
    out.metric("keepmq_uptime_seconds", Kind::gauge, "Time since the start.");
    out.sample({}, static_cast<std::uint64_t>(status.uptime.count()));
    out.metric("keepmq_process_resident_memory_bytes", Kind::gauge, "Resident memory.");
    out.sample({}, status.rss_bytes);
    out.metric("keepmq_process_cpu_seconds_total", Kind::counter, "User and system CPU time.");
    out.sample({}, cpu_seconds());
    out.metric("keepmq_shards", Kind::gauge, "Broker threads.");
    out.sample({}, std::uint64_t{status.shards});
    out.metric(
        "keepmq_shard_letters",
        Kind::gauge,
        "What other shards wrote to this one and it has not read, and messages it handed over.");
    for (std::size_t i = 0; i < status.shard_letters.size(); ++i)
        out.sample({{"shard", std::to_string(i)}}, std::uint64_t{status.shard_letters[i]});
}

void write_broker(Exposition& out, const Status& status, const broker::Stats& stats) {
    std::string_view current;
    for (const auto& figure : broker_figures()) {
        if (figure.metric != current)
            out.metric(figure.metric, figure.kind, figure.help);
        current = figure.metric;
        out.sample({{"reason", figure.reason}}, stats.*figure.member);
    }
    out.metric("keepmq_bytes_received_total", Kind::counter, "Bytes from clients.");
    out.sample({}, status.bytes_received);
    out.metric("keepmq_bytes_sent_total", Kind::counter, "Bytes to clients.");
    out.sample({}, status.bytes_sent);
    out.metric("keepmq_paused_connections",
               Kind::gauge,
               "Connections that are not read because a database is slow.");
    out.sample({}, status.paused_connections);
}

void write_listeners(Exposition& out, const std::vector<ListenerStatus>& listeners) {
    const auto each = [&](auto value) {
        for (const auto& listener : listeners)
            out.sample({{"listener", listener.name}, {"address", listener.address}},
                       std::uint64_t{value(listener)});
    };
    out.metric("keepmq_listener_connections", Kind::gauge, "Open connections of the listener.");
    each([](const ListenerStatus& listener) { return listener.connections; });
    out.metric("keepmq_listener_max_connections", Kind::gauge, "Limit of the listener.");
    each([](const ListenerStatus& listener) { return listener.max_connections; });
    out.metric("keepmq_listener_accepted_total", Kind::counter, "Connections accepted.");
    each([](const ListenerStatus& listener) { return listener.accepted; });
}

struct Quantiles {
    std::string_view metric;
    std::string_view help;
    std::uint64_t PoolStatus::*p50;
    std::uint64_t PoolStatus::*p99;
    double unit;
};

constexpr std::array quantiles{
    Quantiles{"keepmq_pool_batch_size",
              "Operations in one batch.",
              &PoolStatus::batch_size_p50,
              &PoolStatus::batch_size_p99,
              1},
    Quantiles{"keepmq_pool_commit_seconds",
              "Time of one batch at the database.",
              &PoolStatus::commit_micros_p50,
              &PoolStatus::commit_micros_p99,
              1e6},
    Quantiles{"keepmq_pool_wait_seconds",
              "Time from submission to outcome.",
              &PoolStatus::wait_micros_p50,
              &PoolStatus::wait_micros_p99,
              1e6},
};

void write_pool_quantiles(Exposition& out, const std::vector<PoolStatus>& pools) {
    for (const auto& quantile : quantiles) {
        out.metric(quantile.metric, Kind::gauge, quantile.help);
        for (const auto& pool : pools) {
            const auto sample = [&](std::string_view which, std::uint64_t value) {
                out.sample({{"kind", pool.kind}, {"pool", pool.name}, {"quantile", which}},
                           static_cast<double>(value) / quantile.unit);
            };
            sample("0.5", pool.*quantile.p50);
            sample("0.99", pool.*quantile.p99);
        }
    }
}

void write_pools(Exposition& out, const std::vector<PoolStatus>& pools) {
    static constexpr std::array<std::string_view, 4> states{
        "connecting", "running", "degraded", "stopped"};
    out.metric("keepmq_pool_state", Kind::gauge, "1 for the state that the pool is in.");
    for (const auto& pool : pools) {
        for (const auto state : states)
            out.sample({{"kind", pool.kind}, {"pool", pool.name}, {"state", state}},
                       std::uint64_t{pool.state == state});
    }
    for (const auto& figure : pool_figures()) {
        out.metric(figure.metric, figure.kind, figure.help);
        for (const auto& pool : pools)
            out.sample({{"kind", pool.kind}, {"pool", pool.name}}, pool.*figure.member);
    }
    out.metric("keepmq_pool_lane_depth", Kind::gauge, "Writes that wait in one lane.");
    for (const auto& pool : pools) {
        for (std::size_t lane = 0; lane < pool.lane_depths.size(); ++lane)
            out.sample({{"kind", pool.kind}, {"pool", pool.name}, {"lane", std::to_string(lane)}},
                       std::uint64_t{pool.lane_depths[lane]});
    }
    write_pool_quantiles(out, pools);
}

void write_rules(Exposition& out, const std::vector<RuleStatus>& rules) {
    for (const auto& figure : rule_figures()) {
        out.metric(figure.metric, figure.kind, figure.help);
        for (const auto& rule : rules)
            out.sample({{"plugin", rule.plugin}, {"rule", rule.name}, {"pool", rule.pool}},
                       rule.*figure.member);
    }
}

void write_persistence(Exposition& out, const PersistenceStatus& kept) {
    if (!kept.on)
        return;
    for (const auto& figure : persistence_figures()) {
        out.metric(figure.metric, figure.kind, figure.help);
        out.sample({}, kept.*figure.member);
    }
    out.metric("keepmq_sessions_commit_seconds", Kind::gauge, "Time of one transaction.");
    out.sample({{"quantile", "0.5"}}, static_cast<double>(kept.commit_micros_p50) / 1e6);
    out.sample({{"quantile", "0.99"}}, static_cast<double>(kept.commit_micros_p99) / 1e6);
}

Reply scrape(Source& source, const Request&) {
    const auto status = source.status();
    Exposition out;
    write_process(out, status);
    write_broker(out, status, source.stats());
    write_listeners(out, status.listeners);
    write_persistence(out, status.persistence);
    write_pools(out, source.pools());
    write_rules(out, source.rules());
    out.metric("keepmq_dead_letters", Kind::gauge, "Writes kept as dead letters.");
    out.sample({}, source.dead_letter_count());
    return text_reply("text/plain; version=0.0.4; charset=utf-8", out.take());
}

constexpr Route routes[] = {
    {Method::get, "/metrics", "prometheus", "Everything, for Prometheus", scrape},
};

}  // namespace

std::span<const Route> prometheus_routes() {
    return routes;
}

}  // namespace keepmq::admin
