#pragma once
// One shard's side of the others: its mailbox, whom a message concerns, and which topics of its
// clients another shard orders. Lives on the shard's thread, except `post`, which is the other
// shards' to call. A node with one shard has none.

#include <cstdint>
#include <functional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/limits.hpp"
#include "broker/peers.hpp"
#include "runtime/letters.hpp"
#include "runtime/mailbox.hpp"
#include "runtime/siblings.hpp"

namespace keepmq::broker {
struct Stats;
}

namespace keepmq::runtime {

class Exchange final : public broker::Peers {
  public:
    struct Ways {
        std::function<void()> wake;  ///< letters wait; any thread
        /// Whether a rule may store messages of the topic, so that its order must be that of a
        /// lane.
        std::function<bool(std::string_view topic)> stores;
    };
    Exchange(Siblings& siblings, std::size_t index, Ways ways);

    [[nodiscard]] std::size_t index() const { return index_; }
    [[nodiscard]] std::size_t shards() const { return siblings_.count; }
    [[nodiscard]] std::size_t shard_of(std::string_view name) const {
        return siblings_.shard_of(name);
    }
    [[nodiscard]] SharedLeases& leases() { return siblings_.leases; }
    [[nodiscard]] SharedRegistry& groups() { return siblings_.groups; }

    void send(std::size_t shard, Letter letter) {
        siblings_.exchanges[shard]->post(std::move(letter));
    }
    void take(std::vector<Letter>& letters) { mailbox_.take(letters); }
    /// Letters that were not read, and messages that were handed over and not answered.
    [[nodiscard]] std::size_t waiting() const { return mailbox_.size() + handed_over_; }
    /// False: publishers should pause until the other shards have read what waits for them.
    [[nodiscard]] bool has_room() const;
    /// Messages that were handed over and not answered.
    [[nodiscard]] std::size_t handed_over() const { return handed_over_; }

    /// Whom the message concerns, besides the sessions here that match it.
    struct Other {
        std::size_t shard = 0;
        bool lasting = false;  ///< a session that survives a restart may keep it
        std::vector<std::uint64_t> groups;
    };
    struct Audience {
        std::vector<std::uint64_t> groups;  ///< that were chosen for this shard
        std::vector<Other> others;
    };
    /// Into an Audience that is valid until the next call.
    [[nodiscard]] Audience& audience_of(const Message& message, broker::SharedStrategy strategy);

    /// While a message is with the topic's owner, those behind it go the same way.
    void sets_out(std::string_view topic);
    void came_back(std::size_t topic_hash);
    [[nodiscard]] static std::size_t hash_of(std::string_view topic) {
        return std::hash<std::string_view>{}(topic);
    }

    /// What the limits of the node are held against.
    void show(const broker::Stats& stats);

    // broker::Peers
    [[nodiscard]] bool is_elsewhere(const Message& message) override;
    [[nodiscard]] bool owns(std::string_view topic) const override {
        return shard_of(topic) == index_;
    }
    [[nodiscard]] bool is_home(std::string_view client) const override {
        return shard_of(client) == index_;
    }
    [[nodiscard]] Totals others() const override;
    void wants(Of whom, std::string_view filter) override { interest(whom).add(filter); }
    void wants_no_more(Of whom, std::string_view filter) override { interest(whom).remove(filter); }
    [[nodiscard]] std::uint64_t joined(std::string_view group,
                                       std::string_view filter,
                                       bool connected) override {
        return siblings_.groups.join(index_, group, filter, connected);
    }
    void left(std::uint64_t group, bool connected) override {
        siblings_.groups.leave(index_, group, connected);
    }
    void member_connected(std::uint64_t group) override {
        siblings_.groups.connected(index_, group, 1);
    }
    void member_disconnected(std::uint64_t group) override {
        siblings_.groups.connected(index_, group, -1);
    }

  private:
    void post(Letter&& letter);
    [[nodiscard]] Interest& interest(Of whom) {
        return (whom == Of::any ? siblings_.all : siblings_.lasting)[index_];
    }

    Siblings& siblings_;
    const std::size_t index_;
    const Ways ways_;
    Mailbox<Letter> mailbox_;
    std::unordered_map<std::size_t, std::size_t> under_way_;  ///< messages by hash of the topic
    std::size_t handed_over_ = 0;
    Audience audience_;
    std::vector<SharedRegistry::Choice> choices_;
};

}  // namespace keepmq::runtime
