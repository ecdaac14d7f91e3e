#include "runtime/shared_registry.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace keepmq::runtime::test {
namespace {

using broker::SharedStrategy;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Optional;
using testing::UnorderedElementsAre;

class RegistryTest : public ::testing::Test {
  protected:
    void join(std::size_t shard, int members, bool connected = true) {
        for (int i = 0; i < members; ++i) group = registry.join(shard, "g", "t/#", connected);
    }
    /// The shards of so many messages.
    std::vector<std::size_t> chosen(int messages,
                                    SharedStrategy strategy = SharedStrategy::round_robin,
                                    std::string_view topic = "t/1") {
        std::vector<std::size_t> shards;
        std::vector<SharedRegistry::Choice> choices;
        for (int i = 0; i < messages; ++i) {
            choices.clear();
            registry.choose(topic, "sender", strategy, choices);
            for (const auto& choice : choices) shards.push_back(choice.shard);
        }
        return shards;
    }

    SharedRegistry registry{3, 1};
    SharedRegistry::Group group = 0;
};

TEST_F(RegistryTest, EachMemberGetsItsTurn) {
    join(0, 2);
    join(2, 1);
    EXPECT_THAT(chosen(6), ElementsAre(0, 0, 2, 0, 0, 2));
}

TEST_F(RegistryTest, MembersThatAreAwayGetNothingWhileOneIsThere) {
    join(0, 5, false);
    join(1, 1);
    EXPECT_THAT(chosen(3), ElementsAre(1, 1, 1));
    registry.connected(1, group, -1);
    EXPECT_THAT(chosen(6), UnorderedElementsAre(0, 0, 0, 0, 0, 1));
    registry.connected(0, group, 1);
    EXPECT_THAT(chosen(2), ElementsAre(0, 0));
}

TEST_F(RegistryTest, ASenderStaysWithItsShardByHash) {
    join(0, 1);
    join(1, 1);
    join(2, 1);
    const auto shards = chosen(5, SharedStrategy::hash);
    EXPECT_EQ(std::vector<std::size_t>(5, shards[0]), shards);
}

TEST_F(RegistryTest, StickyChangesOnlyWhenTheShardHasNobody) {
    join(1, 1);
    join(2, 1);
    EXPECT_THAT(chosen(3, SharedStrategy::sticky), ElementsAre(1, 1, 1));
    registry.leave(1, group, true);
    EXPECT_THAT(chosen(2, SharedStrategy::sticky), ElementsAre(2, 2));
}

TEST_F(RegistryTest, GroupsThatDoNotMatchAreNotAsked) {
    join(1, 1);
    EXPECT_THAT(chosen(1, SharedStrategy::round_robin, "other"), IsEmpty());
}

TEST_F(RegistryTest, AGroupEndsWithItsLastMember) {
    EXPECT_TRUE(registry.empty());
    join(1, 1);
    join(2, 1, false);
    EXPECT_FALSE(registry.empty());
    EXPECT_THAT(registry.choose(group, "sender", SharedStrategy::random), Optional(1U));
    registry.leave(1, group, true);
    EXPECT_THAT(registry.choose(group, "sender", SharedStrategy::random), Optional(2U));
    registry.leave(2, group, false);
    EXPECT_TRUE(registry.empty());
    EXPECT_EQ(std::nullopt, registry.choose(group, "sender", SharedStrategy::random));
    const auto old = group;
    join(0, 1);
    EXPECT_NE(old, group);
}

}  // namespace
}  // namespace keepmq::runtime::test
