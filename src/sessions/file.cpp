#include "sessions/file.hpp"

#include <algorithm>
#include <utility>

#include "base/sqlite.hpp"
#include "sessions/load.hpp"
#include "sessions/received.hpp"
#include "sessions/segments.hpp"

namespace keepmq::sessions {
namespace {

using namespace broker;
using embedded::Database;
using embedded::execute;

constexpr int version = 2;
constexpr const char* set_version = "pragma user_version=2";

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
    "create table if not exists incoming(session int not null, packet_id int not null,"
    " stage int not null, msgid text not null, primary key(session, packet_id)) without rowid;"
    "create table if not exists retained(" KEEPMQ_MESSAGE_COLUMNS
    ", primary key(topic)) without rowid;"
    "create table if not exists wills(session integer primary key, delay int not null, due "
    "int, " KEEPMQ_MESSAGE_COLUMNS ");";

#undef KEEPMQ_MESSAGE_COLUMNS

/// Another shard may have added a row just after the end of the session.
constexpr const char* left_behind =
    "delete from incoming where session not in (select session from sessions);"
    "delete from received where share='' and session not in (select session from sessions);";

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
    [[nodiscard]] std::unique_ptr<Failure> failed() const {
        return std::make_unique<Failure>(failure_of(database_.get(), path_));
    }
    /// From format 1, in one transaction.
    [[nodiscard]] std::unique_ptr<Failure> migrate();
    [[nodiscard]] bool replace_deliveries_1(const Batch& deliveries);
    void roll_back(Failure& failure);

    [[nodiscard]] bool write(const Batch& batch);
    [[nodiscard]] bool write_sessions(const Batch& batch);
    [[nodiscard]] bool write_subscriptions(const Batch& batch);
    [[nodiscard]] bool write_incoming(const Batch& batch);
    [[nodiscard]] bool write_received(const Batch& batch);
    [[nodiscard]] bool write_retained(const Batch& batch);
    [[nodiscard]] bool write_wills(const Batch& batch);

    const std::string path_;
    Database database_;
    std::string scratch_;
    Segments segments_;

    Statement put_session_, drop_session_, drop_subscriptions_, drop_incoming_of_;
    Statement put_subscription_, drop_subscription_;
    Statement put_incoming_, drop_incoming_;
    Statement put_received_;
    Statement put_retained_, drop_retained_;
    Statement put_will_, drop_will_;
};

std::unique_ptr<Failure> SqliteFile::prepare() {
    sqlite3* db = database_.get();
    sqlite3_busy_timeout(db, 5000);
    Statement found{db, "pragma user_version"};
    if (!found || found.step() != SQLITE_ROW)
        return failed();
    const auto number = found.number();
    if (number > version)
        return std::make_unique<Failure>(
            Failure{path_ + ": was written by a newer version of this program (format " +
                        std::to_string(number) + ')',
                    false});
    found.reset();
    for (const char* sql : {"pragma journal_mode=wal",
                            "pragma synchronous=full",
                            schema,
                            Segments::schema,
                            received_schema,
                            left_behind})
        if (!execute(db, sql))
            return failed();
    const std::string message_values = "?,?,?,?,?,?,?,?,?,?,?)";
    const std::vector<std::pair<Statement*, std::string>> statements{
        {&put_session_, "replace into sessions values(?,?,?,?,?,?,?,?,?,?,?,?)"},
        {&drop_session_, "delete from sessions where session=?"},
        {&drop_subscriptions_, "delete from subscriptions where session=?"},
        {&drop_incoming_of_, "delete from incoming where session=?"},
        {&put_subscription_, "replace into subscriptions values(?,?,?,?,?,?,?,?,?)"},
        {&drop_subscription_, "delete from subscriptions where session=? and filter=?"},
        {&put_incoming_, "replace into incoming values(?,?,?,?)"},
        {&drop_incoming_, "delete from incoming where session=? and packet_id=?"},
        {&put_received_, put_received},
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
    if (!segments_.prepare(db))
        return failed();
    if (number == 1)
        return migrate();
    if (!execute(db, set_version))
        return failed();
    return nullptr;
}

std::unique_ptr<Failure> SqliteFile::migrate() {
    std::vector<Change> deliveries;
    if (const auto problem = load_deliveries_1(database_.get(), deliveries); !problem.text.empty())
        return std::make_unique<Failure>(Failure{path_ + ": " + problem.text, problem.damaged});
    Batch batch;
    for (auto& delivery : deliveries) batch.add(std::move(delivery));
    // So that each message is written once.
    std::ranges::stable_sort(
        batch.deliveries, {}, [](const DeliveryKept& each) { return each.message.get(); });
    if (replace_deliveries_1(batch))
        return nullptr;
    auto failure = failed();
    roll_back(*failure);
    return failure;
}

bool SqliteFile::replace_deliveries_1(const Batch& deliveries) {
    Segments segments;
    return execute(database_.get(), "begin immediate") && segments.prepare(database_.get()) &&
           segments.write(deliveries) &&
           execute(database_.get(), "drop table deliveries; drop table messages") &&
           execute(database_.get(), set_version) && execute(database_.get(), "commit");
}

std::variant<std::vector<Change>, Failure> SqliteFile::load() {
    std::vector<Change> kept;
    auto problem = load_rows(database_.get(), kept);
    if (problem.text.empty())
        problem = segments_.load(kept);
    if (problem.text.empty())
        problem = load_received(database_.get(), kept);
    if (!problem.text.empty())
        return Failure{path_ + ": " + problem.text, problem.damaged};
    return kept;
}

std::unique_ptr<Failure> SqliteFile::commit(const Batch& batch) {
    if (execute(database_.get(), "begin immediate") && write(batch) &&
        execute(database_.get(), "commit")) {
        segments_.on_committed();
        return nullptr;
    }
    auto failure = failed();
    roll_back(*failure);
    return failure;
}

void SqliteFile::roll_back(Failure& failure) {
    if (sqlite3_get_autocommit(database_.get()) == 0 && !execute(database_.get(), "rollback"))
        failure.text += std::string{"; "} + sqlite3_errmsg(database_.get());
}

bool SqliteFile::write(const Batch& batch) {
    return write_sessions(batch) && write_subscriptions(batch) && segments_.write(batch) &&
           write_incoming(batch) && write_received(batch) && write_retained(batch) &&
           write_wills(batch);
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

bool SqliteFile::write_received(const Batch& batch) {
    return std::ranges::all_of(batch.received,
                               [&](const auto& row) { return run_received(put_received_, row); });
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
