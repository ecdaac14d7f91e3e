#pragma once
// Bytes on their way to one client.

#include <cstddef>
#include <string>
#include <string_view>

namespace keepmq::broker {

/// The broker appends, the socket's writer consumes. Holds no memory while it is empty.
class Outbox {
  public:
    /// Where `mqtt::encode` appends.
    [[nodiscard]] std::string& tail() { return bytes_; }
    [[nodiscard]] std::string_view unsent() const { return std::string_view{bytes_}.substr(sent_); }
    [[nodiscard]] std::size_t size() const { return bytes_.size() - sent_; }
    [[nodiscard]] bool empty() const { return bytes_.size() == sent_; }
    void consume(std::size_t count) {
        sent_ += count;
        if (empty()) {
            // Keeping a small buffer would cost every idle connection its size.
            std::string{}.swap(bytes_);
            sent_ = 0;
        } else if (sent_ > 65'536 && sent_ > bytes_.size() / 2) {
            bytes_.erase(0, sent_);
            sent_ = 0;
        }
    }

  private:
    std::string bytes_;
    std::size_t sent_ = 0;
};

}  // namespace keepmq::broker
