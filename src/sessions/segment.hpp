#pragma once
// Deliveries as the bytes of one row: each message once, followed by those whom it goes to. The
// bytes stay as they were made; what of them is gone, sent or released is in the marks beside them.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/changes.hpp"
#include "model/bytes.hpp"

namespace keepmq::sessions {

/// What happened to a delivery since it was written.
struct Mark {
    mqtt::PacketId sent = 0;  ///< 0: it was not
    bool released = false;
    bool gone = false;
};

/// What is known of a row in memory. Deliveries have places, from 0, in the order of the bytes.
class Segment {
  public:
    /// The same mark may come again.
    void mark(std::uint32_t place, const Mark& mark);
    [[nodiscard]] bool is_empty() const { return left_ == 0; }
    /// Most of its bytes are of no use any more.
    [[nodiscard]] bool is_sparse() const;
    [[nodiscard]] std::string marks() const;

    /// What is left of a row; the segment is one without deliveries before. Nothing if the bytes
    /// make no sense. `places` gets the place of each.
    [[nodiscard]] std::optional<std::vector<broker::DeliveryKept>> read(
        std::string_view data, std::string_view marks, std::vector<std::uint32_t>& places);

  private:
    friend class SegmentWriter;
    struct Delivery {
        std::uint32_t message = none;  ///< index
        Mark mark;
    };
    struct Stored {
        std::uint32_t uses = 0;
        std::uint32_t bytes = 0;
    };
    static constexpr std::uint32_t none = 0xffffffff;

    void add_message(std::size_t bytes);
    void add_delivery(bool with_message);
    void give_back(std::uint32_t message);
    [[nodiscard]] bool read_marks(std::string_view marks);

    std::vector<Delivery> deliveries_;
    std::vector<Stored> messages_;
    std::size_t left_ = 0;        ///< deliveries
    std::size_t bytes_ = 0;       ///< about
    std::size_t bytes_left_ = 0;  ///< of deliveries and messages that are
};

/// Makes one. Messages are compared by address: what goes to several must come in one go.
class SegmentWriter {
  public:
    void add(const broker::DeliveryKept& delivery);
    [[nodiscard]] bool is_empty() const { return segment.is_empty(); }
    /// It should end here; but deliveries of one message stay together.
    [[nodiscard]] bool is_full_before(const broker::DeliveryKept& delivery) const;
    [[nodiscard]] std::string take() { return to_.take(); }

    Segment segment;

  private:
    bytes::Writer to_;
    MessagePtr last_;
};

}  // namespace keepmq::sessions
