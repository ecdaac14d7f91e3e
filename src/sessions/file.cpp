#include "sessions/file.hpp"

#include <algorithm>
#include <functional>
#include <unordered_map>
#include <utility>

#include "base/sqlite.hpp"
#include "sessions/load.hpp"
#include "sessions/properties.hpp"

namespace keepmq::sessions {
namespace {

using namespace broker;
using embedded::Database;
using embedded::execute;

constexpr int version = 1;

#define KEEPMQ_MESSAGE_COLUMNS                                                           \
    "msgid text not null, topic text not null, payload blob not null, qos int not null," \
    "retain int not null, stored int not null, sender text not null,"                    \
    "username text not null, peerhost text not null, at int not null, properties blob"

constexpr const char* schema =
    "create table if not exists sessions(session integer primary key, client text not null,"
    " username text not null, peerhost text not null, peer_port int not null,"
    " keep_alive int not null, version int not null, clean_start int not null,"
    " expiry int not null, created_at int not null, connected_at int not null,"
    " disconnected_at int);"
    "create table if not exists subscriptions(session int not null, filter text not null,"
    " identifier int not null, number int not null, qos int not null, no_local int not null,"
    " retain_as_published int not null, replays int not null, retain_handling int not null,"
    " primary key(session, filter)) without rowid;"
    "create table if not exists messages(message integer primary key, " KEEPMQ_MESSAGE_COLUMNS
    ");"
    "create table if not exists deliveries(number integer primary key, session int not null,"
    " message int not null, identifiers blob, share text not null, qos int not null,"
    " retain int not null, tracked int not null, leased int not null, held int not null,"
    " packet_id int not null,"
    " released int not null);"
    "create table if not exists incoming(session int not null, packet_id int not null,"
    " stage int not null, msgid text not null, primary key(session, packet_id)) without rowid;"
    "create table if not exists retained(" KEEPMQ_MESSAGE_COLUMNS
    ", primary key(topic)) without rowid;"
    "create table if not exists wills(session integer primary key, delay int not null, due "
    "int, " KEEPMQ_MESSAGE_COLUMNS ");";

#undef KEEPMQ_MESSAGE_COLUMNS

Failure failure_of(sqlite3* database, const std::string& path) {
    const int code = sqlite3_errcode(database) & 0xff;
    return {path + ": " + sqlite3_errmsg(database),
            code == SQLITE_CORRUPT || code == SQLITE_NOTADB};
}

std::string with_message(const char* before, const char* after) {
    return std::string{before} + message_columns + after;
}

class SqliteFile final : public File {
  public:
    SqliteFile(Database database, std::string path)
        : path_{std::move(path)}, database_{std::move(database)} {}

    [[nodiscard]] std::unique_ptr<Failure> prepare();
    [[nodiscard]] std::variant<std::vector<Change>, Failure> load() override;
    [[nodiscard]] std::unique_ptr<Failure> commit(const Batch& batch) override;

  private:
    /// A message that deliveries share.
    struct Shared {
        MessageId id;
        std::uint32_t uses = 0;
    };

    [[nodiscard]] std::unique_ptr<Failure> failed() const {
        return std::make_unique<Failure>(failure_of(database_.get(), path_));
    }
    [[nodiscard]] bool count_uses();
    void note_shared(std::int64_t row, const MessageId& id, std::uint32_t uses);

    [[nodiscard]] bool write(const Batch& batch);
    [[nodiscard]] bool write_sessions(const Batch& batch);
    [[nodiscard]] bool write_subscriptions(const Batch& batch);
    [[nodiscard]] bool write_deliveries(const Batch& batch);
    [[nodiscard]] bool write_incoming(const Batch& batch);
    [[nodiscard]] bool write_retained(const Batch& batch);
    [[nodiscard]] bool write_wills(const Batch& batch);
    [[nodiscard]] bool insert(const DeliveryKept& delivery);
    [[nodiscard]] bool change(std::uint64_t number, const Batch::Delivery& delivery);
    /// The row of the message, one use more; 0 after a failure.
    [[nodiscard]] std::int64_t use(const Message& message);
    [[nodiscard]] bool give_back(std::int64_t message);

