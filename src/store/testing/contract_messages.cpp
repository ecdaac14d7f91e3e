// What comes back is what was stored: bytes, names, times, duplicates, order.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/testing/backend_contract.hpp"
#include "store/testing/contract_parts.hpp"

namespace keepmq::store::testing {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

void keep_contract_messages() {}

namespace {

std::string every_byte() {
    std::string bytes;
    for (int value = 0; value < 256; ++value) bytes += static_cast<char>(value);
    return bytes;
}

std::string long_topic(std::size_t size) {
    std::string topic;
    while (topic.size() < size) topic += "level-" + std::to_string(topic.size()) + '/';
    topic.resize(size, 'x');
    if (topic.back() == '/')
        topic.back() = 'x';
    return topic;
}

FetchMessages everything_of(const TopicName& topic) {
    FetchMessages query;
    query.client = ClientId{"reader"};
    query.filter = TopicFilter{topic.view()};
    return query;
}

}  // namespace

TEST_P(BackendContract, ReturnsEveryFieldOfAStoredMessage) {
    for (const Qos qos : {Qos::at_most_once, Qos::at_least_once, Qos::exactly_once}) {
        auto made = draft("a/b", "payload");
        made->qos = qos;
        made->retain = qos == Qos::exactly_once;
        write({StoreMessage{made, Keep::all, {}}});
        const auto read = fetch_all(everything_of(made->topic));
        ASSERT_FALSE(read.empty());
        expect_same(*made, read.back());
    }
}

TEST_P(BackendContract, KeepsPayloadBytes) {
    const std::vector<std::string> bodies{
        "",
        std::string(1, '\0'),
        std::string("\0a\0", 3),
        every_byte(),
        "'; drop table mqtt_msg; --",
        R"("quoted" 'single' `back` \ \n \x00 %s ${payload} $1 ?1 :a)",
        "\xff\xfe\x80",
        "null",
        "0"};
    std::vector<MessagePtr> made;
    for (const std::string& body : bodies) made.push_back(store("bytes", holdable(body)));
    const auto read = fetch_all(everything_of(TopicName{"bytes"}));
    ASSERT_EQ(read.size(), made.size());
    for (std::size_t i = 0; i < made.size(); ++i) expect_same(*made[i], read[i]);
}

TEST_P(BackendContract, KeepsALargePayload) {
    std::string body;
    while (body.size() < can_.largest_payload) body += holdable(every_byte());
    body.resize(can_.largest_payload);
    const auto made = store("large", body);
    const auto read = fetch_all(everything_of(made->topic));
    ASSERT_EQ(read.size(), 1U);
    expect_same(*made, read[0]);
}

TEST_P(BackendContract, KeepsUnusualNames) {
    const std::vector<std::string> names{"it's",
                                         "a \"b\" c",
                                         "back\\slash",
                                         "per%cent_under",
                                         "semi;colon--",
                                         "${topic}",
                                         "käse/日本/🙂",
                                         " lead and trail ",
                                         "tab\there",
                                         "/",
                                         "//",
                                         "a//b",
                                         "*",
                                         "a.b",
                                         "[x]{y}",
                                         "?"};
    for (const std::string& name : names) {
        SCOPED_TRACE(name);
        auto made = draft(name, "in " + name);
        made->sender = ClientId{name};
        write({StoreMessage{made, Keep::all, {}}});
        const auto read = fetch_all(everything_of(made->topic));
        ASSERT_EQ(read.size(), 1U);
        expect_same(*made, read[0]);
        advance(name, made);
        EXPECT_THAT(fetch(name, name), IsEmpty());
    }
}

TEST_P(BackendContract, KeepsTheLongestTopic) {
    const std::string topic = long_topic(can_.longest_topic);
    std::string other = topic;
    other.back() = 'y';
    const auto made = store(topic, "long");
    store(other, "other");
    const auto read = fetch_all(everything_of(made->topic));
    ASSERT_EQ(read.size(), 1U);
    expect_same(*made, read[0]);
    init("c", topic);
    advance("c", made);
    EXPECT_THAT(fetch("c", topic), IsEmpty());
    EXPECT_THAT(fetch("c", other), ElementsAre("other"));
    write({StoreRetained{made, {}}});
    EXPECT_THAT(retained(topic), ElementsAre("long"));
    EXPECT_THAT(retained(other), IsEmpty());
}

TEST_P(BackendContract, KeepsTheLongestClientIdentifier) {
    const std::string client(can_.longest_topic, 'c');
    auto made = draft("t");
    made->sender = ClientId{client};
    write({StoreMessage{made, Keep::all, {}}});
    advance(client, made);
    EXPECT_THAT(fetch(client, "t"), IsEmpty());
    EXPECT_THAT(fetch(client.substr(1), "t"), ElementsAre("x"));
}

TEST_P(BackendContract, ComparesNamesByBytes) {
    // Letter case, accents, composed against decomposed, trailing space.
    const std::vector<std::string> names{
        "case", "CASE", "Case", "cas\xc3\xa9", "cas\x65\xcc\x81", "case "};
    for (const std::string& name : names) store(name, "in " + name);
    for (const std::string& name : names) {
        SCOPED_TRACE(name);
        EXPECT_THAT(fetch("c", name), ElementsAre("in " + name));
    }
    init("case", "CASE", FetchFrom::latest);
    EXPECT_THAT(fetch("case", "CASE"), IsEmpty());
    EXPECT_THAT(fetch("case", "Case"), ElementsAre("in Case"));
    EXPECT_THAT(fetch("CASE", "CASE"), ElementsAre("in CASE"));
}

TEST_P(BackendContract, StoresAMessageIdOnce) {
    const auto made = message("once", "first");
    auto again = std::make_shared<Message>();
    again->id = made->id;
    again->topic = made->topic;
    again->payload = "second";
    again->at = made->at;
    write({StoreMessage{made, Keep::all, {}}});
    write({StoreMessage{again, Keep::all, {}}}, Attempt::after_unknown_outcome);
    EXPECT_THAT(fetch("c", "once"), ElementsAre("first"));
}

TEST_P(BackendContract, ARepeatedBatchAddsOnlyWhatIsMissing) {
    const auto a = message("rep/a", "a");
    const auto b = message("rep/b", "b");
    const auto c = message("rep/a", "c");
    write({StoreMessage{a, Keep::all, {}}, StoreMessage{b, Keep::all, {}}});
    write({StoreMessage{a, Keep::all, {}},
           StoreMessage{b, Keep::all, {}},
           StoreMessage{c, Keep::all, {}}},
          Attempt::after_unknown_outcome);
    EXPECT_THAT(fetch("x", "rep/a"), ElementsAre("a", "c"));
    EXPECT_THAT(fetch("x", "rep/b"), ElementsAre("b"));
}

TEST_P(BackendContract, ARepeatedKeepLatestChangesNothing) {
    const auto made = message("latest/once", "v");
    write({StoreMessage{made, Keep::latest, {}}});
    write({StoreMessage{made, Keep::latest, {}}}, Attempt::after_unknown_outcome);
    EXPECT_THAT(fetch("c", "latest/once"), ElementsAre("v"));
}

TEST_P(BackendContract, KeepsTheOrderOfABatchAndOfBatches) {
    std::vector<std::string> expected;
    for (int batch = 0; batch < 5; ++batch) {
        std::vector<Op> ops;
        for (int i = 0; i < 50; ++i) {
            expected.push_back(std::to_string(batch) + '.' + std::to_string(i));
            ops.emplace_back(StoreMessage{message("order", expected.back()), Keep::all, {}});
        }
        write(std::move(ops));
    }
    EXPECT_EQ(fetch("c", "order"), expected);
}

TEST_P(BackendContract, KeepLatestRemovesOlderMessagesOfItsTopicOnly) {
    store("keep/a", "a1");
    store("keep/b", "b1");
    write({StoreMessage{message("keep/a", "a2"), Keep::latest, {}}});
    write({StoreMessage{message("keep/a", "a3"), Keep::latest, {}},
           StoreMessage{message("keep/a", "a4"), Keep::latest, {}}});
    EXPECT_THAT(fetch("c", "keep/a", FetchMode::queue), ElementsAre("a4"));
    EXPECT_THAT(fetch("c", "keep/b", FetchMode::queue), ElementsAre("b1"));
}

TEST_P(BackendContract, AcceptsATimeToLive) {
    write({StoreMessage{message("ttl", "m"), Keep::all, std::chrono::hours{1}},
           StoreRetained{message("ttl/r", "r"), std::chrono::hours{1}}});
    EXPECT_THAT(fetch("c", "ttl"), ElementsAre("m"));
    EXPECT_THAT(retained("ttl/r"), ElementsAre("r"));
}

TEST_P(BackendContract, RemovesOneMessage) {
    store("queue/a", "1");
    const auto second = store("queue/a", "2");
    store("queue/a", "3");
    write({RemoveMessage{second->topic, second->id}});
    EXPECT_THAT(fetch("c", "queue/a", FetchMode::queue), ElementsAre("1", "3"));
    write({RemoveMessage{second->topic, second->id}});
    EXPECT_THAT(fetch("c", "queue/a", FetchMode::queue), ElementsAre("1", "3"));
}

}  // namespace keepmq::store::testing
