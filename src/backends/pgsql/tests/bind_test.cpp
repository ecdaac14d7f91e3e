#include "backends/pgsql/bind.hpp"

#include <gmock/gmock.h>

namespace keepmq::pgsql {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;

constexpr auto text_type = static_cast<std::uint32_t>(Type::text);
constexpr auto bytea_type = static_cast<std::uint32_t>(Type::bytea);

struct Seen {
    std::optional<std::string> value;
    bool binary = false;
};

Seen bound(const Param& param, std::uint32_t type) {
    Bound bound{1};
    EXPECT_FALSE(bound.add(param, type));
    EXPECT_EQ(1, bound.size());
    const auto* const value = bound.values()[0];
    if (value == nullptr)
        return {};
    const bool binary = bound.formats()[0] == 1;
    return {binary ? std::string(value, static_cast<std::size_t>(bound.lengths()[0])) : value,
            binary};
}

TEST(Bind, NumbersAndTextGoAsText) {
    EXPECT_EQ("-7", bound(std::int64_t{-7}, 0).value);
    EXPECT_EQ("2.5", bound(2.5, 0).value);
    EXPECT_EQ("it's", bound(std::string_view{"it's"}, text_type).value);
    EXPECT_FALSE(bound(std::string_view{"it's"}, text_type).binary);
    EXPECT_EQ(std::nullopt, bound(std::monostate{}, text_type).value);
}

TEST(Bind, BytesGoAsTheParameterWantsThem) {
    const BlobView payload{"\\x41"};
    EXPECT_TRUE(bound(payload, bytea_type).binary);
    EXPECT_TRUE(bound(payload, 0).binary);
    EXPECT_FALSE(bound(payload, text_type).binary);
    EXPECT_EQ("\\x41", bound(payload, text_type).value);
    EXPECT_EQ("", bound(BlobView{}, bytea_type).value);
    // Text for a column of bytes is not read for escapes either.
    EXPECT_TRUE(bound(std::string_view{"\\x41"}, bytea_type).binary);
    EXPECT_EQ("\\x41", bound(std::string_view{"\\x41"}, bytea_type).value);
}

TEST(Bind, TextWithAZeroByteIsRefused) {
    Bound bound{2};
    ASSERT_FALSE(bound.add(std::int64_t{1}, 0));
    const auto failure = bound.add(BlobView{std::string_view{"a\0b", 3}}, text_type);
    ASSERT_TRUE(failure);
    EXPECT_EQ(store::errc::bad_value, failure->code);
    EXPECT_THAT(failure->text, HasSubstr("parameter 2 has a zero byte"));
}

TEST(Bind, ArraysAreEncoded) {
    EXPECT_EQ(
        "\0\0\0\1\0\0\0\1\0\0\0\x19\0\0\0\3\0\0\0\1"
        "\0\0\0\1a"
        "\xff\xff\xff\xff"
        "\0\0\0\0"s,
        encode({Array::Of::text, {std::string_view{"a"}, std::monostate{}, std::string_view{}}}));
    EXPECT_EQ(
        "\0\0\0\1\0\0\0\1\0\0\0\x14\0\0\0\1\0\0\0\1"
        "\0\0\0\x8\xff\xff\xff\xff\xff\xff\xff\xfe"s,
        encode({Array::Of::integer, {std::int64_t{-2}}}));
    EXPECT_EQ("\0\0\0\0\0\0\0\1\0\0\0\x11"s, encode({Array::Of::bytes, {}}));
}

TEST(Bind, CellsAreDecoded) {
    const auto type = [](Type of) { return static_cast<std::uint32_t>(of); };
    EXPECT_EQ("-2", decode(type(Type::int4), "\xff\xff\xff\xfe"));
    EXPECT_EQ("258", decode(type(Type::int2), "\1\2"));
    EXPECT_EQ("1", decode(type(Type::boolean), "\1"));
    EXPECT_EQ("2000-01-01 00:00:00.000258", decode(type(Type::timestamp), "\0\0\0\0\0\0\1\2"s));
    EXPECT_EQ("1999-12-31 23:59:59.999999",
              decode(type(Type::timestamptz), "\xff\xff\xff\xff\xff\xff\xff\xff"));
    EXPECT_EQ("\0\xff"s, decode(bytea_type, "\0\xff"s));
}

}  // namespace
}  // namespace keepmq::pgsql
