#include "store/dead_letters.hpp"

#include <chrono>
#include <mutex>
#include <utility>

#include "base/overloaded.hpp"
#include "base/sqlite.hpp"
#include "store/op_codec.hpp"
#include "store/op_json.hpp"

namespace keepmq::store {
namespace {

using embedded::Database;
using embedded::Statement;

constexpr const char* schema = R"(
create table if not exists dead_letters (
    id integer primary key autoincrement,
    at integer not null,
    pool text not null,
    rule text not null,
    op text not null,
    topic text not null,
    client text not null,
    message_id text not null,
    payload blob,
    detail text not null,
    error text not null,
    encoded blob
);)";

// Files of earlier versions have no such column.
constexpr const char* find_encoded_sql =
    "select 1 from pragma_table_info('dead_letters') where name = 'encoded'";
constexpr const char* add_encoded_sql = "alter table dead_letters add column encoded blob";

constexpr const char* insert_sql =
    "insert into dead_letters(at,pool,rule,op,topic,client,message_id,payload,detail,"
    "error,encoded) values (?,?,?,?,?,?,?,?,?,?,?)";

constexpr const char* list_sql =
    "select id,at,pool,rule,op,topic,client,message_id,payload,detail,error,encoded "
    "from dead_letters order by id limit ?";

constexpr const char* find_sql =
    "select id,at,pool,rule,op,topic,client,message_id,payload,detail,error,encoded "
    "from dead_letters where id = ?";

constexpr const char* remove_sql = "delete from dead_letters where id = ?";

// One statement: the newer letter replaces the one whose id it takes.
constexpr const char* supersede_sql =
    "update or replace dead_letters set id = ?1 where id = (select max(newer.id) from dead_letters "
    "newer, dead_letters older where older.id = ?1 and newer.id > ?1 and newer.pool = older.pool "
    "and newer.encoded = older.encoded)";

/// What a person looks for in the list. Points into the operation.
struct Subject {
    std::string_view topic;
    std::string_view client;
    MessageId id;
    std::optional<std::string_view> payload;
};

Subject subject_of(const Op& op) {
    return std::visit(Overloaded{[](const ClientOnline& o) -> Subject {
                                     return {{}, o.client.view(), {}, {}};
                                 },
                                 [](const ClientOffline& o) -> Subject {
                                     return {{}, o.client.view(), {}, {}};
                                 },
                                 [](const StoreMessage& o) -> Subject {
                                     const Message& m = *o.message;
                                     return {m.topic.view(), m.sender.view(), m.id, m.payload};
                                 },
                                 [](const StoreRetained& o) -> Subject {
                                     const Message& m = *o.message;
                                     return {m.topic.view(), m.sender.view(), m.id, m.payload};
                                 },
                                 [](const DeleteRetained& o) -> Subject {
                                     return {o.topic.view(), {}, {}, {}};
                                 },
                                 [](const InitCursor& o) -> Subject {
                                     return {o.filter.view(), o.client.view(), {}, {}};
                                 },
                                 [](const AdvanceCursor& o) -> Subject {
                                     return {o.topic.view(), o.client.view(), o.id, {}};
                                 },
                                 [](const DeleteCursor& o) -> Subject {
                                     return {o.filter.view(), o.client.view(), {}, {}};
                                 },
                                 [](const RemoveMessage& o) -> Subject {
                                     return {o.topic.view(), {}, o.id, {}};
                                 },
                                 [](const Execute&) -> Subject { return {}; }},
                      op);
}

Failure failure_of(sqlite3* db, const std::string& path) {
    const std::string text = path + ": " + sqlite3_errmsg(db);
    switch (sqlite3_errcode(db) & 0xff) {
        case SQLITE_FULL:
        case SQLITE_READONLY:
            return {errc::storage_full, text};
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return {errc::busy, text};
        case SQLITE_CANTOPEN:
        case SQLITE_PERM:
            return {errc::access_denied, text};
        default:
            return {errc::bad_statement, text};
    }
}

class SqliteDeadLetters final : public DeadLetters {
  public:
    SqliteDeadLetters(Database db, std::string path) : path_{std::move(path)}, db_{std::move(db)} {}

    [[nodiscard]] std::optional<Failure> prepare();

    [[nodiscard]] std::optional<Failure> add(std::string_view pool,
                                             std::string_view rule,
                                             const Op& op,
                                             const Failure& why) override;
    [[nodiscard]] std::vector<DeadLetter> list(std::size_t limit) const override;
    [[nodiscard]] std::optional<DeadLetter> find(std::int64_t id) const override;
    [[nodiscard]] std::optional<Failure> remove(std::int64_t id) override;
    [[nodiscard]] std::optional<Failure> supersede(std::int64_t id) override;
    [[nodiscard]] std::uint64_t count() const override;

