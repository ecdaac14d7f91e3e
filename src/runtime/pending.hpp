#pragma once
// What a shard waits for: operations handed to a pool whose outcome matters to somebody.

#include <cstdint>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "broker/effects.hpp"
#include "hooks/rules.hpp"
#include "model/message.hpp"
#include "runtime/letters.hpp"
#include "runtime/plugin.hpp"
#include "store/pool.hpp"

namespace keepmq::runtime {

/// PUBACK or PUBREC, and perhaps the delivery, wait for `open` writes and shards.
struct PublishWait {
    Ticket ticket{};
    std::size_t open = 0;
    std::size_t shards = 0;  ///< of `open`
    mqtt::ReasonCode reason = mqtt::ReasonCode::success;
    MessagePtr deliver;  ///< after the commit; null when it went out at once
    Reply reply;         ///< to the shard of the publisher, if that is another one
    MessageId id;
    bool wide = false;        ///< other shards are asked
    bool repeatable = false;  ///< see broker::Published; false again once it was said to be routed
};
/// The owner of the topic has the message.
struct HandedOver {
    Ticket ticket{};
    std::size_t topic = 0;  ///< hash
    bool repeatable = false;
    bool routed = false;  ///< Answer::routed came
};
/// A delivery that may be forgotten once another shard has the message.
struct Orphan {
    std::uint64_t delivery = 0;
};
struct SubscribeWait {
    broker::FenceId fence{};
};
/// Where a query was sent. Its pool may be stopped before it answers: then the one that took its
/// place is asked.
struct Target {
    PluginPtr plugin;
    std::size_t pool = 0;
    store::RuleContext* rule = nullptr;
};
struct RetainedWait {
    broker::FenceId fence{};
    TopicFilter filter;
    Target asked;
};
struct FetchWait {
    broker::FenceId fence{};
    PluginPtr asked;
    TopicFilter filter;
};
/// A page that may be looked at when the live copies of its messages are here (Mark).
struct PageWait {
    broker::FenceId fence{};
    std::vector<MessagePtr> page;
    std::optional<std::string> next;
    std::size_t open = 0;
};
/// Where the pages of a fence come from.
struct FetchSource {
    PluginPtr plugin;
    hooks::FetchPlan plan;
    store::Token asked = 0;  ///< the page that is under way
    broker::Fetch page;
};
struct LookupWait {
    ClientId client;
    Target asked;
};

using Wait = std::variant<std::monostate,
                          PublishWait,
                          HandedOver,
                          Orphan,
                          SubscribeWait,
                          RetainedWait,
                          FetchWait,
                          PageWait,
                          LookupWait>;

/// What waits for a change of this shard on behalf of another one, or of a PublishWait here.
struct Owed {
    std::uint64_t after = 0;
    Reply reply;
};

/// A message that is not repeatable any more once a change is durable.
struct Ending {
    std::uint64_t after = 0;
    MessageId id;
};

/// Waits by token. A token is a place and a generation, so a late answer finds nothing.
class Pending {
  public:
    [[nodiscard]] store::Token add(Wait wait) {
        std::uint32_t index = 0;
        if (free_.empty()) {
            index = static_cast<std::uint32_t>(places_.size());
            places_.emplace_back();
        } else {
            index = free_.back();
            free_.pop_back();
        }
        places_[index].wait = std::move(wait);
        return (static_cast<store::Token>(places_[index].generation) << 32U) | index;
    }

    [[nodiscard]] Wait* find(store::Token token) {
        const auto index = static_cast<std::uint32_t>(token);
        if (index >= places_.size() ||
            places_[index].generation != static_cast<std::uint32_t>(token >> 32U))
            return nullptr;
        return &places_[index].wait;
    }

    void erase(store::Token token) {
        const auto index = static_cast<std::uint32_t>(token);
        places_[index].wait = std::monostate{};
        ++places_[index].generation;
        free_.push_back(index);
    }

    [[nodiscard]] std::size_t size() const { return places_.size() - free_.size(); }

  private:
    struct Place {
        Wait wait;
        std::uint32_t generation = 1;
    };
    std::vector<Place> places_;
    std::vector<std::uint32_t> free_;
};

}  // namespace keepmq::runtime
