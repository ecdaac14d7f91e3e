#pragma once
// Words that the tests of backends say things with: settings, messages, operations, the server
// under test. For the contract suite see backend_contract.hpp.

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/message.hpp"
#include "store/backend.hpp"
#include "store/op.hpp"
#include "store/pool_settings.hpp"

namespace keepmq::store::testing {

/// Fails the test if there is a failure.
void expect_ok(const std::optional<Failure>& failure);

/// Fails the test for each.
void expect_none(const Diagnostics& diagnostics);

/// The text of a file; without it the test fails.
[[nodiscard]] std::string text_of_file(const std::string& path);

// --- the server ----------------------------------------------------------------------------------

/// host:port of a server of tools/servers, such as `pgsql`: from KEEPMQ_TEST_PGSQL. Without it the
/// test fails, and nobody listens there.
[[nodiscard]] std::string address_of(std::string_view server);

// --- settings ------------------------------------------------------------------------------------

using Properties = std::initializer_list<std::pair<const char*, std::string>>;

/// `pool1`, as if each of the properties stood in a line of its own. All files are in `folder`.
[[nodiscard]] PoolConf pool_conf(const BackendDescriptor& descriptor,
                                 Properties properties = {},
                                 const std::string& folder = "/data");
/// Adds lines; they replace properties that are there already.
[[nodiscard]] PoolConf with(PoolConf conf, Properties properties);

/// What is said about the settings, and that they are refused if an error is said.
[[nodiscard]] std::vector<std::string> problems(const BackendDescriptor& descriptor,
                                                const PoolConf& conf);
/// Each setting that this backend shares with others is refused if it is wrong; one that it does
/// not know is warned of.
void expect_shared_settings_are_checked(const BackendDescriptor& descriptor);
/// Fails the test if anything is said about the settings.
template <class Settings>
[[nodiscard]] Settings settings_of(const PoolConf& conf) {
    Diagnostics diagnostics;
    auto settings = read_settings<Settings>(conf, diagnostics);
    expect_none(diagnostics);
    return settings.value_or(Settings{});
}
[[nodiscard]] std::unique_ptr<Backend> make_backend(const BackendDescriptor& descriptor,
                                                    const PoolConf& conf);

// --- messages and operations ---------------------------------------------------------------------

/// So many seconds after a moment in 2023.
[[nodiscard]] WallTime at(std::int64_t second);
[[nodiscard]] MessageId message_id(std::int64_t second);
/// QoS 1, from `sender`, received at(second) with message_id(second).
[[nodiscard]] std::shared_ptr<Message> message(std::int64_t second,
                                               std::string_view topic,
                                               std::string payload = "x");
/// message(5, "a/b") with a payload that is no text, and properties of MQTT 5.
[[nodiscard]] std::shared_ptr<Message> rich_message();

[[nodiscard]] Op store_message(MessagePtr message);
/// Statements of a user, whose parameters stand between the pieces.
[[nodiscard]] Execute execute(std::vector<std::vector<std::string>> statements,
                              std::vector<Value> values = {});

[[nodiscard]] std::optional<Failure> write(Connection& connection,
                                           const std::vector<Op>& ops,
                                           Attempt attempt = Attempt::first);

/// One page. After a failure the test fails and it is empty.
[[nodiscard]] MessagePage page_of(Connection& reader, const FetchMessages& query);
/// All pages, of which each may be short or empty.
[[nodiscard]] std::vector<MessagePtr> fetch_all(Connection& reader,
                                                FetchMessages query,
                                                int* pages = nullptr);
/// In order.
[[nodiscard]] std::vector<std::string> payloads(const std::vector<MessagePtr>& messages);

}  // namespace keepmq::store::testing