  private:
    /// Letters of a statement that has one parameter.
    [[nodiscard]] std::vector<DeadLetter> select(const char* sql, std::int64_t value) const;
    /// Runs a statement that has one parameter.
    [[nodiscard]] std::optional<Failure> change(const char* sql, std::int64_t value);

    const std::string path_;
    mutable std::mutex mutex_;
    Database db_;
    Statement insert_;
};

std::optional<Failure> SqliteDeadLetters::prepare() {
    sqlite3_busy_timeout(db_.get(), 5000);
    sqlite3* const db = db_.get();
    {
        Statement check{db, "pragma quick_check(1)"};
        if (!check || check.step() != SQLITE_ROW)
            return failure_of(db, path_);
        if (const std::string verdict{check.bytes()}; verdict != "ok")
            return Failure{errc::bad_statement, path_ + " is damaged: " + verdict};
    }
    for (const char* sql : {"pragma journal_mode=wal", "pragma synchronous=full", schema})
        if (!embedded::execute(db, sql))
            return failure_of(db, path_);
    Statement has_encoded{db, find_encoded_sql};
    if (!has_encoded)
        return failure_of(db, path_);
    if (has_encoded.step() != SQLITE_ROW && !embedded::execute(db, add_encoded_sql))
        return failure_of(db, path_);
    insert_ = Statement{db, insert_sql};
    if (!insert_)
        return failure_of(db, path_);
    return {};
}

std::optional<Failure> SqliteDeadLetters::add(std::string_view pool,
                                              std::string_view rule,
                                              const Op& op,
                                              const Failure& why) {
    const Subject subject = subject_of(op);
    const std::string id = subject.id.is_null() ? std::string{} : subject.id.to_string();
    const std::string detail = to_json(op);
    const std::string encoded = encode(op);
    const WallTime now = read_clocks().wall;

    const std::lock_guard lock{mutex_};
    insert_.bind(now.time_since_epoch().count());
    for (const std::string_view text : {pool, rule, name_of(op), subject.topic, subject.client})
        insert_.bind(text);
    insert_.bind(std::string_view{id});
    if (subject.payload)
        insert_.bind_blob(*subject.payload);
    else
        insert_.bind_null();
    insert_.bind(std::string_view{detail}).bind(std::string_view{why.text}).bind_blob(encoded);
    if (!insert_.run())
        return failure_of(db_.get(), path_);
    return {};
}

std::vector<DeadLetter> SqliteDeadLetters::list(std::size_t limit) const {
    return select(list_sql, static_cast<std::int64_t>(limit));
}

std::optional<DeadLetter> SqliteDeadLetters::find(std::int64_t id) const {
    auto found = select(find_sql, id);
    if (found.empty())
        return std::nullopt;
    return std::move(found.front());
}

std::optional<Failure> SqliteDeadLetters::remove(std::int64_t id) {
    return change(remove_sql, id);
}

std::optional<Failure> SqliteDeadLetters::supersede(std::int64_t id) {
    return change(supersede_sql, id);
}

std::optional<Failure> SqliteDeadLetters::change(const char* sql, std::int64_t value) {
    const std::lock_guard lock{mutex_};
    Statement statement{db_.get(), sql};
    if (!statement || !statement.bind(value).run())
        return failure_of(db_.get(), path_);
    return {};
}

std::vector<DeadLetter> SqliteDeadLetters::select(const char* sql, std::int64_t value) const {
    const std::lock_guard lock{mutex_};
    std::vector<DeadLetter> letters;
    Statement from{db_.get(), sql};
    if (!from)
        return letters;
    from.bind(value);
    while (from.step() == SQLITE_ROW) {
        DeadLetter& letter = letters.emplace_back();
        letter.id = from.number();
        letter.at = WallTime{Micros{from.number()}};
        for (std::string* to : {&letter.pool,
                                &letter.rule,
                                &letter.op,
                                &letter.topic,
                                &letter.client,
                                &letter.message_id,
                                &letter.payload,
                                &letter.detail,
                                &letter.error,
                                &letter.encoded})
            *to = from.bytes();
    }
    return letters;
}

std::uint64_t SqliteDeadLetters::count() const {
    const std::lock_guard lock{mutex_};
    Statement row{db_.get(), "select count(*) from dead_letters"};
    return row && row.step() == SQLITE_ROW ? static_cast<std::uint64_t>(row.number()) : 0;
}

}  // namespace

std::variant<std::unique_ptr<DeadLetters>, Failure> DeadLetters::open(const std::string& path) {
    auto db = embedded::open_database(path);
    if (!db)
        return Failure{errc::storage_full, path + ": out of memory"};
    if (sqlite3_errcode(db.get()) != SQLITE_OK)
        return failure_of(db.get(), path);
    auto letters = std::make_unique<SqliteDeadLetters>(std::move(db), path);
    if (auto failure = letters->prepare())
        return std::move(*failure);
    return letters;
}

}  // namespace keepmq::store
