#pragma once
// A listener with its counters, and what a connection holds of it.

#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "net/listener.hpp"

namespace keepmq::runtime {

/// Written by all shards: a connection is counted wherever it lives. Outlives them.
struct ListenerCount {
    std::atomic<std::uint64_t> connections{0};
    std::atomic<std::uint64_t> accepted{0};
};

struct ListenerPort {
    std::string name;
    std::size_t max_connections = 0;
    std::unique_ptr<net::Listener> listener;
    ListenerCount* count = nullptr;
};

/// One connection among those of its listener, which outlives it, for as long as it exists.
class Place {
  public:
    Place() = default;
    explicit Place(ListenerCount& count) : count_{&count} { ++count.connections; }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    Place(Place&& other) noexcept : count_{std::exchange(other.count_, nullptr)} {}
    Place& operator=(Place&& other) noexcept {
        std::swap(count_, other.count_);
        return *this;
    }
    ~Place() {
        if (count_ != nullptr)
            --count_->connections;
    }

  private:
    ListenerCount* count_ = nullptr;
};

/// Owns a file descriptor on its way from one thread to another.
class Descriptor {
  public:
    Descriptor() = default;
    explicit Descriptor(int number) : number_{number} {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    Descriptor(Descriptor&& other) noexcept : number_{std::exchange(other.number_, -1)} {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }
    ~Descriptor() {
        if (number_ >= 0)
            ::close(number_);
    }

    [[nodiscard]] int release() { return std::exchange(number_, -1); }

  private:
    int number_ = -1;
};

}  // namespace keepmq::runtime
