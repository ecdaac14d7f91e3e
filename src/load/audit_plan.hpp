#pragma once
// What an audit publishes, and the payload by which each message is known again.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/ids.hpp"

namespace keepmq::load {

/// Producers with an odd number publish with QoS 2 when it is `both`.
enum class AuditQos : std::uint8_t { one, two, both };

struct AuditPlan {
    std::string run;  ///< a word of letters, digits, `-` and `_` that no other run has
    std::string host = "127.0.0.1";  ///< address literal
    std::uint16_t port = 1883;
    int version = 5;  ///< 4 or 5
    std::size_t publishers = 50;
    AuditQos qos = AuditQos::both;
    std::size_t topics = 10;  ///< the messages of a producer go to them in turn
    /// `%r` is the run, `%t` the number of the topic.
    std::string topic = "audit/%r/%t";
    std::size_t payload = 64;               ///< bytes, at least
    std::size_t window = 20;                ///< per publisher: sent and not yet settled
    double rate = 0;                        ///< messages/s of all; 0: as fast as the window allows
    std::uint64_t count = 0;                ///< messages of each publisher; 0: no limit
    std::chrono::milliseconds duration{0};  ///< of publishing; 0: until it is asked to end
    std::chrono::milliseconds finish{60'000};  ///< for what is still open after that
    std::size_t subscribers = 0;               ///< each with a lasting session and all topics
    std::chrono::milliseconds settle{30'000};  ///< for subscribers and database to catch up
};

[[nodiscard]] Qos qos_of(const AuditPlan& plan, std::size_t producer);
[[nodiscard]] std::size_t topic_number(const AuditPlan& plan, std::uint64_t number);
[[nodiscard]] std::string topic_name(const AuditPlan& plan, std::size_t topic);
/// A filter that matches all topics of the plan; empty if `topic` has no level of its own for `%t`.
[[nodiscard]] std::string filter_of(const AuditPlan& plan);

/// One message of a run: producers and numbers count from 0.
struct AuditMark {
    std::size_t producer = 0;
    std::uint64_t number = 0;
    std::int64_t at = 0;  ///< when it was first sent: microseconds of a steady clock

    friend bool operator==(const AuditMark&, const AuditMark&) = default;
};

/// `RUN/producer/number/at/` and as many `x` as the plan's size needs.
[[nodiscard]] std::string payload_of(const AuditPlan& plan, const AuditMark& mark);
/// Nothing when it is not a payload that this plan writes, to the last byte.
[[nodiscard]] std::optional<AuditMark> read_payload(const AuditPlan& plan,
                                                    std::string_view payload);

}  // namespace keepmq::load
