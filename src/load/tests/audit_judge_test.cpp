#include "load/audit_judge.hpp"

#include <gmock/gmock.h>

#include <sstream>

namespace keepmq::load {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

using Session = Ledger::Session;

/// Two publishers: producer 0 with QoS 1, producer 1 with QoS 2; numbers alternate between topics
/// `audit/r/0` and `audit/r/1`.
AuditPlan small_plan() {
    AuditPlan plan;
    plan.run = "r";
    plan.publishers = 2;
    plan.topics = 2;
    plan.payload = 20;
    return plan;
}

class AuditTest : public ::testing::Test {
  protected:
    void acknowledge(std::size_t producer, std::uint64_t number, int sends = 1) {
        ledger.sent(producer, number, Session::fresh);
        for (int i = 1; i < sends; ++i) ledger.sent(producer, number, Session::same);
        ledger.acked(producer, number);
    }
    [[nodiscard]] std::string topic(std::uint64_t number) const {
        return topic_name(plan, topic_number(plan, number));
    }
    [[nodiscard]] std::string payload(std::size_t producer, std::uint64_t number) const {
        return payload_of(plan, {producer, number, 7});
    }
    void store(Judge& judge, std::size_t producer, std::uint64_t number) const {
        judge.row(topic(number), payload(producer, number));
    }

