#pragma once
// From SUBSCRIBE to "everything stored was handed over": fences, SUBACK, retained messages, pages
// of stored messages, and the read positions. Shard-local. See docs/architecture.md.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/time.hpp"
#include "broker/broker.hpp"
#include "broker/router.hpp"
#include "broker/session.hpp"
#include "broker/slot_map.hpp"

namespace keepmq::broker {

struct Core;

class Replay {
  public:
    explicit Replay(Core& core) : core_{core} {}

    enum class Opening : std::uint8_t {
        first,     ///< the session did not have the subscription
        repeated,  ///< SUBSCRIBE for one that it has
        resumed,   ///< the session comes back, and something stored was left out
    };
    /// A subscription took effect: opens its fence and raises Subscribed. `suback` waits for it.
    void open(Session& session,
              const Subscription& subscription,
              Opening opening,
              const std::shared_ptr<PendingSuback>& suback,
              std::size_t entry,
              Now now);
    /// All entries were looked at: sends SUBACK if nothing is to be awaited.
    void all_opened(PendingSuback& suback, Now now);
    /// The subscription is gone, or its session when `filter` is absent.
    void drop(Session& session, std::string_view as_subscribed, Now now);
    void drop_all(Session& session);

    void on_plan(FenceId id, const ReplayPlan& plan, Now now);
    void on_write(FenceId id, bool ok, Now now);
    void on_retained(FenceId id, std::vector<MessagePtr> found, Now now);
    void on_fetched(FenceId id,
                    std::vector<MessagePtr> page,
                    std::optional<std::string> next,
                    Now now);
    void on_fetch_failed(FenceId id, Now now);
    void on_deadline(const Timers::Entry& due, Now now);

    /// Whether a fence of the session keeps the live message back; `match` as for deliver_live.
    [[nodiscard]] bool hold(Session& session, const MessagePtr& message, const Match* match);
    /// Whether a subscription of the session replays the topic.
    [[nodiscard]] static bool replays(const Session& session, std::string_view topic) {
        return owner(session, topic) != nullptr;
    }
    /// Names of the subscriptions that have something stored to bring: it was dropped, or not read
    /// to its end.
    [[nodiscard]] static std::unordered_set<std::string_view> with_holes(const Session& session);
    /// A session that came back opened fences: what waits in its queue for them goes behind them.
    void hold_again(Session& session);
    /// What the fences hold need not survive a restart any more.
    void forget_held(Session& session);
    /// The stored message is the next one of its topic for the session. True if an earlier one is
    /// missing, so that it should wait for that if it can.
    bool registered(Session& session, const Message& message);
    /// The session has the message already: it takes its place in the read position, no more.
    void passed_over(Session& session, const Message& message, Qos granted);
    /// It was dropped although the session should have it.
    void lost(Session& session, const Message& message);
    /// A delivery from before a restart has its place in the read position.
    void restored(Session& session, const Message& message, bool leased);
    /// Positions under a subscription from before a restart stand still until `open`: what was
    /// dropped before it is not known any more.
    static void await_reopening(Session& session, const Subscription& subscription);
    /// It is acknowledged, or deliberately not delivered.
    void settled(Session& session, const Message& message);
    /// See GoOn.
    void go_on(FenceId id, Now now);
    /// Asks for pages if the session has room for them.
    void room(Session& session, Now now);
    /// Whether stored messages are counted as leased at all.
    [[nodiscard]] bool leasing() const;

  private:
    struct Found {
        Session* session = nullptr;
        OpenFence* fence = nullptr;
    };
    [[nodiscard]] Found find(FenceId id);
    [[nodiscard]] static OpenFence* find(Session& session, std::string_view as_subscribed);

    // Opening and closing
    void advance(Session& session, OpenFence& fence, Now now);
    void entries_done(OpenFence& fence, Now now);
    void send_suback(PendingSuback& suback, Now now);
    /// One portion; true if it was the last one.
    [[nodiscard]] bool send_retained(Session& session, OpenFence& fence, Now now);
    [[nodiscard]] std::vector<MessagePtr> find_retained(OpenFence& fence, Now now) const;
    void deliver_retained(Session& session, OpenFence& fence, const MessagePtr& message, Now now);
    /// Ends the fence; what it held goes on.
    void close(Session& session, OpenFence& fence, bool complete, Now now);
    /// Ends the fence and returns what it held.
    [[nodiscard]] std::vector<MessagePtr> take_out(Session& session,
                                                   OpenFence& fence,
                                                   bool complete);
    void ended(const OpenFence& fence);
    void pass_on(Session& session, const std::vector<MessagePtr>& messages, Now now);
    void arm(OpenFence& fence, Now now);
    /// False if there is no room: it is dropped.
    bool hold_behind(Session& session, OpenFence& fence, const MessagePtr& message);
    /// What a fence holds for a session that survives a restart does, too (held.cpp).
    void keep_held(Session& session, const MessagePtr& message, const Match& match);
    void forget_held(Session& session, MessageId id);
    [[nodiscard]] static bool is_held(const Session& session, MessageId id);

    // Pages
    /// Fences with wildcards that overlap wait for this one.
    void go_first(Session& session, OpenFence& fence, Now now);
    void start_fetch(Session& session, OpenFence& fence, Now now);
    void request_page(Session& session, OpenFence& fence, Now now);
    void deliver_page(Session& session, OpenFence& fence, const Fence::PageResult& page, Now now);
    /// Takes the lease of a row that nobody has in hands.
    [[nodiscard]] bool reserve(MessageId id, std::vector<MessageId>& reserved);
    /// Into match_. False for its own message and no-local.
    [[nodiscard]] bool is_wanted(const Session& session, const Message& message);
    void deliver_fetched(Session& session, const MessagePtr& message, Now now);

    // Positions
    /// A topic may be covered by several subscriptions that begin at different places in the store.
    /// Its position follows one of them: the topic's own, or else the oldest. What the fetch of
    /// another one brings is delivered, but fills no hole. Null if no subscription fetches.
    [[nodiscard]] static const Subscription* owner(const Session& session, std::string_view topic);
    [[nodiscard]] static bool owns(const Session& session,
                                   std::string_view as_subscribed,
                                   std::string_view topic);
    /// It was delivered before, or needs no delivery.
    [[nodiscard]] static bool is_over(const ReplayState& state, const Message& message);
    [[nodiscard]] TrackedTopic& topic(Session& session, std::string_view name);
    /// The positions that the fence covers stand still until `thaw`.
    static void freeze(Session& session, OpenFence& fence);
    void thaw(Session& session, FenceId id, bool complete);
    /// The fence ends before it read what it had given up: that is a hole for every subscription
    /// that covers it.
    static void left_to_nobody(Session& session, const OpenFence& fence);
    void forget_unsubscribed(Session& session);
    void moved(const Session& session, std::string_view topic, std::optional<MessageId> to);
    void tidy(Session& session);

    Core& core_;
    SlotMap<std::uint64_t> fences_;  ///< to the key of the session
    Match match_;
};

}  // namespace keepmq::broker
