#include "sessions/load.hpp"

#include <unordered_map>
#include <utility>

#include "sessions/properties.hpp"

namespace keepmq::sessions {
namespace {

using namespace broker;

WallTime time_of(std::int64_t micros) {
    return WallTime{Micros{micros}};
}

class Loading {
  public:
    Loading(sqlite3* database, std::vector<Change>& into) : database_{database}, into_{into} {}

    /// Once one has failed, the others do nothing.
    void each(const std::string& sql,
              const char* table,
              const std::function<bool(Statement&)>& take) {
        if (problem_.text.empty())
            problem_ = each_row(database_, sql, table, take);
    }

    void sessions();
    void subscriptions();
    void messages();
    void deliveries();
    void incoming();
    void retained();
    void wills();

    [[nodiscard]] const LoadProblem& problem() const { return problem_; }

  private:
    sqlite3* database_;
    std::vector<Change>& into_;
    LoadProblem problem_;
    std::unordered_map<std::int64_t, MessagePtr> messages_;
};

void Loading::sessions() {
    each(
        "select session,client,username,peerhost,peer_port,keep_alive,version,clean_start,"
        "expiry,created_at,connected_at,disconnected_at from sessions",
        "sessions",
        [&](Statement& row) {
            SessionKept kept;
            row.read(kept.session);
            kept.client = ClientId{row.bytes()};
            kept.username = row.bytes();
            kept.peerhost = row.bytes();
            row.read(kept.peer_port);
            row.read(kept.keep_alive);
            const auto version = row.number();
            kept.version = static_cast<mqtt::ProtocolVersion>(version);
            kept.clean_start = row.number() != 0;
            row.read(kept.expiry_interval);
            kept.created_at = time_of(row.number());
            kept.connected_at = time_of(row.number());
            if (!row.is_null())
                kept.disconnected_at = time_of(row.number());
            const bool valid = kept.session != 0 && version >= 3 && version <= 5;
            into_.emplace_back(std::move(kept));
            return valid;
        });
}

void Loading::subscriptions() {
    each(
        "select session,filter,identifier,number,qos,no_local,retain_as_published,replays,"
        "retain_handling from subscriptions",
        "subscriptions",
        [&](Statement& row) {
            SubscriptionKept kept;
            row.read(kept.session);
            kept.filter = row.bytes();
            row.read(kept.identifier);
            row.read(kept.number);
            const auto qos = row.number();
            kept.qos = static_cast<Qos>(qos);
            kept.no_local = row.number() != 0;
            kept.retain_as_published = row.number() != 0;
            kept.replays = row.number() != 0;
            const auto handling = row.number();
            kept.retain_handling = static_cast<mqtt::RetainHandling>(handling);
            into_.emplace_back(std::move(kept));
            return qos >= 0 && qos <= 2 && handling >= 0 && handling <= 2;
        });
}

void Loading::messages() {
    each(std::string{"select message,"} + message_columns + " from messages",
         "messages",
         [&](Statement& row) {
             const auto number = row.number();
             auto message = read_message(row);
             const bool valid = message != nullptr;
             messages_[number] = std::move(message);
             return valid;
         });
}

void Loading::deliveries() {
    each(
        "select number,session,message,identifiers,share,qos,retain,tracked,leased,held,"
        "packet_id,released from deliveries order by number",
        "deliveries",
        [&](Statement& row) {
            DeliveryKept kept;
            row.read(kept.number);
            row.read(kept.session);
            const auto message = row.number();
            auto identifiers = decode_numbers(row.bytes());
            kept.share = row.bytes();
            const auto qos = row.number();
            kept.qos = static_cast<Qos>(qos);
            kept.retain = row.number() != 0;
            kept.tracked = row.number() != 0;
            kept.leased = row.number() != 0;
            kept.held = row.number() != 0;
            row.read(kept.packet_id);
            kept.released = row.number() != 0;
            if (message != 0) {
                const auto found = messages_.find(message);
                if (found == messages_.end())
                    return false;
                kept.message = found->second;
            }
            const bool valid = identifiers && (qos == 1 || qos == 2) &&
                               (kept.message || (kept.released && kept.packet_id != 0));
            if (identifiers)
                kept.identifiers = std::move(*identifiers);
            into_.emplace_back(std::move(kept));
            return valid;
        });
}

void Loading::incoming() {
    each("select session,packet_id,stage,msgid from incoming", "incoming", [&](Statement& row) {
        IncomingKept kept;
        row.read(kept.session);
        row.read(kept.packet_id);
        const auto stage = row.number();
        kept.stage = static_cast<Stage>(stage);
        const auto id = MessageId::parse(row.bytes());
        kept.id = id.value_or(MessageId{});
        into_.emplace_back(kept);
        return id && stage >= 0 && stage <= static_cast<int>(Stage::settled);
    });
}

void Loading::retained() {
    each(std::string{"select "} + message_columns + " from retained",
         "retained",
         [&](Statement& row) {
             auto message = read_message(row);
             const bool valid = message != nullptr;
             into_.emplace_back(RetainedKept{std::move(message)});
             return valid;
         });
}

void Loading::wills() {
    each(std::string{"select session,delay,due,"} + message_columns + " from wills",
         "wills",
         [&](Statement& row) {
             WillKept kept;
             row.read(kept.session);
             row.read(kept.delay);
             if (row.is_null())
                 row.skip();
             else
                 kept.due = time_of(row.number());
             kept.message = read_message(row);
             const bool valid = kept.message != nullptr;
             into_.emplace_back(std::move(kept));
             return valid;
         });
}

}  // namespace

std::shared_ptr<Message> read_message(Statement& row) {
    auto message = std::make_shared<Message>();
    const auto id = MessageId::parse(row.bytes());
    message->topic = TopicName{row.bytes()};
    message->payload = row.bytes();
    const auto qos = row.number();
    message->qos = static_cast<Qos>(qos);
    message->retain = row.number() != 0;
    message->stored = row.number() != 0;
    message->sender = ClientId{row.bytes()};
    message->username = row.bytes();
    message->peerhost = row.bytes();
    message->at = time_of(row.number());
    auto properties = decode_properties(row.bytes());
    if (!id || qos < 0 || qos > 2 || !properties || message->topic.empty())
        return nullptr;
    message->id = *id;
    message->properties = std::move(*properties);
    return message;
}

void bind_message(Statement& statement, const Message& message, std::string& scratch) {
    // One buffer for both texts that are made here: it must live until the statement was run.
    scratch = message.id.to_string() + encode(message.properties.get());
    const std::string_view made{scratch};
    statement.bind(made.substr(0, MessageId::text_size))
        .bind(message.topic.view())
        .bind_blob(message.payload)
        .bind(static_cast<int>(message.qos))
        .bind(message.retain)
        .bind(message.stored)
        .bind(message.sender.view())
        .bind(message.username)
        .bind(message.peerhost)
        .bind(message.at.time_since_epoch().count());
    if (message.properties)
        statement.bind_blob(made.substr(MessageId::text_size));
    else
        statement.bind_null();
}

LoadProblem each_row(sqlite3* database,
                     const std::string& sql,
                     const std::string& table,
                     const std::function<bool(Statement&)>& take) {
    Statement rows{database, sql.c_str()};
    int status = rows ? rows.step() : SQLITE_ERROR;
    for (; status == SQLITE_ROW; status = rows.step())
        if (!take(rows))
            return {"a row of the table " + table + " makes no sense", true};
    if (status == SQLITE_DONE)
        return {};
    return {std::string{sqlite3_errmsg(database)} + " in the table " + table,
            embedded::is_damage(sqlite3_errcode(database))};
}

LoadProblem load_rows(sqlite3* database, std::vector<Change>& into) {
    Loading loading{database, into};
    loading.sessions();
    loading.subscriptions();
    loading.incoming();
    loading.retained();
    loading.wills();
    return loading.problem();
}

LoadProblem load_deliveries_1(sqlite3* database, std::vector<Change>& into) {
    Loading loading{database, into};
    loading.messages();
    loading.deliveries();
    return loading.problem();
}

}  // namespace keepmq::sessions
