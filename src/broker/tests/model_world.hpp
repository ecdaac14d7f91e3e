#pragma once
// A broker, its clients, its database and its runtime, moved in random small steps. Every rule of
// the replay that is broken is reported as a failure of the running test.

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "broker/broker.hpp"
#include "broker/tests/model_client.hpp"
#include "broker/tests/model_store.hpp"

namespace keepmq::broker::model {

/// What one run is like. Drawn from its seed.
struct Climate {
    ReplayPlan::Mode mode = ReplayPlan::Mode::after_cursor;
    bool from_latest = false;
    bool overlapping_filters = false;
    bool unsubscribe_deletes = false;
    bool after_commit = false;  ///< delivery waits for the database
    bool deadlines = false;     ///< time moves past the fences' deadline
    bool short_queues = false;  ///< sessions lose messages
    bool short_fences = false;  ///< the buffer behind a fence overflows
    bool refusals = false;      ///< the database refuses some writes and fetches
    bool restarts = false;      ///< the broker's process dies
    bool qos0_subscribers = false;
    std::optional<std::uint64_t> max_returned_count;

    explicit Climate(Random& random);
    /// Messages of a topic can only come in store order. Not so when something was left to a later
    /// fetch: by a deadline, a limit, an initial position that was refused, or a fence that gave up
    /// what another subscription had been promised; nor in a queue, where one session gives back
    /// what another had been handed the rest of.
    [[nodiscard]] bool strict_order() const {
        return mode != ReplayPlan::Mode::queue && !deadlines && !short_queues &&
               !max_returned_count && !refusals && !(overlapping_filters && short_fences);
    }
    [[nodiscard]] std::string describe() const;
};

class World {
  public:
    /// `record`: keep the history.
    World(std::uint64_t seed, bool record);

    void run(std::size_t steps);
    /// Lets everything come to rest, brings every client back, and looks at what was promised.
    void finish();

    [[nodiscard]] bool failed() const { return !failure_.empty(); }
    [[nodiscard]] const std::string& failure() const { return failure_; }
    /// What happened, for a person.
    [[nodiscard]] const std::vector<std::string>& history() const { return history_; }
    [[nodiscard]] const Climate& climate() const { return climate_; }
    [[nodiscard]] std::uint64_t delivered() const { return delivered_; }

  private:
    void start_broker();
    void step();

    // What clients do.
    void connect(Client& client, bool clean, bool lasting);
    void disconnect(Client& client);
    void subscribe(Client& client, const std::vector<std::string>& filters);
    void start_over(Client& client,
                    const std::string& wildcard,
                    const std::vector<std::string>& together_with);
    void unsubscribe(Client& client, const std::string& filter);
    void subscription_is_refused(Client& client, const std::string& filter);
    void subscription_ends(Client& client, const std::string& filter);
    void publish(Client& client);
    void acknowledge(Client& client, std::size_t which);
    void read_some(Client& client, std::size_t bytes);
    void send(Client& client, const mqtt::Packet& packet);

    // What clients read.
    void on_packet(Client& client, const mqtt::Packet& packet);
    void on_publish(Client& client, const mqtt::Publish& packet);
    void check_fresh(Client& client, const mqtt::Publish& packet, Published& published, Uid uid);
    void check_lease(Client& client, const Published& published, Uid uid);

    // What runtime does.
    void carry_out();
    void run(const Close& effect);
    void run(const broker::Published& effect);
    void run(const broker::Unplaced& /*effect*/) {}
    void run(const Occurred& effect);
    void run(const Subscribed& effect);
    void run(const Fetch& effect);
    void run(const GoOn& effect) { going_on_.push_back(effect.fence); }
    void run(const FenceEnded& effect);
    void run(const PositionMoved& effect);
    void may_come_again(Client& who, const std::string& topic, std::uint64_t position);
    void route(Uid uid);
    bool tell_outcome();
    bool tell_go_on();
    void tell_stored(const Write& write);
    void tell_initial(const Write& write);
    bool tell_page();
    void pass_time(std::chrono::milliseconds time);
    void restart();
    bool move_everything();
    void come_to_rest();

    /// Sessions that last get what they were promised without another SUBSCRIBE.
    void come_back();
    void check_promises(bool of_sessions_only = false);
    void check_queue_is_empty();

    Client& client(const ClientId& id);
    std::size_t number_of(const Client& client) const {
        return static_cast<std::size_t>(&client - clients_.data());
    }
    void forget_session(Client& client);
    template <class Line>
    void note(const Line& line) {
        if (record_)
            history_.push_back(line());
    }
    void fail(std::string what);
    std::size_t below(std::size_t limit) { return model::below(random_, limit); }
    bool chance(unsigned percent) { return model::chance(random_, percent); }

    Random random_;
    Climate climate_;
    Limits limits_;
    Store store_;
    std::unique_ptr<Broker> broker_;
    Now now_;
    std::vector<Client> clients_;
    std::vector<std::string> topics_;
    std::vector<broker::Effect> effects_;
    std::map<Uid, Published> published_;
    std::map<MessageId, Uid> by_id_;
    std::map<std::string, std::uint64_t> places_;  ///< by topic
    std::map<std::pair<std::string, std::string>, std::uint64_t>
        moved_;  ///< by client and topic: place
    struct Handed {
        std::size_t client;
        Uid uid;
        auto operator<=>(const Handed&) const = default;
    };
    std::deque<FenceId> going_on_;
    std::set<FenceId> fetching_;     ///< fences whose plan has a fetch
    std::map<Handed, bool> handed_;  ///< by a page, and whether at least once nobody else held it
    Uid last_uid_ = 0;
    std::uint64_t delivered_ = 0;
    bool draining_ = false;
    bool record_;
    std::set<ConnectionId> closing_;  ///< the client said DISCONNECT
    std::string failure_;
    std::vector<std::string> history_;
};

}  // namespace keepmq::broker::model
