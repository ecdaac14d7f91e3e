#include "store/testing/backend_contract.hpp"

#include <algorithm>
#include <utility>

#include "store/testing/contract_parts.hpp"

namespace keepmq::store::testing {

// Programs that link this library for its fakes only have no subject for the suite.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(BackendContract);

SubjectFactory with_all_cases(SubjectFactory factory) {
    keep_contract_batches();
    keep_contract_cursors();
    keep_contract_fetch();
    keep_contract_messages();
    keep_contract_state();
    return factory;
}

void BackendContract::SetUp() {
    subject_ = GetParam()();
    can_ = subject_->capabilities();
    backend_ = subject_->fresh();
    ASSERT_TRUE(backend_);
    connect();
}

void BackendContract::TearDown() {
    writer_.reset();
    reader_.reset();
}

void BackendContract::connect() {
    writer_ = backend_->connect(Role::writer);
    reader_ = backend_->connect(Role::reader);
    for (Connection* connection : {writer_.get(), reader_.get()}) {
        const auto failure = connection->open();
        ASSERT_FALSE(failure) << failure->text;
    }
}

void BackendContract::reopen() {
    writer_.reset();
    reader_.reset();
    backend_ = subject_->reopen();
    ASSERT_TRUE(backend_);
    connect();
}

// --- messages -----------------------------------------------------------------------------------

WallTime BackendContract::tick() {
    // Microseconds that no rounding leaves alone.
    return now_ += Micros{1'000'001};
}

std::string BackendContract::holdable(std::string payload) const {
    if (!can_.binary_payloads)
        std::erase_if(payload, [](char c) { return c == '\0' || (c & '\x80') != 0; });
    return payload;
}

std::shared_ptr<Message> BackendContract::draft(std::string_view topic, std::string_view payload) {
    auto message = std::make_shared<Message>();
    message->at = tick();
    message->id = ids_.next(message->at);
    message->topic = TopicName{topic};
    message->payload = payload;
    message->qos = Qos::at_least_once;
    message->sender = ClientId{"publisher"};
    message->stored = true;
    return message;
}

MessagePtr BackendContract::message(std::string_view topic, std::string_view payload) {
    return draft(topic, payload);
}

// --- writes -------------------------------------------------------------------------------------

std::optional<Failure> BackendContract::try_write(const std::vector<Op>& batch, Attempt attempt) {
    std::vector<const Op*> pointers;
    for (const Op& op : batch) pointers.push_back(&op);
    return writer_->write(pointers, attempt);
}

void BackendContract::write(std::vector<Op> batch, Attempt attempt) {
    const auto failure = try_write(batch, attempt);
    ASSERT_FALSE(failure) << make_error_code(failure->code).message() << ": " << failure->text;
}

void BackendContract::expect_refused_alone(const std::vector<Op>& batch, std::size_t index) {
    write(batch);
    const auto refused = writer_->take_refused();
    ASSERT_EQ(refused.size(), 1U);
    EXPECT_EQ(refused[0].index, index);
    EXPECT_TRUE(is_permanent(refused[0].failure.code));
    EXPECT_FALSE(refused[0].failure.text.empty());
    EXPECT_TRUE(writer_->take_refused().empty());
}

MessagePtr BackendContract::store(std::string_view topic, std::string_view payload) {
    auto made = message(topic, payload);
    write({StoreMessage{made, Keep::all, {}}});
    return made;
}

void BackendContract::advance(std::string_view client, const MessagePtr& to) {
    write({AdvanceCursor{ClientId{client}, to->topic, to->id, tick()}});
}

void BackendContract::init(std::string_view client, std::string_view filter, FetchFrom from) {
    write({InitCursor{ClientId{client}, TopicFilter{filter}, from, tick()}});
}

// --- reads --------------------------------------------------------------------------------------

Reply BackendContract::ask(const Query& query) {
    auto result = reader_->read(query);
    if (const auto* failure = std::get_if<Failure>(&result)) {
        ADD_FAILURE() << make_error_code(failure->code).message() << ": " << failure->text;
        return {};
    }
    return std::get<Reply>(std::move(result));
}

std::vector<MessagePtr> BackendContract::fetch_all(const FetchMessages& query) {
    auto all = testing::fetch_all(*reader_, query);
    for (const auto& one : all) EXPECT_TRUE(one->stored);
    return all;
}

std::vector<std::string> BackendContract::fetch(std::string_view client,
                                                std::string_view filter,
                                                FetchMode mode) {
    FetchMessages query;
    query.client = ClientId{client};
    query.filter = TopicFilter{filter};
    query.mode = mode;
    return payloads(fetch_all(query));
}

std::vector<std::string> BackendContract::retained(std::string_view filter) {
    const Reply reply = ask(LookupRetained{TopicFilter{filter}});
    const auto* page = std::get_if<MessagePage>(&reply);
    if (page == nullptr) {
        ADD_FAILURE() << "not a page of messages";
        return {};
    }
    EXPECT_FALSE(page->next);
    auto found = payloads(page->messages);
    std::ranges::sort(found);  // their order means nothing
    return found;
}

std::vector<StoredSubscription> BackendContract::subscriptions(std::string_view client) {
    const Reply reply = ask(LookupSubscriptions{ClientId{client}});
    const auto* found = std::get_if<std::vector<StoredSubscription>>(&reply);
    if (found == nullptr) {
        ADD_FAILURE() << "not a list of subscriptions";
        return {};
    }
    return *found;
}

void BackendContract::expect_same(WallTime expected, std::optional<WallTime> read) const {
    ASSERT_TRUE(read);
    if (can_.sub_second_time)
        EXPECT_EQ(read->time_since_epoch().count(), expected.time_since_epoch().count());
    else
        EXPECT_EQ(std::chrono::floor<std::chrono::seconds>(*read),
                  std::chrono::floor<std::chrono::seconds>(expected));
}

void BackendContract::expect_same(const Message& expected, const MessagePtr& read) const {
    ASSERT_TRUE(read);
    EXPECT_EQ(read->id.to_string(), expected.id.to_string());
    EXPECT_TRUE(read->topic == expected.topic)
        << "topic of " << read->topic.str().size() << " bytes";
    EXPECT_TRUE(read->payload == expected.payload)
        << "payload of " << read->payload.size() << " bytes, not " << expected.payload.size();
    EXPECT_EQ(read->qos, expected.qos);
    EXPECT_EQ(read->retain, expected.retain);
    EXPECT_EQ(read->sender.str(), expected.sender.str());
    expect_same(expected.at, read->at);
}

}  // namespace keepmq::store::testing
