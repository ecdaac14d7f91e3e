#pragma once
// The suite that every database must pass. A backend's contract_test.cpp is a subject and one line:
//
//   class SqliteSubject : public ContractSubject { ... };
//   KEEPMQ_BACKEND_CONTRACT(Sqlite, [] { return std::make_unique<SqliteSubject>(); });

#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/message_id.hpp"
#include "store/backend.hpp"
#include "store/testing/presence.hpp"
#include "store/testing/words.hpp"

namespace keepmq::store::testing {

/// What a database cannot do by its nature. A false answer skips the cases that need it.
struct Capabilities {
    bool sub_second_time = true;     ///< else times are compared by the second
    bool atomic_batches = true;      ///< a refused batch leaves nothing
    bool refuses_operations = true;  ///< `poison` gives an operation
    bool refuses_alone = false;      ///< a refused operation leaves the rest of its batch committed
    bool records_earliest = true;    ///< InitCursor to `earliest` leaves a position
    bool order_across_topics = true;    ///< else only the messages of one topic have an order
    bool retained_apart = true;         ///< else a retained message may be fetched as a stored one
    bool executes_statements = true;    ///< `sample_statements` gives some
    bool reads_presence = true;         ///< `presence` can look into the table
    bool keeps_created = true;          ///< the presence table has a column for it
    bool case_sensitive_keys = true;    ///< else `C` cannot stand beside `c` in one table
    bool binary_payloads = true;        ///< else payloads are text in UTF-8 without U+0000
    std::size_t longest_topic = 65535;  ///< in bytes
    std::size_t largest_payload = std::size_t{4} * 1024 * 1024;
};

/// The database under test, made anew for each case.
class ContractSubject {
  public:
    ContractSubject() = default;
    ContractSubject(const ContractSubject&) = delete;
    ContractSubject& operator=(const ContractSubject&) = delete;
    virtual ~ContractSubject() = default;

    [[nodiscard]] virtual Capabilities capabilities() const { return {}; }

    /// A pool with empty tables; called once, first.
    [[nodiscard]] virtual std::shared_ptr<const Backend> fresh() = 0;

    /// A pool on the same tables after all connections were closed; kills the server where it can.
    [[nodiscard]] virtual std::shared_ptr<const Backend> reopen() = 0;

    /// Writes a row that LookupSubscriptions finds.
    virtual void provision_subscription(const ClientId& client,
                                        const TopicFilter& filter,
                                        int qos) = 0;

    /// The client's row, read with the subject's own means.
    [[nodiscard]] virtual std::optional<Presence> presence(const ClientId& /*client*/) {
        return {};
    }

    /// An operation that this database refuses permanently; needed if refuses_operations.
    [[nodiscard]] virtual std::optional<Op> poison() { return {}; }

    /// Two statements; each has the parameters (text key, bytes value) and writes them somewhere:
    /// the second under the key with `.2` added by the statement itself.
    [[nodiscard]] virtual std::shared_ptr<const Statements> sample_statements() { return {}; }
    /// What `sample_statements` wrote under the key; no value: nothing, or NULL.
    [[nodiscard]] virtual std::optional<std::string> sample_value(std::string_view /*key*/) {
        return {};
    }
};

using SubjectFactory = std::function<std::unique_ptr<ContractSubject>()>;

/// Fixture: a fresh database, one writer and one reader connection, and words to say things
/// shortly.
class BackendContract : public ::testing::TestWithParam<SubjectFactory> {
  protected:
    void SetUp() override;
    void TearDown() override;

    // Messages. Identifiers grow with each call; `at` is one second later each time.
    [[nodiscard]] MessagePtr message(std::string_view topic, std::string_view payload = "x");
    [[nodiscard]] std::shared_ptr<Message> draft(std::string_view topic,
                                                 std::string_view payload = "x");
    [[nodiscard]] WallTime tick();
    /// The payload, or without what a column of text cannot hold.
    [[nodiscard]] std::string holdable(std::string payload) const;

    // Writes; failures fail the test.
    void write(std::vector<Op> batch, Attempt attempt = Attempt::first);
    [[nodiscard]] std::optional<Failure> try_write(const std::vector<Op>& batch,
                                                   Attempt attempt = Attempt::first);
    MessagePtr store(std::string_view topic, std::string_view payload = "x");
    void advance(std::string_view client, const MessagePtr& to);
    void init(std::string_view client,
              std::string_view filter,
              FetchFrom from = FetchFrom::earliest);

    // Reads; failures fail the test.
    [[nodiscard]] Reply ask(const Query& query);
    [[nodiscard]] std::vector<MessagePtr> fetch_all(const FetchMessages& query);
    [[nodiscard]] std::vector<std::string> fetch(std::string_view client,
                                                 std::string_view filter,
                                                 FetchMode mode = FetchMode::after_cursor);
    [[nodiscard]] std::vector<std::string> retained(std::string_view filter);
    [[nodiscard]] std::vector<StoredSubscription> subscriptions(std::string_view client);

    /// Writes the batch, of which the operation at `index` is refused and all others are committed.
    void expect_refused_alone(const std::vector<Op>& batch, std::size_t index);

    /// Closes both connections and comes back with new ones to the same tables.
    void reopen();

    void expect_same(const Message& expected, const MessagePtr& read) const;
    void expect_same(WallTime expected, std::optional<WallTime> read) const;

    Capabilities can_;
    std::unique_ptr<ContractSubject> subject_;
    std::shared_ptr<const Backend> backend_;
    std::unique_ptr<Connection> writer_;
    std::unique_ptr<Connection> reader_;

  private:
    void connect();

    MessageIdSource ids_{0xC0FFEE};
    WallTime now_{std::chrono::sys_days{std::chrono::year{2024} / 2 / 29}};
};

/// Passes the factory on, and makes the linker keep the cases, which nothing else refers to.
[[nodiscard]] SubjectFactory with_all_cases(SubjectFactory factory);

}  // namespace keepmq::store::testing

#define KEEPMQ_BACKEND_CONTRACT(name, ...)                                   \
    namespace keepmq::store::testing {                                       \
    INSTANTIATE_TEST_SUITE_P(name,                                           \
                             BackendContract,                                \
                             ::testing::Values(with_all_cases(__VA_ARGS__)), \
                             [](const auto&) { return std::string{"db"}; }); \
    }