    const std::string path_;
    Database database_;
    std::string scratch_;
    std::unordered_map<std::int64_t, Shared> shared_;
    std::unordered_map<MessageId, std::int64_t> rows_;
    std::int64_t last_row_ = 0;
    bool counted_ = true;  ///< shared_ says what is in the file

    Statement put_session_, drop_session_, drop_subscriptions_, drop_incoming_of_;
    Statement put_subscription_, drop_subscription_;
    Statement put_message_, drop_message_;
    Statement put_delivery_, drop_delivery_, mark_sent_, message_of_, mark_released_;
    Statement put_incoming_, drop_incoming_;
    Statement put_retained_, drop_retained_;
    Statement put_will_, drop_will_;
};

std::unique_ptr<Failure> SqliteFile::prepare() {
    sqlite3* db = database_.get();
    sqlite3_busy_timeout(db, 5000);
    Statement found{db, "pragma user_version"};
    if (!found || found.step() != SQLITE_ROW)
        return failed();
    if (const auto number = found.number(); number > version)
        return std::make_unique<Failure>(
            Failure{path_ + ": was written by a newer version of this program (format " +
                        std::to_string(number) + ')',
                    false});
    found.reset();
    const auto mark = "pragma user_version=" + std::to_string(version);
    for (const char* sql :
         {"pragma journal_mode=wal", "pragma synchronous=full", schema, mark.c_str()})
        if (!execute(database_.get(), sql))
            return failed();
    const std::string message_values = "?,?,?,?,?,?,?,?,?,?,?)";
    const std::vector<std::pair<Statement*, std::string>> statements{
        {&put_session_, "replace into sessions values(?,?,?,?,?,?,?,?,?,?,?,?)"},
        {&drop_session_, "delete from sessions where session=?"},
        {&drop_subscriptions_, "delete from subscriptions where session=?"},
        {&drop_incoming_of_, "delete from incoming where session=?"},
        {&put_subscription_, "replace into subscriptions values(?,?,?,?,?,?,?,?,?)"},
        {&drop_subscription_, "delete from subscriptions where session=? and filter=?"},
        {&put_message_,
         with_message("insert into messages(message,", ") values(?,") + message_values},
        {&drop_message_, "delete from messages where message=?"},
        {&put_delivery_, "replace into deliveries values(?,?,?,?,?,?,?,?,?,?,?,?)"},
        {&drop_delivery_, "delete from deliveries where number=?"},
        {&mark_sent_, "update deliveries set packet_id=? where number=?"},
        {&message_of_, "select message from deliveries where number=?"},
        {&mark_released_,
         "update deliveries set released=1,message=0,tracked=0,leased=0 where number=?"},
        {&put_incoming_, "replace into incoming values(?,?,?,?)"},
        {&drop_incoming_, "delete from incoming where session=? and packet_id=?"},
        {&put_retained_, with_message("replace into retained(", ") values(") + message_values},
        {&drop_retained_, "delete from retained where topic=?"},
        {&put_will_,
         with_message("replace into wills(session,delay,due,", ") values(?,?,?,") + message_values},
        {&drop_will_, "delete from wills where session=?"},
    };
    for (const auto& [statement, sql] : statements) {
        *statement = Statement{db, sql.c_str()};
        if (!*statement)
            return failed();
    }
    return nullptr;
}

std::variant<std::vector<Change>, Failure> SqliteFile::load() {
    std::vector<Change> kept;
    std::vector<std::int64_t> unused;
    const auto problem = load_rows(
        database_.get(), kept, [&](std::int64_t row, const MessageId& id, std::uint32_t uses) {
            if (uses == 0)
                unused.push_back(row);
            else
                note_shared(row, id, uses);
        });
    if (!problem.text.empty())
        return Failure{path_ + ": " + problem.text, problem.damaged};
    for (const auto row : unused)
        if (!drop_message_.bind(row).run())
            break;  // they take room, that is all
    return kept;
}

void SqliteFile::note_shared(std::int64_t row, const MessageId& id, std::uint32_t uses) {
    shared_[row] = {id, uses};
    last_row_ = std::max(last_row_, row);
    if (!id.is_null())
        rows_[id] = row;
}

bool SqliteFile::count_uses() {
    shared_.clear();
    rows_.clear();
    std::unordered_map<std::int64_t, std::uint32_t> uses;
    Statement counts{database_.get(), "select message,count(*) from deliveries group by message"};
    int status = SQLITE_ERROR;
    while (counts && (status = counts.step()) == SQLITE_ROW) {
        const auto row = counts.number();
        uses[row] = static_cast<std::uint32_t>(counts.number());
    }
    if (status != SQLITE_DONE)
        return false;
    Statement messages{database_.get(), "select message,msgid from messages"};
    while (messages && (status = messages.step()) == SQLITE_ROW) {
        const auto row = messages.number();
        note_shared(row, MessageId::parse(messages.bytes()).value_or(MessageId{}), uses[row]);
    }
    return status == SQLITE_DONE;
}

std::unique_ptr<Failure> SqliteFile::commit(const Batch& batch) {
    if (!counted_ && !(counted_ = count_uses()))
        return failed();
    if (!execute(database_.get(), "begin immediate"))
        return failed();
    if (write(batch) && execute(database_.get(), "commit"))
        return nullptr;
    auto failure = failed();
    counted_ = false;
    if (sqlite3_get_autocommit(database_.get()) == 0 && !execute(database_.get(), "rollback"))
        failure->text += std::string{"; "} + sqlite3_errmsg(database_.get());
    return failure;
}

bool SqliteFile::write(const Batch& batch) {
    return write_sessions(batch) && write_subscriptions(batch) && write_deliveries(batch) &&
           write_incoming(batch) && write_retained(batch) && write_wills(batch);
}

bool SqliteFile::write_sessions(const Batch& batch) {
    for (const auto session : batch.gone)
        if (!drop_session_.bind(session).run() || !drop_subscriptions_.bind(session).run() ||
            !drop_incoming_of_.bind(session).run() || !drop_will_.bind(session).run())
            return false;
    for (const auto& [number, s] : batch.sessions) {
        put_session_.bind(number)
            .bind(s.client.view())
            .bind(s.username)
            .bind(s.peerhost)
            .bind(s.peer_port)
            .bind(s.keep_alive)
            .bind(static_cast<int>(s.version))
            .bind(s.clean_start)
            .bind(s.expiry_interval)
            .bind(s.created_at.time_since_epoch().count())
            .bind(s.connected_at.time_since_epoch().count());
        if (s.disconnected_at)
            put_session_.bind(s.disconnected_at->time_since_epoch().count());
        else
            put_session_.bind_null();
        if (!put_session_.run())
            return false;
    }
    return true;
}

bool SqliteFile::write_subscriptions(const Batch& batch) {
    for (const auto& [key, s] : batch.subscriptions) {
        if (batch.gone.contains(key.first))
            continue;
        const bool done = s ? put_subscription_.bind(key.first)
                                  .bind(s->filter)
                                  .bind(s->identifier)
                                  .bind(s->number)
                                  .bind(static_cast<int>(s->qos))
                                  .bind(s->no_local)
                                  .bind(s->retain_as_published)
                                  .bind(s->replays)
                                  .bind(static_cast<int>(s->retain_handling))
                                  .run()
                            : drop_subscription_.bind(key.first).bind(key.second).run();
        if (!done)
            return false;
    }
    return true;
}

bool SqliteFile::write_deliveries(const Batch& batch) {
    std::vector<std::uint64_t> numbers;
    numbers.reserve(batch.deliveries.size());
    for (const auto& [number, delivery] : batch.deliveries) numbers.push_back(number);
    std::ranges::sort(numbers);
    for (const auto number : numbers) {
        const auto& delivery = batch.deliveries.at(number);
        if (!(delivery.made ? insert(*delivery.made) : change(number, delivery)))
            return false;
    }
    return true;
}

bool SqliteFile::insert(const DeliveryKept& d) {
    const auto message = d.message ? use(*d.message) : 0;
    if (d.message && message == 0)
        return false;
    const auto identifiers = encode(d.identifiers);
    return put_delivery_.bind(d.number)
        .bind(d.session)
        .bind(message)
        .bind_blob(identifiers)
        .bind(d.share)
        .bind(static_cast<int>(d.qos))
        .bind(d.retain)
        .bind(d.tracked)
        .bind(d.leased)
        .bind(d.held)
        .bind(d.packet_id)
        .bind(d.released)
        .run();
}

bool SqliteFile::change(std::uint64_t number, const Batch::Delivery& delivery) {
    if (delivery.gone || delivery.released) {
        message_of_.bind(number);
        const int status = message_of_.step();
        const auto message = status == SQLITE_ROW ? message_of_.number() : 0;
        message_of_.reset();
        if ((status != SQLITE_ROW && status != SQLITE_DONE) || !give_back(message))
            return false;
    }
    if (delivery.gone)
        return drop_delivery_.bind(number).run();
    if (delivery.sent != 0 && !mark_sent_.bind(delivery.sent).bind(number).run())
        return false;
    return !delivery.released || mark_released_.bind(number).run();
}

std::int64_t SqliteFile::use(const Message& message) {
    if (!message.id.is_null()) {
        if (const auto found = rows_.find(message.id); found != rows_.end()) {
            ++shared_[found->second].uses;
            return found->second;
        }
    }
    const auto row = last_row_ + 1;
    put_message_.bind(row);
    bind_message(put_message_, message, scratch_);
    if (!put_message_.run())
        return 0;
    note_shared(row, message.id, 1);
    return row;
}

bool SqliteFile::give_back(std::int64_t message) {
    const auto found = shared_.find(message);
    if (found == shared_.end() || --found->second.uses > 0)
        return true;
    rows_.erase(found->second.id);
    shared_.erase(found);
    return drop_message_.bind(message).run();
}

bool SqliteFile::write_incoming(const Batch& batch) {
    for (const auto& [key, exchange] : batch.incoming) {
        if (batch.gone.contains(key.first))
            continue;
        const auto id = exchange.kept ? exchange.kept->id.to_string() : std::string{};
        const bool done = exchange.kept ? put_incoming_.bind(key.first)
                                              .bind(key.second)
                                              .bind(static_cast<int>(exchange.kept->stage))
                                              .bind(id)
                                              .run()
                                        : drop_incoming_.bind(key.first).bind(key.second).run();
        if (!done)
            return false;
    }
    return true;
}

bool SqliteFile::write_retained(const Batch& batch) {
    for (const auto& [topic, message] : batch.retained) {
        if (message)
            bind_message(put_retained_, *message, scratch_);
        if (!(message ? put_retained_.run() : drop_retained_.bind(topic).run()))
            return false;
    }
    return true;
}

bool SqliteFile::write_wills(const Batch& batch) {
    for (const auto& [session, will] : batch.wills) {
        if (batch.gone.contains(session))
            continue;
        if (!will) {
            if (!drop_will_.bind(session).run())
                return false;
            continue;
        }
        put_will_.bind(session).bind(will->delay);
        if (will->due)
            put_will_.bind(will->due->time_since_epoch().count());
        else
            put_will_.bind_null();
        bind_message(put_will_, *will->message, scratch_);
        if (!put_will_.run())
            return false;
    }
    return true;
}

}  // namespace

std::variant<std::unique_ptr<File>, Failure> File::open(const std::string& path) {
    auto database = embedded::open_database(path);
    if (!database)
        return Failure{path + ": out of memory"};
    if (sqlite3_errcode(database.get()) != SQLITE_OK)
        return failure_of(database.get(), path);
    auto file = std::make_unique<SqliteFile>(std::move(database), path);
    if (const auto failure = file->prepare())
        return *failure;
    return std::unique_ptr<File>{std::move(file)};
}

}  // namespace keepmq::sessions
