#include "backends/pgsql/bind.hpp"

#include <fmt/format.h>

#include <chrono>

#include "base/overloaded.hpp"
#include "sql/columns.hpp"

namespace keepmq::pgsql {
namespace {

using store::errc;
using store::Failure;

constexpr int text_format = 0;
constexpr int binary_format = 1;

/// Times in binary form count from here.
constexpr auto epoch = std::chrono::sys_days{std::chrono::year{2000} / 1 / 1};

template <class Integer>
void put(std::string& out, Integer value) {
    for (int shift = 8 * (static_cast<int>(sizeof value) - 1); shift >= 0; shift -= 8)
        out.push_back(static_cast<char>((static_cast<std::uint64_t>(value) >> shift) & 0xFFU));
}

std::int64_t big_endian(std::string_view bytes) {
    auto value = static_cast<std::uint64_t>(
        !bytes.empty() && (static_cast<unsigned char>(bytes.front()) & 0x80U) != 0 ? -1 : 0);
    for (const char byte : bytes) value = (value << 8U) | static_cast<unsigned char>(byte);
    return static_cast<std::int64_t>(value);
}

Type type_of(Array::Of of) {
    switch (of) {
        case Array::Of::bytes:
            return Type::bytea;
        case Array::Of::integer:
            return Type::int8;
        case Array::Of::text:
            break;
    }
    return Type::text;
}

void put_element(std::string& out, const sql::Param& element) {
    const auto put_bytes = [&out](std::string_view bytes) {
        put(out, static_cast<std::int32_t>(bytes.size()));
        out.append(bytes);
    };
    std::visit(Overloaded{
                   [&](std::monostate) { put(out, std::int32_t{-1}); },
                   [&](std::int64_t value) {
                       put(out, std::int32_t{8});
                       put(out, value);
                   },
                   [&](double value) { put_bytes(fmt::format("{}", value)); },
                   [&](BlobView value) { put_bytes(value.bytes); },
                   [&](const auto& value) { put_bytes(value); },
               },
               element);
}

}  // namespace

Bound::Bound(std::size_t count) {
    owned_.reserve(count);  // pointers into its elements are given away
    values_.reserve(count);
    lengths_.reserve(count);
    formats_.reserve(count);
}

void Bound::add_null() {
    values_.push_back(nullptr);
    lengths_.push_back(0);
    formats_.push_back(text_format);
}

void Bound::add_binary(std::string_view bytes) {
    // A null pointer would bind NULL.
    values_.push_back(bytes.data() == nullptr ? "" : bytes.data());
    lengths_.push_back(static_cast<int>(bytes.size()));
    formats_.push_back(binary_format);
}

std::optional<Failure> Bound::add_text(std::string text) {
    if (text.find('\0') != std::string::npos)
        return Failure{errc::bad_value,
                       fmt::format("the value of parameter {} has a zero byte, which only the type "
                                   "bytea can hold",
                                   values_.size() + 1)};
    values_.push_back(owned_.emplace_back(std::move(text)).c_str());
    lengths_.push_back(0);
    formats_.push_back(text_format);
    return std::nullopt;
}

std::optional<Failure> Bound::add(const Param& param, std::uint32_t type) {
    const bool bytea = type == static_cast<std::uint32_t>(Type::bytea);
    using Done = std::optional<Failure>;
    const auto add_string = [&](std::string_view text) -> Done {
        if (!bytea)
            return add_text(std::string{text});
        add_binary(owned_.emplace_back(text));
        return std::nullopt;
    };
    return std::visit(Overloaded{
                          [&](std::monostate) -> Done {
                              add_null();
                              return std::nullopt;
                          },
                          [&](std::int64_t value) { return add_text(std::to_string(value)); },
                          [&](double value) { return add_text(fmt::format("{}", value)); },
                          [&](std::string_view value) { return add_string(value); },
                          [&](const std::string& value) { return add_string(value); },
                          [&](BlobView value) -> Done {
                              if (type != 0 && !bytea)
                                  return add_text(std::string{value.bytes});
                              add_binary(value.bytes);
                              return std::nullopt;
                          },
                          [&](const Array& value) -> Done {
                              add_binary(owned_.emplace_back(encode(value)));
                              return std::nullopt;
                          },
                      },
                      param);
}

std::optional<Failure> Bound::add(const sql::Param& param) {
    return std::visit([&](const auto& value) { return add(Param{value}, 0); }, param);
}

std::string encode(const Array& array) {
    std::string out;
    const bool empty = array.elements.empty();
    put(out, std::int32_t{empty ? 0 : 1});  // dimensions
    put(out, std::int32_t{1});              // may hold NULL
    put(out, static_cast<std::uint32_t>(type_of(array.of)));
    if (empty)
        return out;
    put(out, static_cast<std::int32_t>(array.elements.size()));
    put(out, std::int32_t{1});  // the first index
    for (const auto& element : array.elements) put_element(out, element);
    return out;
}

std::string decode(std::uint32_t type, std::string_view bytes) {
    switch (static_cast<Type>(type)) {
        case Type::int2:
        case Type::int4:
        case Type::int8:
            return std::to_string(big_endian(bytes));
        case Type::timestamp:
        case Type::timestamptz:
            return sql::format_time(WallTime{epoch} + Micros{big_endian(bytes)});
        case Type::boolean:
            return big_endian(bytes) != 0 ? "1" : "0";
        default:
            return std::string{bytes};
    }
}

}  // namespace keepmq::pgsql
