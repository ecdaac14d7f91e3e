#pragma once
// Clients that publish: as fast as their windows allow, or at a pace.

#include <string>
#include <vector>

#include "load/latencies.hpp"
#include "load/stamp.hpp"
#include "load/swarm.hpp"

namespace keepmq::load {

struct PublishPlan {
    std::string topic = "bench/%i";  ///< `%i`: the publisher, `%n`: the message, both from 0
    Qos qos = Qos::at_most_once;
    std::size_t size = 64;  ///< of the payload; with less than Stamp::size nothing can be measured
    bool retain = false;
    /// Of a publisher: sent and not acknowledged. QoS 0: how many are sent at a time.
    std::size_t window = 20;
    double rate = 0;          ///< messages/s of all together; 0: as fast as it goes
    std::uint64_t limit = 0;  ///< messages of all together; 0: no limit
};

/// Packet identifiers of one publisher, and when their messages were due. The identifier that
/// became free last is used first: what is touched stays small.
class OpenMessages {
  public:
    void reset(std::size_t window);
    [[nodiscard]] std::size_t room() const { return free_.size(); }
    [[nodiscard]] std::size_t count() const { return due_.size() - free_.size(); }
    [[nodiscard]] mqtt::PacketId take(Micros due);
    /// When it was due; nothing if the identifier is not in use.
    [[nodiscard]] std::optional<Micros> settle(mqtt::PacketId id);

  private:
    std::vector<mqtt::PacketId> free_;
    std::vector<Micros> due_;  ///< by identifier - 1; -1: not in use
};

/// Works on `count` members of a swarm from `first` on, which are up. A paced message that finds no
/// room waits, and stays due when it was: its latency counts from then. Single thread.
class Publishers {
  public:
    Publishers(Swarm& swarm, const PublishPlan& plan, std::size_t first, std::size_t count);

    /// The topics, by publisher (`%n` stays).
    [[nodiscard]] std::string topic(std::size_t publisher) const;
    /// Deliveries that a message of each publisher causes; 0 if not said.
    void set_copies(std::vector<std::uint64_t> copies) { copies_ = std::move(copies); }

    /// From now on the pace counts.
    void begin(Micros now);
    /// Publishes what windows, pace and limit allow, and at most so much that `deliveries` more
    /// follow. When there is more to do at the soonest: now, the next due time, or `never` until
    /// something comes.
    static constexpr Micros never = INT64_MAX;
    [[nodiscard]] Micros fill(Micros now, std::uint64_t deliveries);
    /// Whether the last `fill` was held up by `deliveries`.
    [[nodiscard]] bool is_held_up() const { return held_up_; }
    /// An acknowledgement came.
    void on_frame(Member& member, const Frame& frame, Micros now);

    [[nodiscard]] bool is_limit_reached() const { return plan_.limit > 0 && sent_ >= plan_.limit; }
    [[nodiscard]] std::uint64_t sent() const { return sent_; }
    /// QoS 0: sent.
    [[nodiscard]] std::uint64_t acknowledged() const { return acknowledged_; }
    [[nodiscard]] std::uint64_t refused() const { return refused_; }
    [[nodiscard]] std::uint64_t expected_deliveries() const { return expected_; }
    [[nodiscard]] std::uint64_t open() const;
    /// Of each publisher, what was sent: numbers from 0.
    [[nodiscard]] std::vector<std::uint64_t> numbers() const;
    /// Messages that were due by then and could not be sent.
    [[nodiscard]] std::uint64_t behind(Micros now) const;
    /// From the moment a message was due to its acknowledgement.
    [[nodiscard]] Latencies& latencies() { return latencies_; }

  private:
    struct Publisher {
        Member* member = nullptr;
        std::string packet;  ///< ready but for identifier and stamp
        std::size_t id_at = 0;
        std::size_t stamp_at = 0;
        std::uint64_t sent = 0;
        OpenMessages open;
    };

    [[nodiscard]] std::size_t room(const Publisher& publisher) const;
    [[nodiscard]] Micros due_of(std::size_t index) const;
    void encode(Publisher& publisher, const std::string& topic) const;
    void publish(std::size_t index, Micros due);

    Swarm& swarm_;
    PublishPlan plan_;
    std::size_t first_;
    std::vector<Publisher> publishers_;
    std::vector<std::uint64_t> copies_;
    std::vector<std::uint64_t> paced_from_;  ///< what each had sent when the pace began
    bool topic_changes_;
    std::size_t turn_ = 0;
    Micros begin_ = 0;
    bool held_up_ = false;
    std::uint64_t sent_ = 0;
    std::uint64_t acknowledged_ = 0;
    std::uint64_t refused_ = 0;
    std::uint64_t expected_ = 0;
    Latencies latencies_;
};

}  // namespace keepmq::load
