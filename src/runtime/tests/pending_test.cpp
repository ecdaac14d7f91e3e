#include "runtime/pending.hpp"

#include <gtest/gtest.h>

#include <set>

namespace keepmq::runtime::test {
namespace {

TEST(Pending, FindsWhatWasAdded) {
    Pending pending;
    const auto one = pending.add(LookupWait{ClientId{"one"}});
    const auto two = pending.add(LookupWait{ClientId{"two"}});
    EXPECT_NE(0U, one) << "0 means that nobody waits";
    EXPECT_NE(one, two);
    EXPECT_EQ(ClientId{"one"}, std::get<LookupWait>(*pending.find(one)).client);
    EXPECT_EQ(ClientId{"two"}, std::get<LookupWait>(*pending.find(two)).client);
    EXPECT_EQ(2U, pending.size());
}

TEST(Pending, ALateAnswerFindsNothing) {
    Pending pending;
    const auto old = pending.add(LookupWait{ClientId{"old"}});
    pending.erase(old);
    EXPECT_EQ(nullptr, pending.find(old));
    const auto fresh = pending.add(LookupWait{ClientId{"fresh"}});
    EXPECT_EQ(static_cast<std::uint32_t>(old), static_cast<std::uint32_t>(fresh))
        << "the place is used again";
    EXPECT_EQ(nullptr, pending.find(old));
    EXPECT_NE(nullptr, pending.find(fresh));
}

TEST(Pending, TokensOfNobodyFindNothing) {
    Pending pending;
    EXPECT_EQ(nullptr, pending.find(0));
    EXPECT_EQ(nullptr, pending.find(~store::Token{0}));
    EXPECT_NE(nullptr, pending.find(pending.add({})));
    EXPECT_EQ(nullptr, pending.find(0));
    EXPECT_EQ(nullptr, pending.find(1));
}

TEST(Pending, GrowsOnlyAsMuchAsWaitsAtOnce) {
    Pending pending;
    std::set<std::uint32_t> places;
    std::set<store::Token> tokens;
    for (int round = 0; round < 1000; ++round) {
        const auto a = pending.add({});
        const auto b = pending.add({});
        for (const auto token : {a, b}) {
            places.insert(static_cast<std::uint32_t>(token));
            EXPECT_TRUE(tokens.insert(token).second) << "no token comes twice";
        }
        pending.erase(a);
        pending.erase(b);
    }
    EXPECT_EQ(2U, places.size());
    EXPECT_EQ(0U, pending.size());
}

}  // namespace
}  // namespace keepmq::runtime::test
