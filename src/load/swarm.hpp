#pragma once
// Many connections of one thread: they connect, subscribe, and wait together.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "load/client.hpp"
#include "load/clock.hpp"

namespace keepmq::load {

/// How all connections of a run greet the broker.
struct Login {
    Endpoint endpoint;
    mqtt::ProtocolVersion version = mqtt::ProtocolVersion::v3_1_1;
    std::optional<std::string> username;
    std::optional<std::string> password;
    /// Seconds; the swarm pings. Not 0 by itself: some brokers refuse that.
    std::uint16_t keep_alive = 300;
};

struct Subscription {
    std::string filter;
    Qos qos = Qos::at_most_once;
};

/// One client. Belongs to a Swarm.
struct Member {
    enum class State : std::uint8_t { closed, connecting, subscribing, up };

    std::size_t number = 0;  ///< in the swarm
    std::string client_id;
    std::optional<Subscription> subscription;  ///< made after CONNACK
    bool clean_start = true;  ///< false: also, the session stays when the connection ends
    State state = State::closed;
    Client client;
    std::uint16_t receive_maximum = 65'535;  ///< the broker's
    Micros due = 0;                          ///< when it was to connect
    bool is_touched = false;
    bool awaits_room = false;  ///< the socket did not take all
};

/// Who gets what comes. `now` is when it was read.
class SwarmListener {
  public:
    virtual ~SwarmListener() = default;
    /// CONNACK, and SUBACK if it subscribes, were good.
    virtual void on_up(Member& /*member*/, Micros /*now*/) {}
    /// Whatever is not part of that. May come before `on_up`: a session has waiting messages.
    virtual void on_frame(Member& member, const Frame& frame, Micros now) = 0;
    /// Refused, or the connection ended without `close`. `why` is for a person.
    virtual void on_lost(Member& /*member*/, const std::string& /*why*/) {}
};

/// Owner of connections and epoll. Single thread.
class Swarm {
  public:
    explicit Swarm(Login login);
    ~Swarm();
    Swarm(const Swarm&) = delete;
    Swarm& operator=(const Swarm&) = delete;

    Member& add(std::string client_id, std::optional<Subscription> subscription = std::nullopt);
    [[nodiscard]] Member& operator[](std::size_t number) { return *members_[number]; }
    [[nodiscard]] std::size_t size() const { return members_.size(); }

    /// Opens the connection of a closed member. A failure shows in `wait`.
    void begin(Member& member);
    /// Says goodbye and closes; with MQTT 5 a session that was to stay ends if `end_session`.
    void close(Member& member, bool end_session = false);
    /// Connects `count` members from `first` on, a number of them at a time. Empty, or why one
    /// could not; the others are left as they are.
    [[nodiscard]] std::string join(std::size_t first, std::size_t count, SwarmListener& listener);
    /// There is something to send in `member.client.out()`.
    void touch(Member& member) {
        if (!member.is_touched) {
            member.is_touched = true;
            touched_.push_back(&member);
        }
    }
    /// Sends what was written since the last time, waits for more until `until` (not at all when
    /// that has passed) and hands it on.
    void wait(Micros until, SwarmListener& listener);

    /// Members between `begin` and `on_up`.
    [[nodiscard]] std::size_t joining() const { return joining_; }
    [[nodiscard]] std::size_t up() const { return up_; }

  private:
    void ping_when_due(Micros now);
    void flush(SwarmListener& listener);
    void read(Member& member, SwarmListener& listener);
    void on_frame(Member& member, const Frame& frame, Micros now, SwarmListener& listener);
    void on_connack(Member& member, const Frame& frame, Micros now, SwarmListener& listener);
    void on_suback(Member& member, const Frame& frame, Micros now, SwarmListener& listener);
    void set_state(Member& member, Member::State state);
    void watch(Member& member, int operation) const;
    void lose(Member& member, const std::string& why, SwarmListener& listener);

    Login login_;
    int epoll_;
    std::vector<std::unique_ptr<Member>> members_;
    std::vector<Member*> touched_;
    std::vector<Member*> flushing_;
    std::vector<std::pair<Member*, std::string>> failed_;  ///< could not even begin
    Micros next_ping_ = 0;
    std::size_t joining_ = 0;
    std::size_t up_ = 0;
    mqtt::Packet packet_;
};

}  // namespace keepmq::load
