#include "backends/mysql/database.hpp"

#include <fmt/format.h>
#include <mysql.h>
#include <sys/socket.h>

#include <algorithm>

#include "backends/mysql/bindings.hpp"

namespace keepmq::mysql {
namespace {

using store::errc;
using store::Failure;

/// More statements of users than this are not kept prepared (a rule set has a handful).
constexpr std::size_t cache_limit = 200;

/// Less than the read time-out, so that a wait for a lock ends with an answer.
constexpr std::chrono::seconds longest_lock_wait{10};

void start_library() {
    static const int started = mysql_library_init(0, nullptr, nullptr);
    static_cast<void>(started);
}

const char* or_null(const std::string& text) {
    return text.empty() ? nullptr : text.c_str();
}

unsigned whole_seconds(std::chrono::milliseconds time) {
    return static_cast<unsigned>(std::chrono::ceil<std::chrono::seconds>(time).count());
}

void set_options(MYSQL* handle, const Settings& settings) {
    const auto connect = whole_seconds(settings.connect_timeout);
    const auto wait = whole_seconds(settings.read_timeout);
    mysql_optionsv(handle, MYSQL_OPT_CONNECT_TIMEOUT, &connect);
    mysql_optionsv(handle, MYSQL_OPT_READ_TIMEOUT, &wait);
    mysql_optionsv(handle, MYSQL_OPT_WRITE_TIMEOUT, &wait);
    mysql_optionsv(handle, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    const auto& tls = settings.tls;
    if (!tls.enabled)
        return;
    const my_bool yes = 1;
    const my_bool verify = tls.verify ? 1 : 0;
    mysql_ssl_set(handle,
                  or_null(tls.key_file),
                  or_null(tls.cert_file),
                  or_null(tls.ca_file),
                  nullptr,
                  nullptr);
    mysql_optionsv(handle, MYSQL_OPT_SSL_ENFORCE, &yes);
    mysql_optionsv(handle, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
}

}  // namespace

// --- Interrupt ----------------------------------------------------------------------------------

void Interrupt::raise() noexcept {
    raised_.store(true);
    const std::lock_guard lock{mutex_};
    if (socket_ >= 0)
        ::shutdown(socket_, SHUT_RDWR);
}

void Interrupt::watch(int socket) {
    const std::lock_guard lock{mutex_};
    socket_ = socket;
}

// --- connecting ---------------------------------------------------------------------------------

void Database::Close::operator()(MYSQL* handle) const {
    mysql_close(handle);
}

void Database::CloseStatement::operator()(MYSQL_STMT* statement) const {
    mysql_stmt_close(statement);
}

Database::Database(Handle handle, std::string name, Interrupt& interrupt)
    : name_{std::move(name)}, interrupt_{interrupt}, handle_{std::move(handle)} {}

Database::~Database() {
    interrupt_.watch(-1);
}

std::variant<std::unique_ptr<Database>, Failure> Database::connect(const Settings& settings,
                                                                   store::Role role,
                                                                   Interrupt& interrupt) {
    start_library();
    std::optional<Failure> first;
    for (const auto& server : settings.servers) {
        auto connected = connect_to(server, settings, role, interrupt);
        auto* const failure = std::get_if<Failure>(&connected);
        if (failure == nullptr)
            return connected;
        if (!first)
            first = std::move(*failure);
        else
            first->text += "; " + failure->text;
        if (interrupt.is_raised())
            break;
    }
    return *std::move(first);
}

std::variant<std::unique_ptr<Database>, Failure> Database::connect_to(const store::Server& server,
                                                                      const Settings& settings,
                                                                      store::Role role,
                                                                      Interrupt& interrupt) {
    auto name = fmt::format("{}/{}", to_string(server), settings.database);
    Handle handle{mysql_init(nullptr)};
    if (!handle)
        return Failure{errc::busy, fmt::format("{}: not enough memory to connect", name)};
    set_options(handle.get(), settings);
    if (mysql_real_connect(handle.get(),
                           server.host.c_str(),
                           settings.user.c_str(),
                           settings.password.c_str(),
                           settings.database.c_str(),
                           server.port,
                           nullptr,
                           CLIENT_FOUND_ROWS) == nullptr) {
        const auto code = mysql_errno(handle.get());
        return Failure{
            to_errc_of_connect(code, mysql_sqlstate(handle.get())),
            fmt::format("{}: {} (MySQL error {})", name, mysql_error(handle.get()), code)};
    }
    interrupt.watch(static_cast<int>(mysql_get_socket(handle.get())));
    std::unique_ptr<Database> database{new Database{std::move(handle), std::move(name), interrupt}};
    if (auto failure = database->set_up(settings, role))
        return *std::move(failure);
    if (role == store::Role::writer && database->read_only_ && settings.servers.size() > 1)
        return Failure{errc::storage_full,
                       fmt::format("{}: the server is read-only", database->name_)};
    return database;
}

std::optional<Failure> Database::set_up(const Settings& settings, store::Role role) {
    const bool mariadb = mariadb_connection(handle_.get()) != 0;
    mysql_ = !mariadb;
    const bool writer = role == store::Role::writer;
    // MySQL rounds times to the precision of the column unless told to cut them.
    auto set = fmt::format(
        "set time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION{}', "
        "innodb_lock_wait_timeout = {}, autocommit = 1",
        mariadb ? "" : ",TIME_TRUNCATE_FRACTIONAL",
        longest_lock_wait.count());
    if (!writer)
        set += mariadb
                   ? fmt::format(", max_statement_time = {}", whole_seconds(settings.read_timeout))
                   : fmt::format(", max_execution_time = {}", settings.read_timeout.count());
    if (auto failure = run_text(set))
        return failure;
    // Writers: no locks on gaps, which would make lanes wait for each other. Readers: one snapshot.
    if (auto failure = run_text(fmt::format("set session transaction isolation level {}",
                                            writer ? "read committed" : "repeatable read")))
        return failure;
    const auto answer = query({"select @@max_allowed_packet, @@global.read_only", {}});
    if (const auto* const failure = std::get_if<Failure>(&answer))
        return *failure;
    const auto& rows = std::get<sql::Rows>(answer);
    largest_packet_ = static_cast<std::size_t>(rows.integer(0, 0));
    read_only_ = rows.integer(0, 1) != 0;
    unsigned long capabilities = 0;
    if (mariadb &&
        mariadb_get_infov(
            handle_.get(), MARIADB_CONNECTION_EXTENDED_SERVER_CAPABILITIES, &capabilities) == 0)
        bulk_ = (capabilities & (MARIADB_CLIENT_STMT_BULK_OPERATIONS >> 32U)) != 0;
    return std::nullopt;
}

// --- statements ---------------------------------------------------------------------------------

std::variant<Database::Prepared, Failure> Database::prepare(const std::string& sql, Author author) {
    Prepared out;
    out.statement.reset(mysql_stmt_init(handle_.get()));
    if (!out.statement)
        return failure(author);
    if (mysql_stmt_prepare(out.statement.get(), sql.data(), sql.size()) != 0)
        return failure(out.statement.get(), author);
    return out;
}

std::variant<Database::Prepared*, Failure> Database::prepared(std::string_view sql, Author author) {
    auto& cache = author == Author::user ? users_ : ours_;
    auto found = cache.find(sql);
    if (found != cache.end())
        return &found->second;
    // A `?` in a statement of the user may be part of a text; it has no numbers to sort out.
    auto compiled = author == Author::user ? sql::Compiled{std::string{sql}, {}}
                                           : sql::compile(sql, sql::Placeholders::positional);
    auto made = prepare(compiled.text, author);
    if (auto* const failure = std::get_if<Failure>(&made))
        return std::move(*failure);
    auto& prepared = std::get<Prepared>(made);
    prepared.order = std::move(compiled.order);
    if (author == Author::user) {
        for (std::size_t i = 0; i < mysql_stmt_param_count(prepared.statement.get()); ++i)
            prepared.order.push_back(i);
    }
    if (cache.size() >= cache_limit)
        cache.clear();
    return &cache.emplace(std::string{sql}, std::move(prepared)).first->second;
}

std::optional<Failure> Database::execute(Prepared& prepared,
                                         std::span<const sql::Param> params,
                                         Author author) {
    auto* const statement = prepared.statement.get();
    for (const auto index : prepared.order) {
        if (index >= params.size())
            return Failure{errc::bad_statement,
                           fmt::format("{}: the statement has more parameters than values", name_)};
    }
    const Bindings bindings{params, prepared.order};
    if (bindings.bytes() + packet_reserve > largest_packet_ && largest_packet_ > 0)
        return Failure{errc::bad_value,
                       fmt::format("{}: {} bytes are more than the server takes "
                                   "(max_allowed_packet = {})",
                                   name_,
                                   bindings.bytes(),
                                   largest_packet_)};
    if (!bindings.empty() && mysql_stmt_bind_param(statement, bindings.data()) != 0)
        return failure(statement, author);
    if (mysql_stmt_execute(statement) != 0)
        return failure(statement, author);
    return std::nullopt;
}

std::variant<sql::Rows, Failure> Database::query(const sql::Command& command) {
    auto found = prepared(command.sql, Author::keepmq);
    if (auto* const failure = std::get_if<Failure>(&found))
        return std::move(*failure);
    auto& prepared = *std::get<Prepared*>(found);
    if (auto failure = execute(prepared, command.params, Author::keepmq))
        return *std::move(failure);
    return take_rows(prepared.statement.get());
}

std::variant<sql::Rows, Failure> Database::take_rows(MYSQL_STMT* statement) {
    const std::size_t columns = mysql_stmt_field_count(statement);
    sql::Rows rows{columns};
    ResultBuffers buffers{columns};
    // The buffers are known before the rows are stored, so nothing is measured twice.
    if (mysql_stmt_bind_result(statement, buffers.data()) != 0 ||
        mysql_stmt_store_result(statement) != 0)
        return failure(statement, Author::keepmq);
    while (true) {
        const int code = mysql_stmt_fetch(statement);
        if (code == MYSQL_NO_DATA)
            break;
        if (code != 0 && code != MYSQL_DATA_TRUNCATED)
            return failure(statement, Author::keepmq);
        for (std::size_t column = 0; column < columns; ++column)
            rows.add(buffers.take(statement, column));
    }
    mysql_stmt_free_result(statement);
    return rows;
}

std::optional<Failure> Database::run(std::string_view sql,
                                     std::span<const sql::Param> params,
                                     Author author) {
    auto found = prepared(sql, author);
    if (auto* const failure = std::get_if<Failure>(&found))
        return std::move(*failure);
    auto& prepared = *std::get<Prepared*>(found);
    auto* const statement = prepared.statement.get();
    if (auto failure = execute(prepared, params, author))
        return failure;
    matched_rows_ = mysql_stmt_affected_rows(statement);
    // A procedure may return several sets of rows.
    for (int more = 0; more == 0; more = mysql_stmt_next_result(statement)) {
        mysql_stmt_free_result(statement);
        if (!mysql_stmt_more_results(statement))
            return std::nullopt;
    }
    return failure(statement, author);
}

std::optional<Failure> Database::run_bulk(std::string_view sql, std::span<const Row> rows) {
    auto found = prepared(sql, Author::keepmq);
    if (auto* const failure = std::get_if<Failure>(&found))
        return std::move(*failure);
    auto* const statement = std::get<Prepared*>(found)->statement.get();
    const auto count = static_cast<unsigned>(rows.size());
    const unsigned none = 0;
    BulkBindings bindings{rows};
    std::optional<Failure> problem;
    if (mysql_stmt_attr_set(statement, STMT_ATTR_ARRAY_SIZE, &count) != 0 ||
        mysql_stmt_bind_param(statement, bindings.data()) != 0 ||
        mysql_stmt_execute(statement) != 0)
        problem = failure(statement, Author::keepmq);
    // run() uses the same statement for one row.
    mysql_stmt_attr_set(statement, STMT_ATTR_ARRAY_SIZE, &none);
    return problem;
}

std::optional<Failure> Database::run_text(const std::string& sql) {
    if (mysql_real_query(handle_.get(), sql.data(), sql.size()) != 0)
        return failure(Author::keepmq);
    return std::nullopt;
}

std::optional<Failure> Database::run_script(const std::string& script) {
    if (mysql_set_server_option(handle_.get(), MYSQL_OPTION_MULTI_STATEMENTS_ON) != 0)
        return failure(Author::keepmq);
    auto problem = run_text(script);
    while (!problem && mysql_more_results(handle_.get())) {
        if (mysql_next_result(handle_.get()) > 0)
            problem = failure(Author::keepmq);
    }
    mysql_set_server_option(handle_.get(), MYSQL_OPTION_MULTI_STATEMENTS_OFF);
    return problem;
}

std::optional<Failure> Database::try_statement(std::string_view sql) {
    auto made = prepare(std::string{sql}, Author::user);
    if (auto* const failure = std::get_if<Failure>(&made))
        return std::move(*failure);
    return std::nullopt;
}

std::optional<Failure> Database::begin_reading() {
    return run_text("start transaction read only");
}

std::optional<Failure> Database::begin() {
    return run_text("start transaction");
}

std::optional<Failure> Database::commit() {
    if (mysql_commit(handle_.get()) != 0)
        return failure(Author::keepmq);
    return std::nullopt;
}

void Database::rollback() {
    // If it fails, the connection is lost, and the server rolls back by itself.
    static_cast<void>(mysql_rollback(handle_.get()));
}

// --- failures -----------------------------------------------------------------------------------

Failure Database::failure(Author author) {
    last_error_ = mysql_errno(handle_.get());
    return {to_errc(last_error_, mysql_sqlstate(handle_.get()), author),
            fmt::format("{}: {} (MySQL error {})", name_, mysql_error(handle_.get()), last_error_)};
}

Failure Database::failure(MYSQL_STMT* statement, Author author) {
    last_error_ = mysql_stmt_errno(statement);
    return {
        to_errc(last_error_, mysql_stmt_sqlstate(statement), author),
        fmt::format("{}: {} (MySQL error {})", name_, mysql_stmt_error(statement), last_error_)};
}

}  // namespace keepmq::mysql
