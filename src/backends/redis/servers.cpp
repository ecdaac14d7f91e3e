#include "backends/redis/servers.hpp"

#include <fmt/format.h>

#include <utility>

#include "backends/redis/cluster.hpp"
#include "backends/redis/connection.hpp"
#include "backends/redis/master.hpp"
#include "base/log.hpp"

namespace keepmq::redis {
namespace {

const Log log{"redis"};

/// The value in an answer to CONFIG GET; empty if the server does not tell.
std::string value_of(const Answer& answer) {
    return answer.list.size() == 2 ? answer.list[1].text : std::string{};
}

}  // namespace

std::string PoolFacts::durability() const {
    const std::lock_guard lock{mutex_};
    return durability_;
}

bool PoolFacts::set_durability(const std::string& words) {
    const std::lock_guard lock{mutex_};
    return std::exchange(durability_, words) != words;
}

bool PoolFacts::first_without_replica() {
    const std::lock_guard lock{mutex_};
    return !std::exchange(without_replica_, true);
}

std::unique_ptr<Servers> make_servers(const Settings& settings, std::shared_ptr<PoolFacts> facts) {
    if (settings.topology == Topology::cluster)
        return std::make_unique<Cluster>(settings, std::move(facts));
    return std::make_unique<Master>(settings, std::move(facts));
}

void look_at_durability(Connection& connection, const Settings& settings, PoolFacts& facts) {
    auto asked = connection.run(
        Commands{{{"CONFIG", "GET", "appendonly"}}, {{"CONFIG", "GET", "appendfsync"}}});
    const auto* const answers = std::get_if<Answers>(&asked);
    if (answers == nullptr)
        return;
    const auto words = describe_durability(value_of((*answers)[0]), value_of((*answers)[1]));
    if (facts.set_durability(words))
        log.info("pool={} server={} durability: {}",
                 settings.pool,
                 to_string(connection.server()),
                 words);
}

std::string describe_durability(std::string_view appendonly, std::string_view appendfsync) {
    if (appendonly.empty())
        return "unknown: the server does not tell its appendonly policy";
    if (appendonly != "yes")
        return "appendonly no: a commit is in the memory of the server and is lost when it ends; "
               "set "
               "appendonly yes and appendfsync always";
    if (appendfsync == "always")
        return "appendonly, appendfsync always: a commit is on the disk of the server";
    return fmt::format(
        "appendonly, appendfsync {}: a commit survives the end of the server, the last ones may be "
        "lost when its machine fails",
        appendfsync);
}

}  // namespace keepmq::redis
