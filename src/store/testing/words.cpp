#include "store/testing/words.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace keepmq::store::testing {

void expect_ok(const std::optional<Failure>& failure) {
    EXPECT_FALSE(failure) << make_error_code(failure->code).message() << ": " << failure->text;
}

void expect_none(const Diagnostics& diagnostics) {
    for (const auto& diagnostic : diagnostics.all()) ADD_FAILURE() << diagnostic.to_string();
}

std::string text_of_file(const std::string& path) {
    const std::ifstream file{path};
    EXPECT_TRUE(file) << path;
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

std::string address_of(std::string_view server) {
    std::string variable = "KEEPMQ_TEST_";
    for (const char c : server)
        variable += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    if (const auto* const address = std::getenv(variable.c_str()))
        return address;
    ADD_FAILURE() << variable << " is not set: run tools/servers up " << server
                  << "; eval \"$(tools/servers env)\"";
    return "127.0.0.1:1";
}

PoolConf pool_conf(const BackendDescriptor& descriptor,
                   Properties properties,
                   const std::string& folder) {
    return with({std::string{descriptor.pool_kind}, "pool1", {}, folder, folder}, properties);
}

PoolConf with(PoolConf conf, Properties properties) {
    for (const auto& [name, value] : properties) {
        const Origin origin{"pool.conf", static_cast<int>(conf.entries.size()) + 1};
        conf.entries.insert_or_assign(name, PoolConf::Entry{value, origin});
    }
    return conf;
}

std::vector<std::string> problems(const BackendDescriptor& descriptor, const PoolConf& conf) {
    Diagnostics diagnostics;
    const auto backend = descriptor.configure(conf, diagnostics);
    EXPECT_EQ(diagnostics.has_errors(), backend == nullptr);
    std::vector<std::string> out;
    for (const auto& diagnostic : diagnostics.all()) out.push_back(diagnostic.to_string());
    return out;
}

void expect_shared_settings_are_checked(const BackendDescriptor& descriptor) {
    using ::testing::AllOf;
    using ::testing::Contains;
    using ::testing::HasSubstr;
    const auto key = "backend." + std::string{descriptor.pool_kind} + ".pool1.";
    for (const auto& [name, wrong] : {std::pair{"server", "host:port"},
                                      {"nodes", "host:port"},
                                      {"pool_size", "0"},
                                      {"size", "0"},
                                      {"readers", "many"},
                                      {"ssl", "yes"},
                                      {"verify", "always"},
                                      {"cacertfile", "no-such-file.pem"},
                                      {"certfile", "no-such-file.pem"},
                                      {"keyfile", "no-such-file.pem"},
                                      {"connect_timeout", "soon"},
                                      {"read_timeout", "0"},
                                      {"auto_create_schema", "maybe"}}) {
        if (std::ranges::count(descriptor.pool_properties, std::string_view{name}) == 0)
            continue;
        EXPECT_THAT(problems(descriptor, pool_conf(descriptor, {{name, wrong}})),
                    Contains(HasSubstr("pool.conf:1: error: " + key + name)));
    }
    EXPECT_THAT(problems(descriptor, pool_conf(descriptor, {{"no_such_setting", "x"}})),
                ::testing::ElementsAre(AllOf(
                    HasSubstr("warning: " + key + "no_such_setting: unknown setting"),
                    HasSubstr("known are " + std::string{descriptor.pool_properties.front()}))));
}

std::unique_ptr<Backend> make_backend(const BackendDescriptor& descriptor, const PoolConf& conf) {
    Diagnostics diagnostics;
    auto backend = descriptor.configure(conf, diagnostics);
    expect_none(diagnostics);
    return backend;
}

WallTime at(std::int64_t second) {
    return WallTime{std::chrono::seconds{1'700'000'000 + second}};
}

MessageId message_id(std::int64_t second) {
    return {static_cast<std::uint64_t>(at(second).time_since_epoch().count()), 7};
}

std::shared_ptr<Message> message(std::int64_t second, std::string_view topic, std::string payload) {
    auto out = std::make_shared<Message>();
    out->id = message_id(second);
    out->topic = TopicName{topic};
    out->payload = std::move(payload);
    out->qos = Qos::at_least_once;
    out->sender = ClientId{"sender"};
    out->at = at(second);
    return out;
}

std::shared_ptr<Message> rich_message() {
    auto out = message(5, "a/b", std::string{"\0'\xff", 3});
    auto properties = std::make_unique<MessageProperties>();
    properties->content_type = "text/plain";
    properties->message_expiry_interval = 60;
    properties->payload_format_indicator = std::uint8_t{1};
    properties->response_topic = "answers";
    properties->correlation_data = std::string{"\0\1", 2};
    properties->user_properties = {{"k", "v"}, {"k", "\"w\""}};
    out->properties = std::move(properties);
    return out;
}

Op store_message(MessagePtr message) {
    return StoreMessage{std::move(message), Keep::all, {}};
}

Execute execute(std::vector<std::vector<std::string>> statements, std::vector<Value> values) {
    auto list = std::make_shared<Statements>();
    for (auto& pieces : statements) list->list.push_back({std::move(pieces), "source", {}});
    return {std::move(list), std::move(values)};
}

std::optional<Failure> write(Connection& connection, const std::vector<Op>& ops, Attempt attempt) {
    std::vector<const Op*> batch;
    for (const auto& op : ops) batch.push_back(&op);
    return connection.write(batch, attempt);
}

MessagePage page_of(Connection& reader, const FetchMessages& query) {
    auto answer = reader.read(query);
    if (const auto* const failure = std::get_if<Failure>(&answer)) {
        ADD_FAILURE() << failure->text;
        return {};
    }
    auto* const page = std::get_if<MessagePage>(&std::get<Reply>(answer));
    if (page == nullptr) {
        ADD_FAILURE() << "not a page of messages";
        return {};
    }
    EXPECT_LE(page->messages.size(), query.limit);
    return std::move(*page);
}

std::vector<MessagePtr> fetch_all(Connection& reader, FetchMessages query, int* pages) {
    // A database may answer with empty pages that have a `next`, but not for ever.
    constexpr int most_pages = 10'000;
    std::vector<MessagePtr> all;
    for (int number = 1; number <= most_pages; ++number) {
        auto page = page_of(reader, query);
        all.insert(all.end(), page.messages.begin(), page.messages.end());
        if (pages != nullptr)
            *pages = number;
        if (!page.next)
            return all;
        query.after = std::move(page.next);
    }
    ADD_FAILURE() << "paging does not end";
    return all;
}

std::vector<std::string> payloads(const std::vector<MessagePtr>& messages) {
    std::vector<std::string> out;
    for (const auto& message : messages) out.push_back(message->payload);
    return out;
}

}  // namespace keepmq::store::testing
