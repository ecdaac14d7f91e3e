#include "backends/mongo/document.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace keepmq::mongo {
namespace {

constexpr std::size_t size_bytes = 4;

template <class Number>
Number load(std::string_view bytes) {
    static_assert(std::endian::native == std::endian::little, "BSON is little-endian");
    Number value{};
    std::memcpy(&value, bytes.data(), std::min(bytes.size(), sizeof value));
    return value;
}

std::size_t length_at(std::string_view rest) {
    return static_cast<std::size_t>(std::max(0, load<std::int32_t>(rest.substr(0, size_bytes))));
}

/// Bytes of a value of this kind at the start of `rest`; nothing for what is not BSON.
std::optional<std::size_t> size_of(std::uint8_t kind, std::string_view rest) {
    const auto two_names = [&] {
        const auto first = rest.find('\0');
        return first == std::string_view::npos ? first : rest.find('\0', first + 1);
    };
    switch (kind) {
        case 0x06:  // undefined
        case 0x0A:
        case 0x7F:  // greatest key
        case 0xFF:  // smallest key
            return 0;
        case 0x08:
            return 1;
        case 0x10:
            return 4;
        case 0x01:
        case 0x09:
        case 0x11:  // timestamp
        case 0x12:
            return 8;
        case 0x07:
            return 12;
        case 0x13:  // decimal
            return 16;
        case 0x02:
        case 0x0D:  // code
        case 0x0E:  // symbol
            return size_bytes + length_at(rest);
        case 0x0C:  // pointer
            return size_bytes + length_at(rest) + 12;
        case 0x03:
        case 0x04:
        case 0x0F:  // code with scope
            return length_at(rest);
        case 0x05:
            return size_bytes + 1 + length_at(rest);
        case 0x0B: {  // regular expression
            const auto end = two_names();
            return end == std::string_view::npos ? std::nullopt : std::optional{end + 1};
        }
        default:
            return std::nullopt;
    }
}

Field field_of(std::uint8_t kind, std::string_view name, std::string_view bytes) {
    switch (const auto known = static_cast<Kind>(kind)) {
        case Kind::text:
            return {name, known, bytes.substr(size_bytes, bytes.size() - size_bytes - 1)};
        case Kind::binary:
            return {name, known, bytes.substr(size_bytes + 1)};
        case Kind::real:
        case Kind::document:
        case Kind::array:
        case Kind::object_id:
        case Kind::boolean:
        case Kind::date:
        case Kind::null:
        case Kind::int32:
        case Kind::int64:
            return {name, known, bytes};
    }
    return {name, Kind::null, {}};
}

}  // namespace

// --- writing ------------------------------------------------------------------------------------

template <class Number>
void Document::number(Number value) {
    std::array<char, sizeof value> bytes{};
    std::memcpy(bytes.data(), &value, sizeof value);
    bson_.append(bytes.data(), bytes.size());
}

void Document::begin(Kind kind, std::string_view name) {
    bson_.back() = static_cast<char>(kind);  // where the end stood
    bson_ += name;
    bson_ += '\0';
}

void Document::finish() {
    bson_ += '\0';
    const auto size = static_cast<std::int32_t>(bson_.size());
    std::memcpy(bson_.data(), &size, sizeof size);
}

Document& Document::text(std::string_view name, std::string_view value) {
    begin(Kind::text, name);
    number(static_cast<std::int32_t>(value.size() + 1));
    bson_ += value;
    bson_ += '\0';
    finish();
    return *this;
}

Document& Document::binary(std::string_view name, std::string_view value) {
    begin(Kind::binary, name);
    number(static_cast<std::int32_t>(value.size()));
    bson_ += '\0';  // of no particular sort
    bson_ += value;
    finish();
    return *this;
}

Document& Document::integer(std::string_view name, std::int64_t value) {
    const bool is_small = value >= std::numeric_limits<std::int32_t>::min() &&
                          value <= std::numeric_limits<std::int32_t>::max();
    begin(is_small ? Kind::int32 : Kind::int64, name);
    if (is_small)
        number(static_cast<std::int32_t>(value));
    else
        number(value);
    finish();
    return *this;
}

Document& Document::real(std::string_view name, double value) {
    begin(Kind::real, name);
    number(value);
    finish();
    return *this;
}

Document& Document::boolean(std::string_view name, bool value) {
    begin(Kind::boolean, name);
    bson_ += value ? '\1' : '\0';
    finish();
    return *this;
}

Document& Document::null(std::string_view name) {
    begin(Kind::null, name);
    finish();
    return *this;
}

Document& Document::date(std::string_view name, WallTime value) {
    begin(Kind::date, name);
    const auto millis = std::chrono::floor<std::chrono::milliseconds>(value);
    number(static_cast<std::int64_t>(millis.time_since_epoch().count()));
    finish();
    return *this;
}

Document& Document::child(std::string_view name, const Document& value) {
    begin(Kind::document, name);
    bson_ += value.bson();
    finish();
    return *this;
}

Document& Document::array(std::string_view name, const Document& value) {
    begin(Kind::array, name);
    bson_ += value.bson();
    finish();
    return *this;
}

// --- reading ------------------------------------------------------------------------------------

std::optional<std::int64_t> Field::integer() const {
    switch (kind) {
        case Kind::int32:
            return load<std::int32_t>(value);
        case Kind::int64:
            return load<std::int64_t>(value);
        case Kind::boolean:
            return load<std::uint8_t>(value);
        case Kind::real: {
            const double number = real();
            constexpr double beyond = 9.2e18;
            if (!(std::abs(number) < beyond))
                return std::nullopt;
            return static_cast<std::int64_t>(number);
        }
        default:
            return std::nullopt;
    }
}

double Field::real() const {
    return load<double>(value);
}

std::vector<Field> fields_of(std::string_view bson) {
    std::vector<Field> fields;
    if (bson.size() < size_bytes + 1)
        return fields;
    auto rest = bson.substr(size_bytes);
    while (rest.size() > 1) {
        const auto kind = static_cast<std::uint8_t>(rest.front());
        const auto end = rest.find('\0', 1);
        if (end == std::string_view::npos)
            break;
        const auto name = rest.substr(1, end - 1);
        rest.remove_prefix(end + 1);
        const auto size = size_of(kind, rest);
        const bool has_size = kind == 0x02 || kind == 0x05;
        if (!size || *size > rest.size() || (has_size && *size < size_bytes + 1))
            break;
        fields.push_back(field_of(kind, name, rest.substr(0, *size)));
        rest.remove_prefix(*size);
    }
    return fields;
}

std::optional<Field> find(std::string_view bson, std::string_view name) {
    const auto fields = fields_of(bson);
    const auto found = std::ranges::find(fields, name, &Field::name);
    return found == fields.end() ? std::nullopt : std::optional{*found};
}

}  // namespace keepmq::mongo
