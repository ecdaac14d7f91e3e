// What an operation is written as is read as the same operation, and nothing else is read.

#include "store/op_codec.hpp"

#include <gmock/gmock.h>

#include <cstdint>
#include <limits>

#include "store/op_json.hpp"
#include "support.hpp"

namespace keepmq::store::testing {
namespace {

using ::testing::HasSubstr;

const std::string odd_bytes{"\0\xff'\"\n\x80", 6};
const WallTime early{Micros{-5}};
const WallTime late{Micros{std::numeric_limits<std::int64_t>::max()}};

MessagePtr full_message() {
    auto made = std::make_shared<Message>();
    made->id = MessageId{1'234'567, 0xffff'ffff'ffff'ffffU};
    made->topic = TopicName{"a/ü/" + std::string(300, 'x')};
    made->payload = odd_bytes + std::string(70'000, 'p');
    made->qos = Qos::exactly_once;
    made->retain = true;
    made->stored = true;
    made->sender = ClientId{"dev\"1\""};
    made->username = "user";
    made->peerhost = "::1";
    made->at = late;
    auto properties = std::make_unique<MessageProperties>();
    properties->payload_format_indicator = std::uint8_t{1};
    properties->message_expiry_interval = std::numeric_limits<std::uint32_t>::max();
    properties->content_type = "";
    properties->response_topic = "answer";
    properties->correlation_data = odd_bytes;
    properties->user_properties = {{"a", "b"}, {"", ""}, {"a", odd_bytes}};
    made->properties = std::move(properties);
    return made;
}

std::shared_ptr<const Statements> two_statements() {
    auto made = std::make_shared<Statements>();
    made->list.push_back(
        {{"insert into t values (", ", ", ")"}, "insert ${a} ${b}", {"x.conf", 17}});
    made->list.push_back({{"delete"}, "delete", {"", -1}});
    made->list.push_back({{"set ", "", "", ""}, "set", {"y", 1}});
    return made;
}

/// Every kind, with every member that may be there and without.
std::vector<Op> every_op() {
    const ClientId client{"c"};
    return {
        ClientOnline{client, "node@host", early},
        ClientOffline{client, "", late, early},
        store_op(1),
        StoreMessage{full_message(), Keep::latest, std::chrono::seconds{-9}, PayloadForm::document},
        StoreRetained{full_message(), {}, PayloadForm::bytes},
        StoreRetained{message(2), std::chrono::seconds{9}, PayloadForm::document},
        DeleteRetained{TopicName{"t"}},
        InitCursor{client, TopicFilter{"a/#"}, FetchFrom::latest, late},
        InitCursor{client, TopicFilter{""}, FetchFrom::earliest, early},
        AdvanceCursor{ClientId{""}, TopicName{"t"}, MessageId{3, 4}, late},
        DeleteCursor{client, TopicFilter{"+"}},
        RemoveMessage{TopicName{"t"}, MessageId{4, 1}},
        Execute{std::make_shared<Statements>(), {}},
        Execute{two_statements(),
                {std::monostate{},
                 std::numeric_limits<std::int64_t>::min(),
                 -0.5,
                 std::string{odd_bytes},
                 Bytes{odd_bytes}}}};
}

Op decoded(OpDecoder& decoder, const std::string& bytes) {
    auto read = decoder.decode(bytes);
    if (const auto* why = std::get_if<std::string>(&read)) {
        ADD_FAILURE() << *why;
        return DeleteRetained{};
    }
    return std::get<Op>(std::move(read));
}

std::string refusal(const std::string& bytes) {
    OpDecoder decoder;
    const auto read = decoder.decode(bytes);
    const auto* why = std::get_if<std::string>(&read);
    return why == nullptr ? "" : *why;
}

const Message* message_in(const Op& op) {
    if (const auto* store = std::get_if<StoreMessage>(&op))
        return store->message.get();
    const auto* retained = std::get_if<StoreRetained>(&op);
    return retained == nullptr ? nullptr : retained->message.get();
}

TEST(OpCodec, ReadsEveryOperationAsItWas) {
    OpDecoder decoder;
    std::size_t kinds = 0;
    for (const Op& op : every_op()) {
        kinds = std::max(kinds, op.index() + 1);
        const Op again = decoded(decoder, encode(op));
        EXPECT_EQ(again.index(), op.index());
        // The JSON has all but the payload, the flag of stored messages and places in files.
        EXPECT_EQ(to_json(again), to_json(op));
        EXPECT_EQ(encode(again), encode(op)) << name_of(op);
        if (const Message* before = message_in(op)) {
            EXPECT_EQ(message_in(again)->payload, before->payload);
            EXPECT_EQ(message_in(again)->stored, before->stored);
            EXPECT_EQ(message_in(again)->properties != nullptr, before->properties != nullptr);
        }
    }
    EXPECT_EQ(kinds, std::variant_size_v<Op>);
}

TEST(OpCodec, KeepsTheStatementsAndTheirPlace) {
    OpDecoder decoder;
    const std::vector<Value> values{
        std::monostate{}, std::int64_t{-1}, 2.5, std::string{"text"}, Bytes{odd_bytes}};
    const auto again =
        std::get<Execute>(decoded(decoder, encode(Execute{two_statements(), values})));
    EXPECT_EQ(again.values, values);
    ASSERT_EQ(again.statements->list.size(), 3U);
    EXPECT_EQ(again.statements->list[0].pieces, two_statements()->list[0].pieces);
    EXPECT_EQ(again.statements->list[0].source, "insert ${a} ${b}");
    EXPECT_EQ(again.statements->list[0].origin.file, "x.conf");
    EXPECT_EQ(again.statements->list[0].origin.line, 17);
}

TEST(OpCodec, OperationsOfOneRuleShareTheirStatements) {
    OpDecoder decoder;
    auto other = std::make_shared<Statements>();
    other->list.push_back({{"select 1"}, "select 1", {}});
    const auto first = decoded(decoder, encode(Execute{two_statements(), std::vector<Value>(5)}));
    const auto second = decoded(decoder, encode(Execute{two_statements(), std::vector<Value>(5)}));
    const auto third = decoded(decoder, encode(Execute{other, {}}));
    EXPECT_EQ(std::get<Execute>(first).statements, std::get<Execute>(second).statements);
    EXPECT_NE(std::get<Execute>(first).statements, std::get<Execute>(third).statements);
}

TEST(OpCodec, RefusesWhatIsCutOffOrHasMore) {
    OpDecoder decoder;
    for (const Op& op : every_op()) {
        const std::string whole = encode(op);
        // A long payload need not be cut at each of its bytes.
        for (std::size_t size = 0; size < whole.size(); size += size < 400 ? 1 : 997)
            EXPECT_NE(refusal(whole.substr(0, size)), "") << name_of(op) << " cut at " << size;
        EXPECT_NE(refusal(whole + '\0'), "") << name_of(op);
    }
    EXPECT_THAT(refusal(""), HasSubstr("cut off at byte 0"));
}

TEST(OpCodec, RefusesWhatItDoesNotKnow) {
    EXPECT_THAT(refusal("\x02\x01"), HasSubstr("form 2"));
    EXPECT_THAT(refusal(std::string("\x01\x00", 2)), HasSubstr("no operation"));
    EXPECT_THAT(refusal("\x01\x0b"), HasSubstr("no operation"));
    // Lengths that would not fit into memory, or into a number.
    EXPECT_THAT(refusal("\x01\x05\xff\xff\xff\xff\x7f"), HasSubstr("cut off"));
    EXPECT_THAT(refusal("\x01\x05" + std::string(20, '\xff')), HasSubstr("too long"));
    // Choices out of their range: the last byte of these is one.
    for (Op op : {Op{StoreMessage{message(1), Keep::all, {}, PayloadForm::bytes}},
                  Op{StoreRetained{message(1), {}, PayloadForm::bytes}}}) {
        std::string bytes = encode(op);
        bytes.back() = '\x02';
        EXPECT_THAT(refusal(bytes), HasSubstr("unknown choice"));
    }
}

TEST(OpCodec, RefusesStatementsThatDoNotFitTheirValues) {
    EXPECT_THAT(refusal(encode(Execute{two_statements(), std::vector<Value>(4)})),
                HasSubstr("parameters"));
    EXPECT_THAT(refusal(encode(Execute{two_statements(), std::vector<Value>(6)})),
                HasSubstr("parameters"));
    auto empty = std::make_shared<Statements>();
    empty->list.emplace_back();
    EXPECT_THAT(refusal(encode(Execute{empty, {}})), HasSubstr("without text"));
}

TEST(OpCodec, AnyByteMayBeWrong) {
    // Whatever comes out, it is a refusal or an operation that can be written again.
    OpDecoder decoder;
    for (const Op& op : every_op()) {
        const std::string whole = encode(op);
        for (std::size_t i = 0; i < std::min<std::size_t>(whole.size(), 200); ++i)
            for (const unsigned flip : {1U, 0x80U, 0xffU}) {
                std::string bytes = whole;
                bytes[i] = static_cast<char>(static_cast<unsigned char>(bytes[i]) ^ flip);
                const auto read = decoder.decode(bytes);
                const auto* as = std::get_if<Op>(&read);
                EXPECT_TRUE(as == nullptr || decoder.decode(encode(*as)).index() == 0U);
            }
    }
}

}  // namespace
}  // namespace keepmq::store::testing
