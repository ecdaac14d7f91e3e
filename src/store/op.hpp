#pragma once
// Everything that is ever asked of a database, as data. Writes (`Op`) go through the lanes of a
// pool and commit in batches; reads (`Query`) run on reader connections.
//
// A new operation is a compile error in each backend that has not thought about it.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "model/ids.hpp"
#include "model/message.hpp"
#include "store/value.hpp"

namespace keepmq::store {

// --- writes ------------------------------------------------------------------------------------

/// Upsert by client: online at `at`, offline time cleared; `created` is set by the first one only.
struct ClientOnline {
    ClientId client;
    std::string node;
    WallTime at;
};

/// Offline at `at`, unless the row shows a connect that is newer than `connected_at`.
struct ClientOffline {
    ClientId client;
    std::string node;
    WallTime at;
    WallTime connected_at;
};

enum class Keep : std::uint8_t { all, latest };

/// How a database that has documents keeps a payload: as what it is, or a JSON payload as one.
enum class PayloadForm : std::uint8_t { bytes, document };

/// Insert by message id; a second one with the same id changes nothing. `latest` also removes the
/// older messages of the topic.
struct StoreMessage {
    MessagePtr message;
    Keep keep = Keep::all;
    std::optional<std::chrono::seconds> time_to_live;  ///< where the database can expire records
    PayloadForm form = PayloadForm::bytes;
};

/// Upsert by topic; an older message (by id) never replaces a newer one.
struct StoreRetained {
    MessagePtr message;
    std::optional<std::chrono::seconds> time_to_live;
    PayloadForm form = PayloadForm::bytes;
};

struct DeleteRetained {
    TopicName topic;
};

enum class FetchFrom : std::uint8_t { earliest, latest };

/// Creates the read position of (client, filter) if there is none: before the first stored message,
/// or after the newest one of the topic (of all topics, for a filter with wildcards). The value is
/// computed when the operation runs, in lane order. Filters with wildcards always use `latest`.
struct InitCursor {
    ClientId client;
    TopicFilter filter;
    FetchFrom from = FetchFrom::earliest;
    WallTime at;
};

/// Moves the read position of (client, topic) to the stored message `id`; never backwards. Does
/// nothing when no such message is stored. Creates the position if there is none.
struct AdvanceCursor {
    ClientId client;
    TopicName topic;
    MessageId id;
    WallTime at;
};

struct DeleteCursor {
    ClientId client;
    TopicFilter filter;
};

/// One-to-one: the message was acknowledged and leaves the store.
struct RemoveMessage {
    TopicName topic;
    MessageId id;
};

/// The user's own statements, all or none of them.
struct Execute {
    std::shared_ptr<const Statements> statements;
    std::vector<Value> values;  ///< of all statements, one after the other
};

using Op = std::variant<ClientOnline,
                        ClientOffline,
                        StoreMessage,
                        StoreRetained,
                        DeleteRetained,
                        InitCursor,
                        AdvanceCursor,
                        DeleteCursor,
                        RemoveMessage,
                        Execute>;

/// `store_message`, `advance_cursor`, ...: for logs, metrics and dead letters.
[[nodiscard]] std::string_view name_of(const Op& op);

// --- reads -------------------------------------------------------------------------------------

/// A place in the store's order of messages; opaque outside the backend that made it.
struct Position {
    std::string token;
    friend bool operator==(const Position&, const Position&) = default;
};

struct LookupSubscriptions {
    ClientId client;
};

/// Retained messages whose topic matches the filter.
struct LookupRetained {
    TopicFilter filter;
};

enum class FetchMode : std::uint8_t {
    after_cursor,  ///< one-to-many: beyond the read position of the client
    queue,         ///< one-to-one: all that is stored
    latest,        ///< the newest message per topic, if it is beyond the read position
};

/// One page of stored messages in store order.
/// `after_cursor` with wildcards: a message counts when it is beyond the position of (client,
/// filter) and beyond the position of (client, its topic), where there is one.
struct FetchMessages {
    ClientId client;
    TopicFilter filter;
    FetchMode mode = FetchMode::after_cursor;
    std::optional<Position> after;  ///< last page's `next`; absent for the first page
    std::size_t limit = 100;        ///< at most so many messages in the page
    std::optional<WallTime> not_before;
};

using Query = std::variant<LookupSubscriptions, LookupRetained, FetchMessages>;

struct StoredSubscription {
    TopicFilter filter;
    std::int64_t qos = 0;  ///< as stored; the reader of it checks the range
};

/// `next` is set while more messages may follow; a page may be empty and still have a `next`.
/// Messages come with `stored == true`.
struct MessagePage {
    std::vector<MessagePtr> messages;
    std::optional<Position> next;
};

using Reply = std::variant<std::monostate,                   // writes
                           std::vector<StoredSubscription>,  // LookupSubscriptions
                           MessagePage>;  // LookupRetained (no next), FetchMessages

}  // namespace keepmq::store
