#pragma once
// Documents as values: BSON that is built and read here, so that translating needs no driver.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"

namespace keepmq::mongo {

/// The kinds of a field that are written or read here; BSON has more, which reading skips.
enum class Kind : std::uint8_t {
    real = 0x01,
    text = 0x02,
    document = 0x03,
    array = 0x04,
    binary = 0x05,
    object_id = 0x07,
    boolean = 0x08,
    date = 0x09,
    null = 0x0A,
    int32 = 0x10,
    int64 = 0x12,
};

/// A document in the making. Names hold no zero; texts are UTF-8.
class Document {
  public:
    Document& text(std::string_view name, std::string_view value);
    Document& binary(std::string_view name, std::string_view value);
    /// As the smaller of the two integer types that holds it.
    Document& integer(std::string_view name, std::int64_t value);
    Document& real(std::string_view name, double value);
    Document& boolean(std::string_view name, bool value);
    Document& null(std::string_view name);
    Document& date(std::string_view name, WallTime value);
    Document& child(std::string_view name, const Document& value);
    /// The names in `value` are 0, 1, 2, ...
    Document& array(std::string_view name, const Document& value);

    /// The finished BSON.
    [[nodiscard]] const std::string& bson() const { return bson_; }
    [[nodiscard]] bool empty() const { return bson_.size() == 5; }

    friend bool operator==(const Document&, const Document&) = default;

  private:
    void begin(Kind kind, std::string_view name);
    void finish();
    template <class Number>
    void number(Number value);

    std::string bson_ = std::string("\5\0\0\0\0", 5);
};

/// A field of a document. Views point into the BSON that it was read from.
struct Field {
    std::string_view name;
    Kind kind = Kind::null;
    std::string_view value;  ///< text, bytes, BSON of a child, or the bytes of a number

    /// Of any type of number, and of a boolean; a fraction is cut off.
    [[nodiscard]] std::optional<std::int64_t> integer() const;
    [[nodiscard]] double real() const;
};

/// The fields of well-formed BSON, in order; a field of a kind not listed above reads as null.
[[nodiscard]] std::vector<Field> fields_of(std::string_view bson);

/// The first field of that name; nothing if there is none.
[[nodiscard]] std::optional<Field> find(std::string_view bson, std::string_view name);

}  // namespace keepmq::mongo
