#pragma once
// `keepmq bench replay`: subscribers that are away, and what they get when they come back.

#include <chrono>
#include <memory>

#include "load/arrivals.hpp"
#include "load/bench_pub.hpp"
#include "load/burst.hpp"
#include "load/publishers.hpp"

namespace keepmq::load {

struct ReplaySettings : BenchSettings {
    PublishPlan plan;
    std::uint64_t publishers = 50;
    std::uint64_t sessions = 1;
    std::string filter = "bench/#";         ///< `%i`: the session
    bool stored = false;                    ///< no sessions: the broker's database has the messages
    std::chrono::milliseconds duration{0};  ///< of publishing; 0: until the limit
    std::chrono::milliseconds timeout{10'000};

    ReplaySettings() { plan.qos = Qos::at_least_once; }
    [[nodiscard]] std::string check();
};

[[nodiscard]] std::vector<Option> replay_options(ReplaySettings& settings);

class ReplayRun final : public SwarmListener {
  public:
    ReplayRun(const ReplaySettings& settings, Bench& bench);

    [[nodiscard]] BenchReport run();

    void on_frame(Member& member, const Frame& frame, Micros now) override;
    void on_lost(Member& member, const std::string& why) override;

  private:
    /// Subscribes once and leaves. Empty, or what went wrong.
    [[nodiscard]] std::string make_sessions();
    /// Whatever the broker kept for these client identifiers is gone.
    [[nodiscard]] std::string forget_sessions();
    void leave();
    [[nodiscard]] std::vector<Sequences> expected() const;

    const ReplaySettings& settings_;
    Bench& bench_;
    Swarm swarm_;
    std::unique_ptr<Publishers> publishers_;
    std::unique_ptr<Arrivals> arrivals_;  ///< after the sessions have left for the first time
    std::string trouble_;
};

[[nodiscard]] BenchReport run_replay(const ReplaySettings& settings, Bench& bench);

}  // namespace keepmq::load
