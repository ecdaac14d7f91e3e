#include "sessions/segment.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "model/message_codec.hpp"

namespace keepmq::sessions {
namespace {

using broker::DeliveryKept;
using bytes::Reader;
using bytes::Writer;

// As written to files: never change or reuse a number.
enum class Kind : std::uint8_t { message, delivery, delivery_without_message };
enum Flag : std::uint8_t {
    exactly_once = 1,
    retain = 2,
    tracked = 4,
    leased = 8,
    held = 16,
    released = 32,
    all_flags = 63,
};

constexpr std::size_t full = 262'144;
constexpr std::size_t least_sparse = 4096;  // a page: less than that gains nothing
constexpr std::size_t delivery_bytes = 22;

void put(Writer& to, mqtt::PacketId packet_id) {
    to.byte(static_cast<std::uint8_t>(packet_id & 0xffU));
    to.byte(static_cast<std::uint8_t>(packet_id >> 8U));
}

mqtt::PacketId read_packet_id(Reader& from) {
    const unsigned low = from.byte();
    return static_cast<mqtt::PacketId>(low | static_cast<unsigned>(from.byte()) << 8U);
}

void put(Writer& to, const DeliveryKept& delivery) {
    to.choice(delivery.message ? Kind::delivery : Kind::delivery_without_message);
    to.byte(static_cast<std::uint8_t>(
        (delivery.qos == Qos::exactly_once ? exactly_once : 0) | (delivery.retain ? retain : 0) |
        (delivery.tracked ? tracked : 0) | (delivery.leased ? leased : 0) |
        (delivery.held ? held : 0) | (delivery.released ? released : 0)));
    to.fixed(delivery.number);
    to.fixed(delivery.session);
    put(to, delivery.packet_id);
    to.text(delivery.share);
    to.size(delivery.identifiers.size());
    for (const auto identifier : delivery.identifiers) to.fixed(identifier);
}

DeliveryKept read_delivery(Reader& from) {
    DeliveryKept to;
    const auto flags = from.byte();
    if (flags > all_flags)
        from.refuse("unknown flags");
    to.qos = (flags & exactly_once) != 0 ? Qos::exactly_once : Qos::at_least_once;
    to.retain = (flags & retain) != 0;
    to.tracked = (flags & tracked) != 0;
    to.leased = (flags & leased) != 0;
    to.held = (flags & held) != 0;
    to.released = (flags & released) != 0;
    to.number = from.fixed();
    to.session = from.fixed();
    to.packet_id = read_packet_id(from);
    to.share = from.text();
    for (auto left = from.size(); left > 0 && !from.failed(); --left)
        to.identifiers.push_back(static_cast<std::uint32_t>(from.fixed()));
    return to;
}

void apply(const Mark& mark, DeliveryKept& delivery) {
    if (mark.sent != 0)
        delivery.packet_id = mark.sent;
    if (!mark.released)
        return;
    delivery.released = true;
    delivery.message.reset();
    delivery.tracked = delivery.leased = false;
}

bool makes_sense(const DeliveryKept& delivery) {
    return delivery.number != 0 && delivery.session != 0 &&
           (delivery.message || (delivery.released && delivery.packet_id != 0));
}

}  // namespace

void Segment::add_message(std::size_t bytes) {
    messages_.push_back({0, static_cast<std::uint32_t>(bytes)});
    bytes_ += bytes;
    bytes_left_ += bytes;
}

void Segment::add_delivery(bool with_message) {
    auto& added = deliveries_.emplace_back();
    if (with_message) {
        added.message = static_cast<std::uint32_t>(messages_.size() - 1);
        ++messages_.back().uses;
    }
    ++left_;
    bytes_ += delivery_bytes;
    bytes_left_ += delivery_bytes;
}

void Segment::mark(std::uint32_t place, const Mark& mark) {
    auto& delivery = deliveries_[place];
    if (mark.sent != 0)
        delivery.mark.sent = mark.sent;
    delivery.mark.released |= mark.released;
    if (mark.released || mark.gone)
        give_back(std::exchange(delivery.message, none));
    if (mark.gone && !std::exchange(delivery.mark.gone, true)) {
        --left_;
        bytes_left_ -= delivery_bytes;
    }
}

void Segment::give_back(std::uint32_t message) {
    if (message != none && --messages_[message].uses == 0)
        bytes_left_ -= messages_[message].bytes;
}

bool Segment::is_sparse() const {
    return bytes_ >= least_sparse && bytes_left_ < bytes_ / 4;
}

/// A bit for each delivery that is gone; then those of the others that were sent or released.
std::string Segment::marks() const {
    Writer to;
    std::size_t marked = 0;
    for (std::size_t i = 0; i < deliveries_.size(); i += 8) {
        unsigned bits = 0;
        for (std::size_t bit = 0; bit < std::min<std::size_t>(8, deliveries_.size() - i); ++bit) {
            const auto& mark = deliveries_[i + bit].mark;
            bits |= (mark.gone ? 1U : 0U) << bit;
            marked += !mark.gone && (mark.sent != 0 || mark.released) ? 1 : 0;
        }
        to.byte(static_cast<std::uint8_t>(bits));
    }
    for (std::size_t i = 0; i < deliveries_.size() && marked > 0; ++i) {
        const auto& mark = deliveries_[i].mark;
        if (mark.gone || (mark.sent == 0 && !mark.released))
            continue;
        --marked;
        to.fixed(i);
        put(to, mark.sent);
        to.flag(mark.released);
    }
    return to.take();
}

bool Segment::read_marks(std::string_view marks) {
    if (marks.empty())
        return true;
    Reader from{marks};
    for (std::uint32_t i = 0; i < deliveries_.size(); i += 8)
        for (unsigned bit = 0, bits = from.byte(); bits >> bit != 0; ++bit) {
            if (i + bit >= deliveries_.size())
                return false;
            if ((bits >> bit & 1U) != 0)
                mark(i + bit, {.gone = true});
        }
    while (!from.at_end() && !from.failed()) {
        const auto place = from.fixed();
        const auto sent = read_packet_id(from);
        if (place >= deliveries_.size())
            return false;
        mark(static_cast<std::uint32_t>(place), {.sent = sent, .released = from.flag()});
    }
    return !from.failed();
}

std::optional<std::vector<DeliveryKept>> Segment::read(std::string_view data,
                                                       std::string_view marks,
                                                       std::vector<std::uint32_t>& places) {
    std::vector<DeliveryKept> all;
    MessagePtr message;
    Reader from{data};
    while (!from.at_end()) {
        const auto kind = from.choice(Kind::delivery_without_message);
        if (kind == Kind::message) {
            const auto before = from.left();
            message = bytes::read_message(from);
            add_message(before - from.left());
            continue;
        }
        auto& delivery = all.emplace_back(read_delivery(from));
        if (kind == Kind::delivery)
            delivery.message = message;
        if (!makes_sense(delivery))
            return std::nullopt;
        add_delivery(delivery.message != nullptr);
    }
    if (from.failed() || !read_marks(marks))
        return std::nullopt;
    std::vector<DeliveryKept> left;
    left.reserve(left_);
    for (std::uint32_t place = 0; place < all.size(); ++place) {
        const auto& mark = deliveries_[place].mark;
        if (mark.gone)
            continue;
        apply(mark, all[place]);
        if (!makes_sense(all[place]))
            return std::nullopt;
        places.push_back(place);
        left.push_back(std::move(all[place]));
    }
    return left;
}

void SegmentWriter::add(const DeliveryKept& delivery) {
    if (delivery.message && delivery.message != last_) {
        last_ = delivery.message;
        const auto before = to_.written();
        to_.choice(Kind::message);
        bytes::put(to_, *delivery.message);
        segment.add_message(to_.written() - before);
    }
    put(to_, delivery);
    segment.add_delivery(delivery.message != nullptr);
}

bool SegmentWriter::is_full_before(const DeliveryKept& delivery) const {
    return to_.written() >= full && delivery.message != last_;
}

}  // namespace keepmq::sessions
