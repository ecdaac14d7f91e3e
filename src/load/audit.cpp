#include "load/audit.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ostream>

#include "load/audit_producer.hpp"
#include "load/audit_reader.hpp"

namespace keepmq::load {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto start_limit = 30s;

LatencySummary summary(const Latencies& latencies) {
    return {latencies.quantile(0.5), latencies.quantile(0.99), latencies.max()};
}

}  // namespace

class Audit::Impl {
  public:
    Impl(const AuditPlan& plan, Ledger& ledger, std::ostream* log)
        : plan_{plan}, ledger_{ledger}, log_{log}, epoll_{::epoll_create1(EPOLL_CLOEXEC)} {
        for (std::size_t i = 0; i < plan.subscribers; ++i)
            readers_.push_back(std::make_unique<AuditReader>(plan, i, delivery_latencies_));
        for (std::size_t i = 0; i < plan.publishers; ++i)
            producers_.push_back(std::make_unique<Producer>(plan, i, ledger, ack_latencies_));
        for (const auto& each : readers_) peers_.push_back(each.get());
        for (const auto& each : producers_) peers_.push_back(each.get());
    }
    ~Impl() { ::close(epoll_); }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    std::string run(const StopRequests& stop_requests, const OnProgress& on_progress) {
        on_progress_ = &on_progress;
        stop_requests_ = &stop_requests;
        if (!step_until([&] { return all_ready() || stop_requests() > 0; }, start_limit))
            return "not all clients could connect: " + trouble();
        const auto begin = Clock::now();
        next_due_ = static_cast<double>(steady_micros());
        while (!is_published(begin) && stop_requests() == 0) {
            fill();
            step();
        }
        figures_.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
        (void)step_until([&] { return all_idle(); }, plan_.finish);
        if (!readers_.empty())
            (void)step_until([&] { return all_delivered(); }, plan_.settle);
        finish();
        return {};
    }

    [[nodiscard]] const AuditFigures& figures() const { return figures_; }

    [[nodiscard]] DeliveryVerdict deliveries(const Judge& stored) const {
        DeliveryVerdict sum;
        for (const auto& each : readers_) sum.add(each->tally().verdict(ledger_, stored));
        return sum;
    }

  private:
    template <class Condition>
    [[nodiscard]] bool step_until(const Condition& condition, Clock::duration limit) {
        const auto deadline = Clock::now() + limit;
        while (!condition()) {
            if (Clock::now() > deadline || (*stop_requests_)() > 1)
                return false;
            step();
        }
        return true;
    }

    /// Lets everything happen that can happen within a millisecond.
    void step() {
        tick();
        // The log first: what it says was sent may not have left, but not the other way round.
        if (log_ != nullptr)
            log_->flush();
        for (auto* peer : peers_) peer->flush();
        std::array<epoll_event, 256> events;
        const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 1);
        for (int i = 0; i < count; ++i)
            peers_[events[static_cast<std::size_t>(i)].data.u64]->on_readable();
    }

    void tick() {
        const auto now = Clock::now();
        if (now < next_tick_)
            return;
        next_tick_ = now + 20ms;
        for (std::size_t i = 0; i < peers_.size(); ++i) {
            if (!peers_[i]->tick(now))
                continue;
            epoll_event event{};
            event.events = EPOLLIN;
            event.data.u64 = i;
            ::epoll_ctl(epoll_, EPOLL_CTL_ADD, peers_[i]->client().socket(), &event);
        }
        if (now >= next_report_) {
            next_report_ = now + 1s;
            (*on_progress_)(progress());
        }
    }

    [[nodiscard]] AuditProgress progress() const {
        const auto connected = static_cast<std::size_t>(
            std::ranges::count_if(peers_, [](const Peer* each) { return each->is_up(); }));
        return {ledger_.sends(), ledger_.acked(), received(), connected, trouble()};
    }

    [[nodiscard]] std::uint64_t received() const {
        std::uint64_t sum = 0;
        for (const auto& each : readers_) sum += each->deliveries();
        return sum;
    }

    [[nodiscard]] std::string trouble() const {
        for (const auto* each : peers_)
            if (!each->is_up() && !each->trouble().empty())
                return each->trouble();
        return {};
    }

    [[nodiscard]] bool all_ready() const {
        return std::ranges::all_of(producers_, [](const auto& each) { return each->is_up(); }) &&
               std::ranges::all_of(readers_,
                                   [](const auto& each) { return each->is_subscribed(); });
    }

    [[nodiscard]] bool all_idle() const {
        return std::ranges::all_of(producers_, [](const auto& each) { return each->is_idle(); });
    }

    /// Looks now and then. How long nothing came says nothing: a spool that drains holds up all
    /// that is behind it.
    [[nodiscard]] bool all_delivered() {
        const auto now = Clock::now();
        if (now < next_look_)
            return false;
        next_look_ = now + 100ms;
        return std::ranges::all_of(
            readers_, [&](const auto& each) { return each->tally().complete(ledger_); });
    }

    [[nodiscard]] bool is_published(Clock::time_point begin) const {
        if (plan_.duration > 0ms && Clock::now() - begin > plan_.duration)
            return true;
        return std::ranges::all_of(producers_, [](const auto& each) { return each->is_done(); });
    }

    /// Publishes what windows and pace allow.
    void fill() {
        const auto now = steady_micros();
        const double interval = plan_.rate > 0 ? 1e6 / plan_.rate : 0;
        // Without a pace each producer fills its window; one that cannot publish is passed over.
        for (std::size_t passed = 0; passed < producers_.size();) {
            if (interval > 0 && next_due_ > static_cast<double>(now))
                return;
            auto& producer = *producers_[turn_++ % producers_.size()];
            if (!producer.can_publish()) {
                ++passed;
                continue;
            }
            producer.publish(now);
            next_due_ += interval;
            passed = 0;
        }
        // Nobody could: what was due in that time is not made up for in one burst.
        next_due_ = std::max(next_due_, static_cast<double>(now));
    }

    void finish() {
        figures_.ack = summary(ack_latencies_);
        figures_.delivery = summary(delivery_latencies_);
        for (const auto& each : producers_) figures_.unsettled += !each->is_idle();
        for (auto* each : peers_) {
            figures_.connections_lost += each->connections_lost();
            each->leave();
        }
        if (log_ != nullptr)
            log_->flush();
    }

    const AuditPlan& plan_;
    Ledger& ledger_;
    std::ostream* log_;
    int epoll_;
    Latencies ack_latencies_;
    Latencies delivery_latencies_;
    std::vector<std::unique_ptr<AuditReader>> readers_;
    std::vector<std::unique_ptr<Producer>> producers_;
    std::vector<Peer*> peers_;
    const OnProgress* on_progress_ = nullptr;
    const StopRequests* stop_requests_ = nullptr;
    AuditFigures figures_;
    std::size_t turn_ = 0;
    double next_due_ = 0;
    Clock::time_point next_tick_{};
    Clock::time_point next_report_{};
    Clock::time_point next_look_{};
};

Audit::Audit(const AuditPlan& plan, Ledger& ledger, std::ostream* log)
    : impl_{std::make_unique<Impl>(plan, ledger, log)} {}
Audit::~Audit() = default;

std::string Audit::run(const StopRequests& stop_requests, const OnProgress& on_progress) {
    return impl_->run(stop_requests, on_progress);
}

const AuditFigures& Audit::figures() const {
    return impl_->figures();
}

DeliveryVerdict Audit::deliveries(const Judge& stored) const {
    return impl_->deliveries(stored);
}

}  // namespace keepmq::load
