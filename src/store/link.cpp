#include "store/link.hpp"

#include <algorithm>
#include <utility>

namespace keepmq::store {
namespace {

constexpr std::chrono::milliseconds longest_wait_with_work{800};

}  // namespace

Link::Link(std::unique_ptr<Connection> connection,
           const PoolSettings& settings,
           Health& health,
           std::size_t number)
    : connection_{std::move(connection)},
      settings_{settings},
      health_{health},
      number_{number},
      random_{std::random_device{}()} {}

SteadyTime Link::due_when_waiting() const {
    const bool needs_a_person =
        last_failure_.code == errc::access_denied || last_failure_.code == errc::schema_mismatch;
    return needs_a_person ? due_ : std::min(due_, failed_at_ + longest_wait_with_work);
}

bool Link::open() {
    if (auto failure = connection_->open()) {
        failed_in_use_ = false;
        schedule(std::move(*failure));
        return false;
    }
    open_ = true;
    if (!failed_in_use_)
        health_.works(number_);
    return true;
}

void Link::succeeded() {
    if (failures_ == 0)
        return;
    failures_ = 0;
    failed_in_use_ = false;
    health_.works(number_);
}

void Link::failed(Failure why) {
    // A lost connection is repaired by the next `open`; a full disk shows only when used.
    failed_in_use_ = why.code != errc::connection_lost && why.code != errc::unreachable;
    open_ = false;
    schedule(std::move(why));
}

void Link::schedule(Failure why) {
    ++failures_;
    failed_at_ = std::chrono::steady_clock::now();
    // The usual first failure is a connection that the server closed while it was idle.
    if (failures_ == 1 && why.code == errc::connection_lost) {
        due_ = failed_at_;
    } else {
        constexpr unsigned most_doublings = 20;
        const auto doubled =
            settings_.retry_first * (1U << std::min(failures_ - 1, most_doublings));
        const std::chrono::duration<double, std::milli> limit =
            std::min(doubled, settings_.retry_limit);
        const double jitter = std::uniform_real_distribution{0.75, 1.0}(random_);
        due_ = failed_at_ + std::chrono::duration_cast<SteadyTime::duration>(limit * jitter);
    }
    health_.fails(number_, why, failures_);
    last_failure_ = std::move(why);
}

}  // namespace keepmq::store
