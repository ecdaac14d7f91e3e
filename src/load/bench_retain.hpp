#pragma once
// `keepmq bench retain`: retained messages and who subscribes to them.

#include <chrono>
#include <memory>

#include "load/arrivals.hpp"
#include "load/bench.hpp"
#include "load/publishers.hpp"

namespace keepmq::load {

struct RetainSettings : BenchSettings {
    PublishPlan plan;
    std::uint64_t publishers = 10;
    std::uint64_t subscribers = 1;
    std::string filter;  ///< empty: the topic with `+` for its numbers
    Qos qos = Qos::at_least_once;
    bool keep = false;
    std::chrono::milliseconds timeout{10'000};

    RetainSettings();
    [[nodiscard]] std::string check();
};

[[nodiscard]] std::vector<Option> retain_options(RetainSettings& settings);

class RetainRun final : public SwarmListener {
  public:
    RetainRun(const RetainSettings& settings, Bench& bench);

    [[nodiscard]] BenchReport run();

    void on_frame(Member& member, const Frame& frame, Micros now) override;
    void on_lost(Member& member, const std::string& why) override;

  private:
    void remove_messages();

    const RetainSettings& settings_;
    Bench& bench_;
    Swarm swarm_;
    std::unique_ptr<Publishers> publishers_;
    std::unique_ptr<Arrivals> arrivals_;  ///< while subscribers are connected
    std::string trouble_;
};

[[nodiscard]] BenchReport run_retain(const RetainSettings& settings, Bench& bench);

}  // namespace keepmq::load
