#pragma once
// Bytes on their way to one client.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace keepmq::broker {

/// The broker appends, the socket's writer consumes. Holds no memory while it is empty. What the
/// broker appends after `hold` stays until the change is durable, and what follows stays behind it.
class Outbox {
  public:
    /// Where `mqtt::encode` appends.
    [[nodiscard]] std::string& tail() { return bytes_; }
    /// What may be written now.
    [[nodiscard]] std::string_view unsent() const {
        const auto end = gates_ ? gates_->front().at : bytes_.size();
        return std::string_view{bytes_}.substr(sent_, end - sent_);
    }
    [[nodiscard]] bool empty() const { return unsent().empty(); }
    /// Also what is held.
    [[nodiscard]] std::size_t size() const { return bytes_.size() - sent_; }
    void consume(std::size_t count) {
        sent_ += count;
        if (sent_ == bytes_.size()) {
            // Keeping a small buffer would cost every idle connection its size.
            std::string{}.swap(bytes_);
            move_gates();
        } else if (sent_ > 65'536 && sent_ > bytes_.size() / 2) {
            bytes_.erase(0, sent_);
            move_gates();
        }
    }

    /// What is appended from here on may leave when the change is durable.
    void hold(std::uint64_t change) {
        if (!gates_)
            gates_ = std::make_unique<std::vector<Gate>>();
        if (gates_->empty() || gates_->back().change < change)
            gates_->push_back({bytes_.size(), change});
    }
    [[nodiscard]] bool holds() const { return gates_ != nullptr; }
    /// True if more may leave now.
    bool release(std::uint64_t change) {
        if (!gates_ || gates_->front().change > change)
            return false;
        std::erase_if(*gates_, [&](const Gate& gate) { return gate.change <= change; });
        if (gates_->empty())
            gates_.reset();
        return true;
    }
    /// It is not going to be true: whole packets are forgotten.
    void drop_held() {
        if (gates_)
            bytes_.resize(gates_->front().at);
        gates_.reset();
        consume(0);
    }

  private:
    struct Gate {
        std::size_t at = 0;  ///< into bytes_
        std::uint64_t change = 0;
    };

    void move_gates() {
        if (gates_)
            for (auto& gate : *gates_) gate.at -= sent_;
        sent_ = 0;
    }

    std::string bytes_;
    std::size_t sent_ = 0;
    std::unique_ptr<std::vector<Gate>> gates_;  ///< by place and by change; null: nothing is held
};

}  // namespace keepmq::broker
