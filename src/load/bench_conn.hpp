#pragma once
// `keepmq bench conn`: connections made, held, closed.

#include <chrono>
#include <vector>

#include "load/bench.hpp"
#include "load/subscribers.hpp"

namespace keepmq::load {

struct ConnSettings : BenchSettings {
    std::uint64_t connections = 1000;
    double rate = 0;                    ///< connects/s; 0: as fast as `at_once` allows
    std::uint64_t at_once = 100;        ///< under way at the same time
    std::optional<std::string> filter;  ///< each subscribes to it; `%i`: number of the connection
    Qos qos = Qos::at_most_once;
    std::uint64_t keep_alive = 300;
    bool churn = false;
    std::chrono::milliseconds duration{5000};

    [[nodiscard]] std::string check() const { return {}; }
};

[[nodiscard]] std::vector<Option> conn_options(ConnSettings& settings);

class ConnRun final : public SwarmListener {
  public:
    ConnRun(const ConnSettings& settings, Bench& bench);

    [[nodiscard]] BenchReport run();

    void on_up(Member& member, Micros now) override;
    void on_frame(Member& member, const Frame& frame, Micros now) override;
    void on_lost(Member& member, const std::string& why) override;

  private:
    /// Connects until all were tried (or `end`, with --churn, over and over).
    void connect(Micros end);
    void begin_due(Micros now);
    void hold();
    [[nodiscard]] Micros due_of(std::uint64_t index) const;
    [[nodiscard]] BenchReport report(double span,
                                     const Usage& before,
                                     const Usage& connected,
                                     const Usage& held);

    const ConnSettings& settings_;
    Bench& bench_;
    Swarm swarm_;
    Subscribers subscribers_{swarm_, 0};
    std::vector<Member*> leaving_;  ///< churn: connected, to be closed
    Micros begin_ = 0;
    std::uint64_t begun_ = 0;
    std::uint64_t connected_ = 0;
    std::uint64_t failed_ = 0;
    std::uint64_t held_ = 0;
    std::uint64_t shown_ = 0;
    std::string trouble_;
    Latencies latencies_;
};

[[nodiscard]] BenchReport run_conn(const ConnSettings& settings, Bench& bench);

}  // namespace keepmq::load
