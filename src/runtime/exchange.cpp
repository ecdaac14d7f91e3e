#include "runtime/exchange.hpp"

#include <utility>

#include "broker/broker.hpp"

namespace keepmq::runtime {
namespace {

// A shard reads a hundred thousand letters in less than a second.
constexpr std::size_t most_letters = 20'000;
constexpr std::size_t most_bytes = 64UL << 20U;

void set(std::atomic<std::uint64_t>& shown, std::uint64_t value) {
    // The others read it often, and it changes rarely.
    if (shown.load(std::memory_order_relaxed) != value)
        shown.store(value, std::memory_order_relaxed);
}

}  // namespace

Exchange::Exchange(Siblings& siblings, std::size_t index, Ways ways)
    : siblings_{siblings}, index_{index}, ways_{std::move(ways)} {
    siblings_.exchanges[index] = this;
}

void Exchange::post(Letter&& letter) {
    const auto weight = weight_of(letter);
    if (mailbox_.put(std::move(letter), weight))
        ways_.wake();
}

bool Exchange::has_room() const {
    for (const auto* each : siblings_.exchanges)
        if (each->mailbox_.size() >= most_letters || each->mailbox_.weight() >= most_bytes)
            return false;
    return true;
}

Exchange::Audience& Exchange::audience_of(const Message& message, broker::SharedStrategy strategy) {
    const auto topic = message.topic.view();
    audience_.groups.clear();
    audience_.others.clear();
    choices_.clear();
    if (!siblings_.groups.empty())
        siblings_.groups.choose(topic, message.sender.view(), strategy, choices_);
    for (std::size_t shard = 0; shard < siblings_.count; ++shard) {
        std::vector<std::uint64_t> groups;
        for (const auto& choice : choices_)
            if (choice.shard == shard)
                groups.push_back(choice.group);
        if (shard == index_)
            audience_.groups = std::move(groups);
        else if (!groups.empty() || siblings_.all[shard].may_match(topic))
            audience_.others.push_back(
                {shard, siblings_.lasting[shard].may_match(topic), std::move(groups)});
    }
    return audience_;
}

void Exchange::sets_out(std::string_view topic) {
    ++under_way_[hash_of(topic)];
    ++handed_over_;
}

void Exchange::came_back(std::size_t topic_hash) {
    const auto found = under_way_.find(topic_hash);
    if (--found->second == 0)
        under_way_.erase(found);
    --handed_over_;
}

void Exchange::show(const broker::Stats& stats) {
    auto& shown = siblings_.totals[index_];
    set(shown.connections, stats.connections);
    set(shown.sessions, stats.sessions);
    set(shown.retained, stats.retained);
}

bool Exchange::is_elsewhere(const Message& message) {
    const auto topic = message.topic.view();
    if (owns(topic))
        return false;
    return message.retain || ways_.stores(topic) ||
           (!under_way_.empty() && under_way_.contains(hash_of(topic)));
}

broker::Peers::Totals Exchange::others() const {
    Totals sum;
    for (std::size_t shard = 0; shard < siblings_.count; ++shard) {
        if (shard == index_)
            continue;
        const auto& totals = siblings_.totals[shard];
        sum.connections += totals.connections.load(std::memory_order_relaxed);
        sum.sessions += totals.sessions.load(std::memory_order_relaxed);
        sum.retained += totals.retained.load(std::memory_order_relaxed);
    }
    return sum;
}

}  // namespace keepmq::runtime
