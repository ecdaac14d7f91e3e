#pragma once
// Appends the primitive types of MQTT to a string [MQTT 5.0, 1.5].

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace keepmq::mqtt::wire {

constexpr std::size_t longest_text = 65535;

constexpr std::size_t variable_size(std::size_t value) {
    if (value < 128)
        return 1;
    if (value < 16'384)
        return 2;
    return value < 2'097'152 ? 3 : 4;
}

/// Writes a Variable Byte Integer at `at` and returns the place behind it.
inline char* put_variable(char* at, std::size_t value) {
    while (value >= 128) {
        *at++ = static_cast<char>((value & 0x7FU) | 0x80U);
        value >>= 7U;
    }
    *at++ = static_cast<char>(value);
    return at;
}

inline char* put_u16(char* at, std::size_t value) {
    at[0] = static_cast<char>(value >> 8U);
    at[1] = static_cast<char>(value);
    return at + 2;
}

inline void write_u8(std::string& out, unsigned value) {
    out.push_back(static_cast<char>(value));
}

inline void write_u16(std::string& out, std::size_t value) {
    std::array<char, 2> bytes{};
    put_u16(bytes.data(), value);
    out.append(bytes.data(), bytes.size());
}

inline void write_u32(std::string& out, std::uint32_t value) {
    write_u16(out, value >> 16U);
    write_u16(out, value & 0xFFFFU);
}

inline void write_variable(std::string& out, std::size_t value) {
    std::array<char, 4> bytes{};
    out.append(bytes.data(), put_variable(bytes.data(), value));
}

/// A text or binary field. What does not fit into its 16-bit length is cut off, so that the packet
/// stays in one piece; the caller keeps such fields short.
inline void write_text(std::string& out, std::string_view text) {
    text = text.substr(0, longest_text);
    write_u16(out, text.size());
    out.append(text);
}

/// A part of `out` that is preceded by its own length as a Variable Byte Integer. The length is
/// known when the part is complete: until then one byte is kept free, which is enough for most.
class LengthPrefixed {
  public:
    explicit LengthPrefixed(std::string& out) : out_{out}, start_{out.size()} {
        out.push_back('\0');
    }
    LengthPrefixed(const LengthPrefixed&) = delete;
    LengthPrefixed& operator=(const LengthPrefixed&) = delete;

    ~LengthPrefixed() {
        const auto size = out_.size() - start_ - 1;
        const auto extra = variable_size(size) - 1;
        if (extra > 0)
            out_.insert(start_, extra, '\0');
        put_variable(out_.data() + start_, size);
    }

  private:
    std::string& out_;
    std::size_t start_;
};

/// Starts a packet: its first byte and the length of what follows in the scope of the object.
class Frame {
  public:
    Frame(std::string& out, unsigned first_byte) : rest_{with_first_byte(out, first_byte)} {}

  private:
    static std::string& with_first_byte(std::string& out, unsigned first_byte) {
        write_u8(out, first_byte);
        return out;
    }

    LengthPrefixed rest_;
};

}  // namespace keepmq::mqtt::wire
