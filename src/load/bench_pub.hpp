#pragma once
// `keepmq bench pub` and `keepmq bench sub`.

#include <chrono>
#include <memory>

#include "load/bench.hpp"
#include "load/publishers.hpp"
#include "load/subscribers.hpp"

namespace keepmq::load {

struct PubSettings : BenchSettings {
    PublishPlan plan;
    std::uint64_t publishers = 50;
    std::uint64_t subscribers = 1;
    std::string filter = "bench/#";  ///< `%i`: the subscriber
    double interval = 0;             ///< ms between the messages of a publisher; 0: not said
    std::chrono::milliseconds warm_up{0};
    std::chrono::milliseconds duration{0};  ///< 0: 5 s, or until the limit is reached
    std::chrono::milliseconds finish{10'000};

    /// Fills in what was not said. Empty, or what does not fit together.
    [[nodiscard]] std::string check();
};

struct SubSettings : PubSettings {
    SubSettings() {
        publishers = 0;
        duration = std::chrono::seconds{10};
    }
};

[[nodiscard]] std::vector<Option> pub_options(PubSettings& settings);
[[nodiscard]] std::vector<Option> sub_options(SubSettings& settings);
[[nodiscard]] std::vector<Option> publish_options(PublishPlan& plan);

/// The work of `pub`, also a part of other commands: publishers on a swarm, with a window, a pace
/// and a limit, and what they count in a span of time.
class PubRun final : public SwarmListener {
  public:
    PubRun(const PubSettings& settings, Bench& bench);

    [[nodiscard]] BenchReport run();

    void on_frame(Member& member, const Frame& frame, Micros now) override;
    void on_lost(Member& member, const std::string& why) override;

  private:
    struct Counts {
        std::uint64_t published = 0;
        std::uint64_t received = 0;
        std::uint64_t refused = 0;
        std::uint64_t sent = 0;
    };

    [[nodiscard]] std::string connect();
    [[nodiscard]] Counts counts() const;
    /// Publishes until then, or until the limit is reached and all is answered.
    void publish_until(Micros end);
    void finish();
    [[nodiscard]] std::uint64_t deliveries_allowed() const;
    [[nodiscard]] std::uint64_t outstanding() const;
    [[nodiscard]] bool is_all_answered() const;
    [[nodiscard]] bool is_limit_reached() const;
    /// What the broker has dropped must not keep a window closed for ever.
    void forgive(Micros now);
    [[nodiscard]] std::string progress_line();
    [[nodiscard]] BenchReport report(const Counts& counted,
                                     double span,
                                     const Usage& before,
                                     const Usage& after);

    const PubSettings& settings_;
    Bench& bench_;
    Swarm swarm_;
    Subscribers subscribers_;
    std::unique_ptr<Publishers> publishers_;  ///< after `connect`
    std::uint64_t window_deliveries_ = 0;     ///< that all windows together cause; 0: not limited
    std::uint64_t lost_ = 0;
    std::uint64_t disconnects_ = 0;
    std::string trouble_;
    Counts shown_;
    std::uint64_t answers_ = 0;  ///< received and acknowledged, when last looked at
    Micros last_answer_ = 0;
    std::uint64_t behind_ = 0;
};

[[nodiscard]] BenchReport run_pub(const PubSettings& settings, Bench& bench);
[[nodiscard]] BenchReport run_sub(const SubSettings& settings, Bench& bench);

}  // namespace keepmq::load
