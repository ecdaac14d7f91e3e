// Who had the messages of exchanges that a restart interrupted.

#include "base/sqlite.hpp"
#include "sessions/tests/support.hpp"

namespace keepmq::sessions::testing {
namespace {

struct ReceivedTest : SessionFile {
    ReceivedTest() {
        open();
        commit({session(1), session(2), session(3)});
    }
    void take(Stage stage = Stage::taken) { commit({IncomingKept{1, 7, stage, interrupted->id}}); }
    [[nodiscard]] std::vector<std::string> received() {
        std::vector<std::string> all;
        for (const auto& row : those<ReceivedKept>(kept)) {
            EXPECT_EQ(row.message, interrupted->id);
            all.push_back(std::to_string(row.session) + row.share);
        }
        return all;
    }

    MessagePtr interrupted = message(1);
};

TEST_F(ReceivedTest, TheirDeliveriesSaySo) {
    auto shared = delivery(3, 30, interrupted);
    shared.share = "$share/g/t";
    take();
    commit({delivery(2, 20, interrupted), delivery(2, 21, message(2)), shared});
    open();
    EXPECT_THAT(received(), ElementsAre("2", "3$share/g/t"));
}

TEST_F(ReceivedTest, AnExchangeThatWasRoutedIsNotInterrupted) {
    take();
    commit({delivery(2, 20, interrupted)});
    take(Stage::routed);
    open();
    EXPECT_THAT(received(), IsEmpty());
}

TEST_F(ReceivedTest, TheSubscriberMayBeThroughBeforeTheNextRestart) {
    take();
    commit({delivery(2, 20, interrupted)});
    open();
    commit({DeliveryGone{20}, delivery(3, 30, interrupted)});
    open();
    EXPECT_THAT(received(), ElementsAre("2", "3"));
    open();
    EXPECT_THAT(received(), ElementsAre("2", "3"));
}

TEST_F(ReceivedTest, SomeGotItSince) {
    take();
    commit({ReceivedKept{interrupted->id, 2, {}}, ReceivedKept{interrupted->id, 2, {}}});
    open();
    EXPECT_THAT(received(), ElementsAre("2"));
}

TEST_F(ReceivedTest, ASessionThatIsGoneIsForgotten) {
    take();
    commit({ReceivedKept{interrupted->id, 3, {}}, ReceivedKept{interrupted->id, 3, "$share/g/t"}});
    commit({SessionGone{3}});
    open();
    EXPECT_THAT(received(), ElementsAre("3$share/g/t")) << "the group is still there";
    commit({SessionGone{1}});
    commit({IncomingKept{1, 7, Stage::taken, interrupted->id}});
    open();
    EXPECT_THAT(received(), IsEmpty()) << "nobody is left who could send it again";
    EXPECT_THAT(those<IncomingKept>(kept), IsEmpty());
}

TEST_F(ReceivedTest, ARowThatMakesNoSenseIsLeftOut) {
    take();
    commit({delivery(2, 20, interrupted)});
    file.reset();
    auto database = embedded::open_database(path);
    ASSERT_TRUE(embedded::execute(database.get(), "insert into received values('?', 1, 'x')"));
    database.reset();
    open();
    EXPECT_THAT(received(), ElementsAre("2"));
}

TEST_F(ReceivedTest, TheEndOfTheExchangeIsTheEndOfIt) {
    take();
    commit({delivery(2, 20, interrupted)});
    open();
    take(Stage::settled);
    open();
    EXPECT_THAT(received(), IsEmpty());
    take();
    open();
    EXPECT_THAT(received(), ElementsAre("2")) << "of the delivery that is still there, only";
    commit({IncomingGone{1, 7}, DeliveryGone{20}});
    open();
    take();
    open();
    EXPECT_THAT(received(), IsEmpty());
}

}  // namespace
}  // namespace keepmq::sessions::testing