    const AuditPlan plan = small_plan();
    Ledger ledger{plan};
};

TEST_F(AuditTest, IsCleanWhenEachAcknowledgedMessageHasARow) {
    acknowledge(0, 0);
    acknowledge(1, 0);
    Judge judge{plan, ledger};
    store(judge, 0, 0);
    store(judge, 1, 0);
    const auto verdict = judge.verdict();
    EXPECT_TRUE(verdict.clean());
    EXPECT_EQ(verdict.acked, 2U);
    EXPECT_EQ(verdict.stored, 2U);
}

TEST_F(AuditTest, NamesWhatIsAcknowledgedAndNowhere) {
    acknowledge(0, 0);
    acknowledge(0, 1);
    Judge judge{plan, ledger};
    store(judge, 0, 0);
    const auto verdict = judge.verdict();
    EXPECT_FALSE(verdict.clean());
    EXPECT_EQ(verdict.missing, 1U);
    EXPECT_EQ(verdict.stored, 1U);
    EXPECT_THAT(verdict.findings,
                Contains("missing: producer 0 number 1 (QoS 1, topic audit/r/1)"));
}

TEST_F(AuditTest, ADeadLetterIsKeptToo) {
    acknowledge(0, 0);
    Judge judge{plan, ledger};
    judge.dead_letter("other", "of somebody else");
    judge.dead_letter(topic(0), payload(0, 0));
    const auto verdict = judge.verdict();
    EXPECT_TRUE(verdict.clean());
    EXPECT_EQ(verdict.stored, 0U);
    EXPECT_EQ(verdict.dead_lettered, 1U);
}

TEST_F(AuditTest, WhatWasNotAcknowledgedMayBeStoredOrNot) {
    ledger.sent(0, 0, Session::fresh);
    ledger.sent(0, 1, Session::fresh);
    Judge judge{plan, ledger};
    store(judge, 0, 1);
    const auto verdict = judge.verdict();
    EXPECT_TRUE(verdict.clean());
    EXPECT_EQ(verdict.unacknowledged, 1U);
}

TEST_F(AuditTest, AQos1MessageMayHaveOneRowForEachTimeItWasSent) {
    acknowledge(0, 0, 2);
    Judge judge{plan, ledger};
    store(judge, 0, 0);
    store(judge, 0, 0);
    EXPECT_TRUE(judge.verdict().clean());
    store(judge, 0, 0);
    EXPECT_EQ(judge.verdict().duplicate, 1U);
    EXPECT_THAT(judge.verdict().findings,
                Contains(HasSubstr("3 rows and 0 dead letters, was sent 2 times, 2 allowed")));
}

TEST_F(AuditTest, AQos2MessageHasOneRowInOneSession) {
    acknowledge(1, 0, 3);
    Judge judge{plan, ledger};
    store(judge, 1, 0);
    EXPECT_TRUE(judge.verdict().clean());
    store(judge, 1, 0);
    EXPECT_EQ(judge.verdict().duplicate, 1U);
}

TEST_F(AuditTest, AQos2MessageMayHaveARowInEachSession) {
    ledger.sent(1, 0, Session::fresh);
    ledger.sent(1, 0, Session::fresh);
    ledger.acked(1, 0);
    Judge judge{plan, ledger};
    store(judge, 1, 0);
    store(judge, 1, 0);
    EXPECT_TRUE(judge.verdict().clean());
}

TEST_F(AuditTest, ARowAndADeadLetterOfOneMessageAreADuplicate) {
    acknowledge(1, 0);
    Judge judge{plan, ledger};
    store(judge, 1, 0);
    judge.dead_letter(topic(0), payload(1, 0));
    EXPECT_EQ(judge.verdict().duplicate, 1U);
}

TEST_F(AuditTest, OrderCountsWithinAProducerAndATopic) {
    for (std::uint64_t number = 0; number < 4; ++number) {
        acknowledge(0, number);
        acknowledge(1, number);
    }
    Judge judge{plan, ledger};
    for (const std::uint64_t number : {0U, 2U, 1U, 3U}) store(judge, 0, number);
    store(judge, 1, 2);
    EXPECT_EQ(judge.verdict().out_of_order, 0U);
    store(judge, 1, 0);
    EXPECT_EQ(judge.verdict().out_of_order, 1U);
    EXPECT_THAT(judge.verdict().findings,
                Contains("out of order: producer 1 number 0 (QoS 2, topic audit/r/0) is stored "
                         "after 2"));
}

TEST_F(AuditTest, ARepeatedRowIsNotOutOfOrder) {
    acknowledge(0, 0, 2);
    acknowledge(0, 2, 2);
    Judge judge{plan, ledger};
    for (const std::uint64_t number : {0U, 2U, 0U, 2U}) store(judge, 0, number);
    EXPECT_TRUE(judge.verdict().clean());
}

TEST_F(AuditTest, ADamagedOrStrangeRowIsNamed) {
    acknowledge(0, 0);
    Judge judge{plan, ledger};
    store(judge, 0, 0);
    auto cut = payload(0, 0);
    cut.pop_back();
    judge.row(topic(0), cut);
    judge.row(topic(1), payload(0, 0));
    judge.row(topic(0), payload(0, 2));  // never sent
    EXPECT_EQ(judge.verdict().damaged, 3U);
    EXPECT_FALSE(judge.verdict().clean());
}

TEST_F(AuditTest, ALogGivesTheSameVerdict) {
    std::stringstream log;
    Ledger::write_head(plan, log);
    {
        Ledger logged{plan, &log};
        logged.sent(0, 0, Session::fresh);
        logged.sent(0, 0, Session::same);
        logged.acked(0, 0);
        logged.sent(1, 0, Session::fresh);
        logged.sent(1, 0, Session::same);
    }
    log << "A 1 ";  // the process ended here
    std::string error;
    const auto found = Ledger::read(log, error);
    ASSERT_TRUE(found) << error;
    EXPECT_EQ(found->plan.run, "r");
    EXPECT_EQ(found->plan.topics, 2U);
    EXPECT_EQ(payload_of(found->plan, {0, 0, 7}), payload(0, 0));
    ASSERT_EQ(found->ledger.of(0).size(), 1U);
    EXPECT_EQ(found->ledger.of(0)[0].allowed, 2U);
    EXPECT_TRUE(found->ledger.of(0)[0].acked);
    EXPECT_EQ(found->ledger.of(1)[0].sends, 2U);
    EXPECT_EQ(found->ledger.of(1)[0].allowed, 1U);
    EXPECT_FALSE(found->ledger.of(1)[0].acked);
    EXPECT_EQ(found->ledger.acked(), 1U);
}

TEST_F(AuditTest, ALogThatIsNoneIsRefusedWithItsLine) {
    std::string error;
    std::stringstream other{"sensor,value\n1,2\n"};
    EXPECT_FALSE(Ledger::read(other, error));
    EXPECT_THAT(error, HasSubstr("line 1"));
    std::stringstream damaged;
    Ledger::write_head(plan, damaged);
    damaged << "F 0 0\nA 0 1\n";
    EXPECT_FALSE(Ledger::read(damaged, error));
    EXPECT_THAT(error, HasSubstr("line 3"));
}

TEST_F(AuditTest, APayloadIsReadToTheLastByte) {
    const AuditMark mark{1, 123'456, 99};
    const auto text = payload_of(plan, mark);
    EXPECT_EQ(text, "r/1/123456/99/xxxxxx");
    EXPECT_EQ(read_payload(plan, text), mark);
    EXPECT_FALSE(read_payload(plan, text + "x"));
    EXPECT_FALSE(read_payload(plan, "rr/1/1/1/xxxxxxxxxxx"));
    EXPECT_FALSE(read_payload(plan, "r/2/1/1/xxxxxxxxxxxx"));  // there is no producer 2
    EXPECT_FALSE(read_payload(plan, ""));
}

TEST_F(AuditTest, AFilterMatchesAllTopics) {
    EXPECT_EQ(filter_of(plan), "audit/r/+");
    auto other = plan;
    other.topic = "%t/%r/x";
    EXPECT_EQ(filter_of(other), "+/r/x");
    other.topic = "%r/a%t";
    EXPECT_EQ(filter_of(other), "");
}

class TallyTest : public AuditTest {
  protected:
    TallyTest() {
        for (std::uint64_t number = 0; number < 4; ++number) acknowledge(0, number);
        for (std::uint64_t number = 0; number < 4; ++number) store(stored, 0, number);
        tally.connected();
    }
    void deliver(std::uint64_t number) { tally.received(topic(number), payload(0, number)); }

    Judge stored{plan, ledger};
    Tally tally{plan};
};

TEST_F(TallyTest, IsCompleteWhenAllThatWasAcknowledgedCame) {
    for (const std::uint64_t number : {0U, 1U, 2U}) deliver(number);
    EXPECT_FALSE(tally.complete(ledger));
    EXPECT_EQ(tally.verdict(ledger, stored).missing, 1U);
    deliver(3);
    EXPECT_TRUE(tally.complete(ledger));
    EXPECT_TRUE(tally.verdict(ledger, stored).clean());
    EXPECT_EQ(tally.verdict(ledger, stored).received, 4U);
}

TEST_F(TallyTest, WhatIsNotStoredNeedNotCome) {
    acknowledge(0, 4);
    for (std::uint64_t number = 0; number < 4; ++number) deliver(number);
    EXPECT_TRUE(tally.verdict(ledger, stored).clean());
}

TEST_F(TallyTest, TwiceOnOneConnectionIsADuplicate) {
    for (const std::uint64_t number : {0U, 1U, 2U, 3U, 1U}) deliver(number);
    EXPECT_EQ(tally.verdict(ledger, stored).duplicate, 1U);
}

TEST_F(TallyTest, AgainOnTheNextConnectionIsRedelivery) {
    for (const std::uint64_t number : {0U, 1U, 2U}) deliver(number);
    tally.connected();
    for (const std::uint64_t number : {2U, 3U}) deliver(number);
    const auto verdict = tally.verdict(ledger, stored);
    EXPECT_TRUE(verdict.clean());
    EXPECT_EQ(verdict.redelivered, 1U);
}

TEST_F(TallyTest, FirstDeliveriesAreInOrder) {
    for (const std::uint64_t number : {1U, 0U, 2U, 3U}) deliver(number);
    EXPECT_EQ(tally.verdict(ledger, stored).out_of_order, 0U);
    Tally other{plan};
    other.connected();
    other.received(topic(2), payload(0, 2));
    other.received(topic(0), payload(0, 0));
    EXPECT_EQ(other.verdict(ledger, stored).out_of_order, 1U);
}

TEST_F(TallyTest, AnUnknownMessageIsDamage) {
    EXPECT_FALSE(tally.received(topic(0), "what"));
    EXPECT_EQ(tally.verdict(ledger, stored).damaged, 1U);
}

}  // namespace
}  // namespace keepmq::load
