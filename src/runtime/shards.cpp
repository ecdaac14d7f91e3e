#include "runtime/shards.hpp"

#include <algorithm>
#include <barrier>
#include <future>
#include <thread>
#include <unordered_map>
#include <utility>

#include "base/log.hpp"

namespace keepmq::runtime {
namespace {

const Log log{"node"};

std::size_t count_of(const config::Settings& settings) {
    if (settings.node.shards != 0)
        return settings.node.shards;
    return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, config::most_shards);
}

/// Whom a row of an earlier run concerns, and which numbers are used.
class Sorter {
  public:
    explicit Sorter(const std::function<std::size_t(std::string_view)>& shard_of)
        : shard_of_{shard_of} {}

    broker::UsedNumbers used;
    std::vector<broker::DeliveryKept> orphans;  ///< of a session that is gone
    std::vector<broker::Change> for_all;        ///< shards

    /// The shard, or nothing.
    std::optional<std::size_t> operator()(broker::SessionKept& row) {
        used.session = std::max(used.session, row.session);
        return homes_[row.session] = shard_of_(row.client.view());
    }
    std::optional<std::size_t> operator()(broker::RetainedKept& row) {
        return shard_of_(row.message->topic.view());
    }
    std::optional<std::size_t> operator()(broker::RetainedGone& /*row*/) { return std::nullopt; }
    std::optional<std::size_t> operator()(broker::DeliveryKept& row) {
        used.delivery = std::max(used.delivery, row.number);
        const auto home = home_of(row.session);
        if (!home)
            orphans.push_back(std::move(row));
        return home;
    }
    std::optional<std::size_t> operator()(broker::ReceivedKept& row) {
        const auto home = home_of(row.session);
        if (row.share.empty())
            return home;
        for_all.emplace_back(std::move(row));  // any may have a member now
        return std::nullopt;
    }
    std::optional<std::size_t> operator()(broker::IncomingKept& row) {
        const auto home = home_of(row.session);
        if (row.stage != broker::Stage::taken)
            return home;
        for_all.emplace_back(row);  // any may give its message to somebody, see broker::Received
        return std::nullopt;
    }
    template <class Row>
    std::optional<std::size_t> operator()(Row& row) {
        if constexpr (requires { row.session; })
            return home_of(row.session);
        else
            return std::nullopt;
    }

  private:
    /// The number is used, also if its session is gone.
    [[nodiscard]] std::optional<std::size_t> home_of(std::uint64_t session) {
        used.session = std::max(used.session, session);
        const auto found = homes_.find(session);
        return found == homes_.end() ? std::nullopt : std::optional{found->second};
    }

    const std::function<std::size_t(std::string_view)>& shard_of_;
    std::unordered_map<std::uint64_t, std::size_t> homes_;
};

}  // namespace

Shards::Shards(const config::Settings& settings,
               std::uint64_t node,
               WallTime floor,
               std::uint64_t seed) {
    const auto count = count_of(settings);
    for (std::size_t i = 0; i < count; ++i)
        shards_.push_back(
            std::make_unique<Shard>(settings, MessageIdSource{node + i, floor}, seed + i));
    if (count == 1)
        return;
    siblings_ = std::make_unique<Siblings>(count, seed);
    for (std::size_t i = 0; i < count; ++i) shards_[i]->join(*siblings_, i);
}

Shards::~Shards() {
    stop();
    // Connections of all count at the listeners of the first.
    while (!shards_.empty()) shards_.pop_back();
}

void Shards::at_once(const std::function<void(Shard&)>& work) const {
    std::barrier<> all{static_cast<std::ptrdiff_t>(shards_.size())};
    std::vector<std::future<void>> done;
    for (const auto& shard : shards_) {
        const auto promise = std::make_shared<std::promise<void>>();
        done.push_back(promise->get_future());
        shard->post([&, promise](Shard& each) {
            all.arrive_and_wait();
            work(each);
            all.arrive_and_wait();
            promise->set_value();
        });
    }
    for (const auto& each : done) each.wait();
}

void Shards::start() {
    for (const auto& shard : shards_) shard->start();
}

void Shards::stop() {
    for (const auto& shard : shards_) shard->stop();
}

void Shards::keep_sessions(sessions::Store& store) const {
    std::vector<std::vector<broker::Change>> parts(shards_.size());
    const std::function<std::size_t(std::string_view)> shard_of = [this](std::string_view name) {
        return index_of(name);
    };
    Sorter sorter{shard_of};
    for (auto& change : store.take_loaded())
        if (const auto shard = std::visit(sorter, change))
            parts[*shard].push_back(std::move(change));
    for (auto& part : parts) part.insert(part.end(), sorter.for_all.begin(), sorter.for_all.end());
    for (std::size_t i = 0; i < shards_.size(); ++i)
        shards_[i]->ask(
            [&](Shard& shard) { shard.keep_sessions(store, std::move(parts[i]), sorter.used); });
    for (const auto& orphan : sorter.orphans) place(orphan);
}

/// It was on its way from a session that ended to another member of its group.
void Shards::place(const broker::DeliveryKept& orphan) const {
    for (const auto& shard : shards_) {
        const bool placed = shard->ask([&](Shard& each) {
            const auto group = each.broker().find_group(orphan.share);
            if (group != 0 && orphan.message)
                each.place(orphan.message, group, orphan.number);
            return group != 0;
        });
        if (placed)
            return;
    }
    first().ask([&](Shard& shard) { shard.broker().forget_delivery(orphan.number); });
}

void Shards::set_plugins(const PluginList& plugins) const {
    at_once([&](Shard& shard) { shard.set_plugins(plugins); });
}

bool Shards::await_gates(SteadyTime deadline) const {
    std::vector<std::future<void>> passed;
    for (const auto& shard : shards_) {
        const auto promise = std::make_shared<std::promise<void>>();
        passed.push_back(promise->get_future());
        shard->post(
            [promise](Shard& each) { each.behind_gate([promise] { promise->set_value(); }); });
    }
    for (const auto& each : passed) {
        if (each.wait_until(deadline) != std::future_status::ready) {
            log.error("the session store takes nothing: the writes that wait for it are refused");
            return false;
        }
    }
    return true;
}

bool Shards::settle(SteadyTime deadline) const {
    while (await_gates(deadline)) {
        std::size_t letters = 0;
        each([&](Shard& shard) { letters += shard.take_letters(); });
        if (letters == 0)
            return true;
    }
    return false;
}

broker::Stats Shards::stats() const {
    broker::Stats sum;
    each([&](Shard& shard) { broker::add(sum, shard.broker().stats()); });
    return sum;
}

WallTime Shards::newest_id_time() const {
    WallTime newest{};
    each([&](Shard& shard) { newest = std::max(newest, shard.newest_id_time()); });
    return newest;
}

}  // namespace keepmq::runtime
