#pragma once
// A load scenario against an MQTT broker and what came of it. Blocking; one thread.

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "model/ids.hpp"

namespace keepmq::load {

struct Scenario {
    std::string host = "127.0.0.1";  ///< address literal
    std::uint16_t port = 1883;
    int version = 4;  ///< 3, 4 or 5
    std::size_t publishers = 50;
    std::size_t subscribers = 1;
    /// `%i` is the number of the publisher.
    std::string topic = "bench/%i";
    /// `%i` is the number of the subscriber.
    std::string filter = "bench/#";
    Qos qos = Qos::at_most_once;
    std::size_t payload = 64;  ///< bytes, at least 8
    std::size_t window = 20;   ///< per publisher: sent and not yet settled
    double rate = 0;           ///< messages/s over all publishers; 0: as fast as the window allows
    std::chrono::milliseconds warm_up{500};
    std::chrono::milliseconds duration{5000};
    std::string client_prefix = "bench";
    bool clean_start = true;
};

struct Report {
    double seconds = 0;
    std::uint64_t published = 0;  ///< sent (QoS 0) or acknowledged (QoS 1, 2) in that time
    std::uint64_t received = 0;
    std::uint64_t refused = 0;  ///< acknowledged with an error
    std::uint64_t disconnects = 0;
    /// Microseconds; to the subscriber, or to the acknowledgement when there is none.
    std::uint64_t latency_p50 = 0;
    std::uint64_t latency_p99 = 0;
    std::uint64_t latency_max = 0;
    double client_cpu_seconds = 0;

    [[nodiscard]] std::string to_json(const Scenario& scenario) const;
};

/// A report, or why the scenario could not run.
[[nodiscard]] std::variant<Report, std::string> run(const Scenario& scenario);

/// `count` idle connections, opened and closed again as fast as the broker takes them, or held for
/// `duration`; connections per second in the report's `published`.
[[nodiscard]] std::variant<Report, std::string> run_connections(const Scenario& scenario,
                                                                std::size_t count);

/// The command line of `keepmq bench`. Exit code.
int run_command(std::span<const std::string_view> arguments, std::ostream& out, std::ostream& err);

}  // namespace keepmq::load
