#include "store/health.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/log.hpp"

namespace keepmq::store {
namespace {

const Log log{"store"};

constexpr unsigned busy_attempts = 3;
constexpr std::size_t said_limit = 20;

std::string describe(const Failure& why) {
    std::string text = make_error_code(why.code).message();
    if (!why.text.empty())
        text += ": " + why.text;
    return text;
}

bool is_loud(errc code) {
    return code == errc::access_denied || code == errc::schema_mismatch;
}

}  // namespace

Health::Health(std::string pool, std::string durability, std::size_t links, const PoolStats& stats)
    : pool_{std::move(pool)},
      durability_{std::move(durability)},
      stats_{stats},
      failing_(links, false) {}

void Health::works(std::size_t link) {
    const std::lock_guard lock{mutex_};
    failing_[link] = false;
    const PoolState before = state();
    if (before == PoolState::running || before == PoolState::stopped)
        return;
    if (std::ranges::find(failing_, true) != failing_.end())
        return;
    state_ = PoolState::running;
    said_.clear();
    if (before == PoolState::connecting) {
        log.info("pool {} is connected durability=\"{}\"", pool_, durability_);
        return;
    }
    const std::chrono::duration<double> down = std::chrono::steady_clock::now() - since_;
    log.info("pool {} is back after {:.1f} s, {} writes waiting",
             pool_,
             down.count(),
             stats_.queued.load(std::memory_order_relaxed));
}

void Health::fails(std::size_t link, const Failure& why, unsigned attempts) {
    const std::lock_guard lock{mutex_};
    last_error_ = describe(why);
    if (state() == PoolState::stopped || (why.code == errc::busy && attempts < busy_attempts))
        return;
    failing_[link] = true;
    say_failure(why);
}

void Health::say_failure(const Failure& why) {
    const bool is_news = state() != PoolState::degraded;
    if (is_news) {
        state_ = PoolState::degraded;
        since_ = std::chrono::steady_clock::now();
    }
    if (is_loud(why.code)) {
        // A write and a reconnect may say the same in turns, each in its own words.
        if (said_.size() < said_limit && std::ranges::find(said_, last_error_) == said_.end()) {
            said_.push_back(last_error_);
            log.error("pool {} does not work until this is corrected: {}", pool_, last_error_);
        }
    } else if (is_news) {
        log.warn("pool {} does not work, trying again: {}", pool_, last_error_);
    }
}

void Health::note(const Failure& why) {
    const std::lock_guard lock{mutex_};
    last_error_ = describe(why);
}

void Health::stopped() {
    const std::lock_guard lock{mutex_};
    state_ = PoolState::stopped;
}

std::string Health::last_error() const {
    const std::lock_guard lock{mutex_};
    return last_error_;
}

}  // namespace keepmq::store
