// The numbers of messages, on a server: as lanes of one pool take them, and as two brokers do.

#include "backends/mongo/numbers.hpp"

#include <algorithm>
#include <future>

#include "backends/mongo/records.hpp"
#include "backends/mongo/tests/support.hpp"

namespace keepmq::mongo::test {
namespace {

constexpr std::size_t lanes = 6;
constexpr std::size_t rounds = 20;

class MongoNumbers : public testing::TestWithParam<const char*> {
  protected:
    MongoNumbers() { shell_.clear(collections::counters); }

    /// All numbers that one lane was given, in the order in which it was.
    std::vector<std::int64_t> take(Numbers& numbers, std::size_t lane) {
        Shell own{GetParam()};
        std::vector<std::int64_t> all;
        for (std::size_t i = 0; i < rounds; ++i) {
            const auto count = static_cast<std::int64_t>(1 + (lane + i) % 5);
            const auto taken = numbers.take(own.connection(), static_cast<std::size_t>(count));
            const auto* const first = std::get_if<std::int64_t>(&taken);
            if (first == nullptr) {
                ADD_FAILURE() << std::get<store::Failure>(taken).text;
                break;
            }
            for (std::int64_t k = 0; k < count; ++k) all.push_back(*first + k);
        }
        return all;
    }

    Shell shell_{GetParam()};
};

TEST_P(MongoNumbers, LanesGetNumbersOfTheirOwnAndNoneIsLeftOut) {
    Numbers numbers;
    std::vector<std::future<std::vector<std::int64_t>>> takers;
    for (std::size_t lane = 0; lane < lanes; ++lane)
        takers.push_back(std::async(std::launch::async, [&, lane] { return take(numbers, lane); }));
    std::vector<std::int64_t> all;
    for (auto& taker : takers) {
        const auto own = taker.get();
        EXPECT_TRUE(std::ranges::is_sorted(own));
        all.insert(all.end(), own.begin(), own.end());
    }
    std::ranges::sort(all);
    ASSERT_FALSE(all.empty());
    for (std::size_t i = 0; i < all.size(); ++i)
        ASSERT_EQ(all.front() + static_cast<std::int64_t>(i), all[i]);
}

TEST_P(MongoNumbers, ALaneWithoutAServerFailsAloneAndTheOthersGoOn) {
    Numbers numbers;
    Connection closed{settings_of<Settings>(conf_of(GetParam()))};
    auto failing = std::async(std::launch::async, [&] {
        // It may be given numbers by a lane that has a server.
        for (std::size_t i = 0; i < 10 * rounds; ++i) static_cast<void>(numbers.take(closed, 1));
    });
    auto other = std::async(std::launch::async, [&] { return take(numbers, 0); });
    auto all = take(numbers, 1);
    const auto more = other.get();
    failing.get();
    all.insert(all.end(), more.begin(), more.end());
    std::ranges::sort(all);
    EXPECT_FALSE(all.empty());
    EXPECT_EQ(all.end(), std::ranges::adjacent_find(all)) << "a number was given out twice";
}

INSTANTIATE_TEST_SUITE_P(Servers,
                         MongoNumbers,
                         testing::Values(ferretdb, mongojava),
                         [](const auto& server) { return std::string{server.param}; });

}  // namespace
}  // namespace keepmq::mongo::test
