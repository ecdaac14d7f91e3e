#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "store/dead_letters.hpp"
#include "store/op_codec.hpp"

namespace keepmq::store::testing {

/// Dead letters without a file; can be told to fail. Any thread.
class MemoryDeadLetters final : public DeadLetters {
  public:
    void fail_with(std::optional<Failure> failure) {
        const std::lock_guard lock{mutex_};
        failure_ = std::move(failure);
    }

    [[nodiscard]] std::optional<Failure> add(std::string_view pool,
                                             std::string_view rule,
                                             const Op& op,
                                             const Failure& why) override {
        const std::lock_guard lock{mutex_};
        if (failure_)
            return failure_;
        DeadLetter& letter = letters_.emplace_back();
        letter.id = ++last_id_;
        letter.pool = pool;
        letter.rule = rule;
        letter.op = name_of(op);
        letter.error = why.text;
        letter.encoded = encode(op);
        if (const auto* store = std::get_if<StoreMessage>(&op)) {
            letter.topic = store->message->topic.str();
            letter.message_id = store->message->id.to_string();
            letter.payload = store->message->payload;
        }
        return {};
    }
    [[nodiscard]] std::vector<DeadLetter> list(std::size_t limit) const override {
        const std::lock_guard lock{mutex_};
        auto some = letters_;
        if (some.size() > limit)
            some.resize(limit);
        return some;
    }
    [[nodiscard]] std::optional<DeadLetter> find(std::int64_t id) const override {
        const std::lock_guard lock{mutex_};
        for (const auto& letter : letters_)
            if (letter.id == id)
                return letter;
        return std::nullopt;
    }
    [[nodiscard]] std::optional<Failure> remove(std::int64_t id) override {
        const std::lock_guard lock{mutex_};
        if (!failure_)
            std::erase_if(letters_, [&](const DeadLetter& letter) { return letter.id == id; });
        return failure_;
    }
    [[nodiscard]] std::optional<Failure> supersede(std::int64_t id) override {
        const std::lock_guard lock{mutex_};
        auto newest = letters_.back();
        if (newest.id != id)
            letters_.pop_back();
        newest.id = id;
        for (auto& letter : letters_)
            if (letter.id == id)
                letter = newest;
        return failure_;
    }
    [[nodiscard]] std::uint64_t count() const override {
        const std::lock_guard lock{mutex_};
        return letters_.size();
    }

  private:
    mutable std::mutex mutex_;
    std::optional<Failure> failure_;
    std::vector<DeadLetter> letters_;
    std::int64_t last_id_ = 0;
};

}  // namespace keepmq::store::testing
