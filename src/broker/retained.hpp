#pragma once
// Retained messages: at most one per topic, found by name or by filter. Shard-local.

#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

#include "base/time.hpp"
#include "model/message.hpp"

namespace keepmq::broker {

class Retained {
  public:
    Retained();
    ~Retained();
    Retained(const Retained&) = delete;
    Retained& operator=(const Retained&) = delete;

    /// Keeps the message under its topic unless a newer one (by id) is there. False when that would
    /// exceed `limit` topics (0 = none).
    bool keep(const MessagePtr& message, std::size_t limit);
    /// False if there was none.
    bool erase(std::string_view topic);
    [[nodiscard]] MessagePtr find(std::string_view topic) const;
    /// Calls `visit` for each message whose topic the filter matches, in topic order; stops when it
    /// returns false. Expired ones are skipped (and left for `expire`).
    void match(std::string_view filter,
               WallTime now,
               const std::function<bool(const MessagePtr&)>& visit) const;
    /// Drops messages whose expiry has passed; looks at no more than `budget` of them. Number
    /// dropped; `visit`, if any, sees each before.
    std::size_t expire(WallTime now,
                       std::size_t budget,
                       const std::function<void(const Message&)>& visit = nullptr);
    [[nodiscard]] std::size_t size() const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace keepmq::broker
