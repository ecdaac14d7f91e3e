#pragma once
// One shard: a thread with its own loop, broker and connections. It carries out the broker's
// effects: bytes go to sockets, events to the rules, operations to the pools, outcomes back.
//
// Everything here runs on the shard's thread, except `post`, `ask`, `completed` and what the
// session store calls. With several shards in a node each writes letters to the others
// (letters.cpp); one that is alone has no exchange and takes no part in that.

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <vector>

#include "broker/broker.hpp"
#include "config/settings.hpp"
#include "hooks/rules.hpp"
#include "net/connection.hpp"
#include "runtime/clients.hpp"
#include "runtime/exchange.hpp"
#include "runtime/gate.hpp"
#include "runtime/held_work.hpp"
#include "runtime/mailbox.hpp"
#include "runtime/pending.hpp"
#include "runtime/plugin.hpp"
#include "sessions/store.hpp"

namespace keepmq::runtime {

class Shard final : public net::ConnectionEvents,
                    public store::CompletionSink,
                    public sessions::CommitSink {
  public:
    Shard(const config::Settings& settings, MessageIdSource ids, std::uint64_t seed);
    Shard(const Shard&) = delete;
    Shard& operator=(const Shard&) = delete;
    ~Shard() override;

    /// Binds; an error names the address. Before `start`.
    [[nodiscard]] ErrorCode add_listener(const std::string& name,
                                         const std::string& host,
                                         std::uint16_t port,
                                         std::size_t max_connections);
    [[nodiscard]] const std::vector<ListenerPort>& listeners() const { return listeners_; }

    /// It is one of several; before `start`. The siblings outlive it.
    void join(Siblings& siblings, std::size_t index);

    /// Starts the thread.
    void start();
    /// Until then clients wait: nobody may publish before the rules are there. The shard's thread.
    void start_accepting();
    [[nodiscard]] bool started() const { return thread_.joinable(); }
    /// Ends the loop and joins the thread. Any thread but the shard's.
    void stop();

    /// Runs on the shard's thread; after `stop` at once, on the caller's. Any thread.
    void post(std::function<void(Shard&)> work);
    /// Runs on the shard's thread and waits for the answer. Any thread but the shard's.
    template <class F>
    auto ask(F&& work) {
        using T = std::invoke_result_t<F, Shard&>;
        auto task = std::make_shared<std::packaged_task<T(Shard&)>>(std::forward<F>(work));
        auto answer = task->get_future();
        post([task](Shard& shard) { (*task)(shard); });
        return answer.get();
    }

    // --- on the shard's thread -------------------------------------------------------------------

    [[nodiscard]] broker::Broker& broker() { return broker_; }
    /// From now on the broker's state goes into the store, which outlives the shard; what that has
    /// of an earlier run comes back. After the first set_plugins, before start_accepting.
    void keep_sessions(sessions::Store& store,
                       std::vector<broker::Change> loaded,
                       broker::UsedNumbers used);
    void set_plugins(PluginList plugins);
    void set_settings(const config::Settings& settings);
    /// Writes and reads for this plugin's pools go into `work` until that is released: its
    /// predecessor drains. `release`: it was.
    void hold(const PluginPtr& plugin, const std::shared_ptr<HeldWork>& work);
    void release(const Plugin* plugin);
    /// A message of the broker itself ($SYS). Routed at once, no rules. With several shards: on the
    /// owner of the topic.
    void publish_internal(TopicName topic, std::string payload);
    /// A message whose session is gone, for the shared group; `delivery` is forgotten.
    void place(const MessagePtr& message, std::uint64_t group, std::uint64_t delivery);
    /// Reads what other shards wrote; how many letters that were.
    std::size_t take_letters();
    void stop_accepting();
    void shut_down_clients();
    /// Runs when all that waits now for the session store has gone to the pools; perhaps at once.
    void behind_gate(std::function<void()> work);
    [[nodiscard]] Now now() const { return now_; }
    /// After anything was handed to the broker.
    void carry_out();
    [[nodiscard]] std::uint64_t bytes_received() const { return context_.bytes_received; }
    [[nodiscard]] std::uint64_t bytes_sent() const { return context_.bytes_sent; }
    [[nodiscard]] std::size_t open_connections() const { return clients_.size(); }
    [[nodiscard]] std::size_t paused_connections() const { return paused_.size(); }
    [[nodiscard]] WallTime newest_id_time() const { return broker_.newest_id_time(); }
    /// Not read, or handed over and not answered.
    [[nodiscard]] std::size_t letters() const { return exchange_ ? exchange_->waiting() : 0; }

    // --- store::CompletionSink, any thread -------------------------------------------------------
    void completed(std::vector<store::Completed>&& batch) override;

    // --- sessions::CommitSink, the store's thread ------------------------------------------------
    void on_committed(std::uint64_t change) override;
    void on_commit_failed() override;

  private:
    struct Held {
        PluginPtr plugin;
        std::shared_ptr<HeldWork> work;
    };

    // net::ConnectionEvents
    [[nodiscard]] mqtt::DecodeOptions decode_options(ConnectionId id) override;
    void on_packet(ConnectionId id, const mqtt::Packet& packet) override;
    void on_refused(ConnectionId id,
                    const mqtt::Decoded& why,
                    std::optional<mqtt::ProtocolVersion> version) override;
    void on_closed(ConnectionId id) override;
    void on_writable(ConnectionId id) override;
    void on_gone(ConnectionId id) override;

    void accept(ListenerPort& port, boost::asio::ip::tcp::socket socket);
    void welcome(boost::asio::ip::tcp::socket socket, Place place, std::string received);
    void forget(ConnectionId id);
    void tick();
    void arm_timer();
    void schedule_flush();
    void flush();
    void write(ConnectionId id);
    void resume_paused();

    // effects (effects.cpp)
    void run(broker::Close& effect);
    void run(broker::Published& effect);
    void run(broker::Unplaced& effect);
    void run(broker::Occurred& effect);
    void run(broker::Subscribed& effect);
    void run(broker::Fetch& effect);
    void run(broker::GoOn& effect);
    void run(broker::FenceEnded& effect);
    void run(broker::PositionMoved& effect);
    /// Runs the rules and routes the message; this shard is the one that orders its topic.
    void publish(broker::Published& effect, Reply reply);
    void conclude(const PublishWait& settled);
    void submit(const PluginPtr& plugin, hooks::Write& write, store::Token token);
    void submit_all(const PluginPtr& plugin, std::vector<hooks::Write>& writes);
    /// The writes and lookups of one event of a client.
    void carry_out(const PluginPtr& plugin, hooks::ConnectPlan& plan, const ClientId& client);
    // Queries that outlive their pool (successor.cpp)
    void ask(FetchSource& source);
    void ask(const Target& target, broker::FenceId fence, const TopicFilter& filter);
    void ask(const Target& target, const ClientId& client);
    /// True if the query was refused because its pool was stopped, and another one is asked.
    [[nodiscard]] bool ask_successor(const Wait& wait, const store::Outcome& outcome);
    /// The fetches of a plugin that is replaced go on with its successor; of one that is unloaded
    /// they end.
    void hand_over_fetches();
    [[nodiscard]] bool hand_over(Target& target) const;
    [[nodiscard]] bool hand_over(FetchSource& source) const;
    void cancel(FetchSource& source);
    void query(const PluginPtr& plugin,
               std::size_t pool,
               store::Query query,
               store::Order order,
               store::RuleContext* rule,
               store::Token token);
    void submit_now(const PluginPtr& plugin, hooks::Write&& write, store::Token token);
    void query_now(const PluginPtr& plugin,
                   std::size_t pool,
                   store::Query&& query,
                   store::Order order,
                   store::RuleContext* rule,
                   store::Token token);
    [[nodiscard]] Held* held(const Plugin* plugin);
    [[nodiscard]] bool has_room(const PluginPtr& plugin, std::size_t pool);
    /// Stops reading a publisher until the stores have room and it has fewer open acknowledgements
    /// than the Receive Maximum, which clients before MQTT 5 do not know.
    void pause(ConnectionId publisher);

    // several shards (letters.cpp)
    [[nodiscard]] bool is_stored(std::string_view topic) const;
    [[nodiscard]] bool others_have_room() const;
    void bring_home(boost::asio::ip::tcp::socket socket,
                    Place place,
                    std::string received,
                    std::string_view client);
    void hand_over(broker::Published& effect);
    void publish_in_order(broker::Published& effect, Reply reply);
    /// To the sessions here and to those elsewhere. What has to be awaited for `wait` is added to
    /// the one behind `token`, which is made if it is 0; returns it.
    [[nodiscard]] store::Token spread(const MessagePtr& message,
                                      const PublishWait& wait,
                                      store::Token token);
    void place_elsewhere(Placement placement);
    void say_routed(PublishWait& wait);
    /// When all that was changed is durable.
    void say_unrepeatable(MessageId id);
    void say_unrepeatable_to_all(std::uint64_t committed);
    /// How many shards are asked.
    [[nodiscard]] std::size_t count_owners(const TopicFilter& filter) const;
    void ask_owners(const TopicFilter& filter, const std::function<Letter()>& make);
    void on_page(const FetchWait& wait, store::MessagePage& page);
    void read(Newcomer& letter);
    void read(HandOver& letter);
    void read(Part& letter);
    void read(Placement& letter);
    void read(Answer& letter);
    void read(Unrepeatable& letter);
    void read(FindRetained& letter);
    void read(RetainedFound& letter);
    void read(Mark& letter);
    void answer(Reply reply, mqtt::ReasonCode reason = mqtt::ReasonCode::success);
    /// Now, or when what was changed since `before` is durable.
    void answer_after(std::uint64_t before, Reply reply);
    void pay(std::uint64_t committed);

    // sessions (kept.cpp)
    void hand_over_changes();
    [[nodiscard]] bool sessions_have_room() const { return !sessions_ || sessions_->has_room(); }

    // outcomes (outcomes.cpp)
    void take_outcomes();
    void on_outcome(store::Completed& done);
    /// One less is awaited; after the last one the answer goes out.
    void one_done(store::Token token, PublishWait& wait, mqtt::ReasonCode reason);
    void one_done(store::Token token, mqtt::ReasonCode reason);
    void on_lookup(const ClientId& client, store::Outcome& outcome);

    void listen_to_hooks();

    config::Settings settings_;
    std::deque<ListenerCount> counts_;  ///< what waits in the loop is counted, too
    boost::asio::io_context loop_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    boost::asio::steady_timer timer_;
    boost::asio::steady_timer second_;
    std::optional<SteadyTime> armed_;
    std::thread thread_;
    std::mutex end_;      ///< between `post` and the end of the thread; after it, between callers
    bool ended_ = false;  ///< the thread; under end_
    Now now_;
    broker::Broker broker_;
    net::ReadContext context_{loop_};
    Clients clients_;
    std::unordered_map<ConnectionId, SteadyTime> paused_;  ///< since when
    std::vector<ListenerPort> listeners_;

    std::unique_ptr<Exchange> exchange_;  ///< null: the only shard
    std::vector<Letter> letters_;
    std::deque<Owed> owed_;
    std::deque<Ending> endings_;
    bool accepting_ = false;

    PluginList plugins_;
    std::vector<Held> held_;
    sessions::Store* sessions_ = nullptr;  ///< null: nothing survives a restart
    std::vector<broker::Change> changes_;
    Gate gate_;
    bool needs_identity_ = false;  ///< what comes now may not be stored before its identity is
    std::unordered_map<std::uint64_t, FetchSource> fetches_;  ///< by fence
    bool publish_listened_ = false;
    Pending pending_;

    std::vector<broker::Effect> effects_;
    std::vector<ConnectionId> dirty_;    ///< as the broker said, for the capacity
    std::vector<ConnectionId> closing_;  ///< to be closed by the next flush
    std::uint64_t clock_turn_ = 0;       ///< of the poller, when the clocks were read for packets
    hooks::PublishPlan publish_plan_;
    std::vector<hooks::Write> writes_;
    bool carrying_out_ = false;
    bool flush_scheduled_ = false;

    Mailbox<store::Completed> outcomes_;
};

}  // namespace keepmq::runtime
