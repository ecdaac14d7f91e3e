// Golden tests: an operation goes in, commands come out, as in golden/<name>.txt.
// KEEPMQ_UPDATE_GOLDEN=1 writes the files anew; review the difference.

#include "backends/redis/translate.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "backends/redis/tests/support.hpp"
#include "store/testing/golden.hpp"

namespace keepmq::redis::test {
namespace {

using store::Attempt;
using store::FetchFrom;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// One argument a line; the name of a command is not indented. Bytes that are not text as \\xNN.
std::string to_text(const Commands& commands) {
    std::string out;
    for (const auto& command : commands) {
        std::string indent;
        for (const auto& word : command.args.list()) {
            out += std::exchange(indent, "  ");
            for (const char c : word)
                out += c >= 0x20 && c < 0x7f
                           ? std::string(1, c)
                           : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
            out += '\n';
        }
    }
    return out;
}

void expect_golden(const std::string& name, const Commands& commands) {
    store::testing::expect_golden(KEEPMQ_TEST_DATA_DIR, name, to_text(commands));
}

void expect_op(const std::string& name, const store::Op& op, const Known& known = {}) {
    expect_golden(name, translate(op, Attempt::first, known));
}

const ClientId client{"c'1"};

TEST(Translate, Presence) {
    expect_op("client_online", store::ClientOnline{client, "node1", at(1)});
    expect_op("client_offline", store::ClientOffline{client, "node1", at(2), at(1)});
}

TEST(Translate, Messages) {
    const store::StoreMessage plain{message(5, "a/b"), store::Keep::all, std::chrono::hours{1}};
    expect_op("store_message", plain);
    expect_golden("store_message_again", translate(plain, Attempt::after_unknown_outcome));
    expect_op("store_message_for_ever", store::StoreMessage{rich_message(), store::Keep::all, {}});
    expect_golden("older_messages", {older_messages(plain)});
    Commands listed;
    write_index(
        {"a/b", {message_id(5).to_string(), message_id(6).to_string()}, std::chrono::hours{1}},
        listed);
    const std::array<std::string_view, 2> topics{"a/b", "a/c"};
    listed.push_back(catalogue_of(topics));
    expect_golden("list_messages", listed);
    expect_op("remove_message", store::RemoveMessage{TopicName{"a/b"}, message_id(5)});
}

TEST(Translate, Retained) {
    expect_op("store_retained", store::StoreRetained{rich_message(), std::chrono::seconds{60}});
    expect_op("store_retained_for_ever", store::StoreRetained{message(5, "a/b"), {}});
    expect_op("delete_retained", store::DeleteRetained{TopicName{"a/b"}});
    expect_golden("forget_topic", {forget_topic("mqtt:retain:a/b", "keepmq:retained", "a/b")});
}

TEST(Translate, Positions) {
    const TopicFilter topic{"a/b"};
    const Known newest{.newest = message_id(3).to_string()};
    expect_op(
        "init_cursor_latest", store::InitCursor{client, topic, FetchFrom::latest, at(1)}, newest);
    expect_op("init_cursor_latest_of_none",
              store::InitCursor{client, topic, FetchFrom::latest, at(1)});
    expect_op("init_cursor_wildcard",
              store::InitCursor{client, TopicFilter{"a/#"}, FetchFrom::earliest, at(1)});
    expect_op("advance_cursor",
              store::AdvanceCursor{client, TopicName{"a/b"}, message_id(5), at(1)});
    expect_op("delete_cursor", store::DeleteCursor{client, TopicFilter{"a/#"}});
    // Without a key everything counts.
    const store::InitCursor earliest{client, topic, FetchFrom::earliest, at(1)};
    EXPECT_THAT(translate(earliest, Attempt::first), IsEmpty());
    const store::AdvanceCursor nowhere{client, TopicName{"a/b"}, message_id(5), at(1)};
    EXPECT_THAT(translate(nowhere, Attempt::first, {.stored = false}), IsEmpty());
}

TEST(Translate, WhatHasToBeKnownFirst) {
    const store::Op advance = store::AdvanceCursor{client, TopicName{"a/b"}, message_id(5), at(1)};
    const store::Op init = store::InitCursor{client, TopicFilter{"a/b"}, FetchFrom::latest, at(1)};
    expect_golden("questions", {*question(advance), *question(init)});
    EXPECT_FALSE(
        question(store::InitCursor{client, TopicFilter{"a/b"}, FetchFrom::earliest, at(1)}));
    EXPECT_FALSE(question(store::InitCursor{client, TopicFilter{"a/+"}, FetchFrom::latest, at(1)}));
    EXPECT_FALSE(question(store::DeleteRetained{TopicName{"a/b"}}));

    EXPECT_FALSE(understand(advance, {.kind = Answer::Kind::integer, .integer = 0}).stored);
    EXPECT_TRUE(understand(advance, {.kind = Answer::Kind::integer, .integer = 1}).stored);
    EXPECT_EQ("", understand(init, {.kind = Answer::Kind::list}).newest);
    const Answer one{.kind = Answer::Kind::list, .list = {{.text = "id"}}};
    EXPECT_EQ("id", understand(init, one).newest);
}

TEST(Translate, ValuesNeverEndAnArgument) {
    const auto commands =
        translate(execute({{"SET mqtt:acked:", ":", " ", ""}, {"DEL key"}, {"RPUSH a  ", ""}},
                          {std::string{"c 1"},
                           std::string{"a b\r\nDEL x"},
                           store::Bytes{std::string{"\0 \xff", 3}},
                           std::monostate{}}));
    ASSERT_EQ(3U, commands.size());
    EXPECT_THAT(commands[0].args.list(),
                ElementsAre("SET", "mqtt:acked:c 1:a b\r\nDEL x", std::string("\0 \xff", 3)));
    EXPECT_THAT(commands[1].args.list(), ElementsAre("DEL", "key"));
    // Two spaces make an empty argument; an absent value is an empty text.
    EXPECT_THAT(commands[2].args.list(), ElementsAre("RPUSH", "a", "", ""));
}

TEST(Translate, NumbersOfTheUserAreText) {
    const auto commands = translate(execute({{"SET ", " ", ""}}, {std::int64_t{-5}, 0.25}));
    EXPECT_THAT(commands[0].args.list(), ElementsAre("SET", "-5", "0.25"));
}

/// What a reader starts from is written after what it leads to.
TEST(Translate, WavesOfACluster) {
    std::vector<Wave> waves;
    for (const auto& command :
         translate(store::StoreMessage{message(5, "a/b"), store::Keep::all, std::chrono::hours{1}},
                   Attempt::first))
        waves.push_back(command.wave);
    EXPECT_THAT(
        waves,
        ElementsAre(Wave::content, Wave::content, Wave::index, Wave::index, Wave::catalogue));
}

}  // namespace
}  // namespace keepmq::redis::test
