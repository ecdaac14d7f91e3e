#include "backends/cassa/value.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace keepmq::cassa::test {
namespace {

using namespace std::string_literals;

std::string bytes(const Param& param, Type type) {
    auto encoded = encode(param, type);
    if (const auto* const failure = std::get_if<store::Failure>(&encoded))
        return failure->text;
    return std::get<std::string>(encoded);
}

bool fits(const Param& param, Type type) {
    const auto encoded = encode(param, type);
    const auto* const failure = std::get_if<store::Failure>(&encoded);
    return failure == nullptr || !store::is_permanent(failure->code);
}

TEST(Value, TakesTheTypeOfTheColumn) {
    EXPECT_EQ(bytes(std::int64_t{1}, Type::int32), "\0\0\0\1"s);
    EXPECT_EQ(bytes(std::int64_t{-2}, Type::bigint), "\xff\xff\xff\xff\xff\xff\xff\xfe"s);
    EXPECT_EQ(bytes(std::string{"300"}, Type::int16), "\1\x2c"s);
    EXPECT_EQ(bytes(std::int64_t{12}, Type::text), "12");
    EXPECT_EQ(bytes(1.0, Type::real32), "\x3f\x80\0\0"s);
    EXPECT_EQ(bytes(std::string{"true"}, Type::boolean), "\1");
    EXPECT_EQ(bytes(WallTime{std::chrono::microseconds{1'999}}, Type::timestamp),
              "\0\0\0\0\0\0\0\1"s);
    EXPECT_EQ(bytes(std::string{"1970-01-01T00:00:01Z"}, Type::timestamp), "\0\0\0\0\0\0\3\xe8"s);
    EXPECT_EQ(bytes(sql::BlobView{"\0\xff"}, Type::blob).size(), 0U);
    EXPECT_EQ(bytes(sql::BlobView{{"\0\xff", 2}}, Type::blob), "\0\xff"s);
    EXPECT_EQ(bytes(std::string{"00010203-0405-0607-0809-0a0b0c0d0e0f"}, Type::uuid),
              "\0\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe\xf"s);
}

TEST(Value, ThatDoesNotFitIsRefused) {
    EXPECT_FALSE(fits(std::int64_t{1} << 31, Type::int32));
    EXPECT_TRUE(fits(-(std::int64_t{1} << 31), Type::int32));
    EXPECT_FALSE(fits(std::int64_t{128}, Type::int8));
    EXPECT_FALSE(fits(1.5, Type::int32));
    EXPECT_FALSE(fits(std::string{"x"}, Type::bigint));
    EXPECT_FALSE(fits(sql::BlobView{"\xff"}, Type::text));
    EXPECT_TRUE(fits(sql::BlobView{{"a\0b", 3}}, Type::text));
    EXPECT_FALSE(fits(std::string{"yes"}, Type::boolean));
    EXPECT_FALSE(fits(std::string{"no time"}, Type::timestamp));
    EXPECT_FALSE(fits(std::string{"0001"}, Type::uuid));
    EXPECT_FALSE(fits(std::int64_t{1}, Type::other));
}

TEST(Value, ComesBackAsText) {
    EXPECT_EQ(decode(Type::int32, "\xff\xff\xff\xfe"), "-2");
    EXPECT_EQ(decode(Type::timestamp, "\0\0\0\0\0\0\3\xe9"s), "1970-01-01 00:00:01.001000");
    EXPECT_EQ(decode(Type::boolean, "\1"), "1");
    EXPECT_EQ(decode(Type::blob, "\0\1"s), "\0\1"s);
}

}  // namespace
}  // namespace keepmq::cassa::test
