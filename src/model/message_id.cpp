#include "model/message_id.hpp"

#include <algorithm>

namespace keepmq {
namespace {

constexpr std::string_view digits =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
__extension__ using Wide = unsigned __int128;

constexpr int value_of(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'Z')
        return c - 'A' + 10;
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 36;
    return -1;
}

}  // namespace

std::string MessageId::to_string() const {
    // Two 64-bit halves of ten digits each would cost fewer divisions, but 62^10 < 2^64 does not
    // divide 2^64, so the wide division is the simple correct form.
    Wide rest = (Wide{high_} << 64U) | low_;
    std::string text(text_size, '0');
    constexpr std::uint64_t chunk = 839299365868340224ULL;  // 62^10
    std::array<std::uint64_t, 2> halves{};
    halves[1] = static_cast<std::uint64_t>(rest % chunk);
    halves[0] = static_cast<std::uint64_t>(rest / chunk);
    for (std::size_t half = 0; half < 2; ++half) {
        for (std::size_t i = 10; i-- > 0;) {
            text[half * 10 + i] = digits[halves[half] % 62];
            halves[half] /= 62;
        }
    }
    return text;
}

std::optional<MessageId> MessageId::parse(std::string_view text) {
    if (text.size() != text_size)
        return std::nullopt;
    Wide value = 0;
    for (const char c : text) {
        const int digit = value_of(c);
        if (digit < 0)
            return std::nullopt;
        value = value * 62 + static_cast<unsigned>(digit);
    }
    return MessageId{static_cast<std::uint64_t>(value >> 64U), static_cast<std::uint64_t>(value)};
}

MessageIdSource::MessageIdSource(std::uint64_t node, WallTime floor)
    : node_{(node & 0xFFFFFFFFFFFFULL) << 16U},
      micros_{
          static_cast<std::uint64_t>(std::max<std::int64_t>(0, floor.time_since_epoch().count()))} {
}

MessageId MessageIdSource::next(WallTime now) {
    const auto micros = static_cast<std::uint64_t>(now.time_since_epoch().count());
    if (micros > micros_) {
        micros_ = micros;
        sequence_ = 0;
    } else if (++sequence_ > 0xFFFF) {
        ++micros_;
        sequence_ = 0;
    }
    return MessageId{micros_, node_ | sequence_};
}

}  // namespace keepmq
