#include "backends/pgsql/session.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>

#include "backends/pgsql/bind.hpp"
#include "backends/pgsql/errors.hpp"

namespace keepmq::pgsql {
namespace {

using std::chrono::steady_clock;
using store::errc;
using store::Failure;

/// More statements than this are not kept prepared (a rule set has a handful).
constexpr std::size_t cache_limit = 500;

constexpr int binary_results = 1;

bool send_prepared(PGconn* connection, const std::string& name, const Bound& bound) {
    return PQsendQueryPrepared(connection,
                               name.c_str(),
                               bound.size(),
                               bound.values(),
                               bound.lengths(),
                               bound.formats(),
                               binary_results) != 0;
}

bool is_error(const PGresult* result) {
    const auto status = PQresultStatus(result);
    return status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK;
}

sql::Rows to_rows(const PGresult* result) {
    const int columns = PQnfields(result);
    sql::Rows rows{static_cast<std::size_t>(columns)};
    for (int row = 0; row < PQntuples(result); ++row) {
        for (int column = 0; column < columns; ++column) {
            if (PQgetisnull(result, row, column) != 0) {
                rows.add({});
                continue;
            }
            const auto size = static_cast<std::size_t>(PQgetlength(result, row, column));
            rows.add(decode(PQftype(result, column), {PQgetvalue(result, row, column), size}));
        }
    }
    return rows;
}

}  // namespace

std::optional<Failure> Session::await_result() {
    auto* const connection = connection_.get();
    auto deadline = steady_clock::now() + answer_timeout_;
    while (true) {
        const int unsent = PQflush(connection);
        if (unsent < 0)
            return lost();
        if (PQisBusy(connection) == 0)
            return std::nullopt;
        if (auto failure = wait(true, unsent > 0, deadline)) {
            failure->text = fmt::format("{}: {}", server_, failure->text);
            return failure;
        }
        // While requests are still leaving, the server may rightly be silent.
        if (unsent > 0)
            deadline = steady_clock::now() + answer_timeout_;
        if (PQconsumeInput(connection) == 0)
            return lost();
    }
}

Failure Session::lost() const {
    auto failure = failure_of_connect(PQerrorMessage(connection_.get()));
    return {errc::connection_lost, fmt::format("{}: {}", server_, failure.text)};
}

Failure Session::failure_of(const pg_result* result, const store::Statement* users) {
    const auto field = [result](int code) {
        const auto* const text = PQresultErrorField(result, code);
        return std::string_view{text == nullptr ? "" : text};
    };
    const auto state = field(PG_DIAG_SQLSTATE);
    if (state.empty())
        return lost();
    Failure failure{to_errc(state, users == nullptr ? Author::keepmq : Author::user),
                    std::string{field(PG_DIAG_MESSAGE_PRIMARY)}};
    if (const auto detail = field(PG_DIAG_MESSAGE_DETAIL); !detail.empty())
        failure.text.append(" (").append(detail).append(")");
    if (users != nullptr) {
        failure.text.append(" in: ").append(users->source);
        // Not so a constraint.
        suspicious_ = failure.code == errc::bad_statement || state.starts_with("22");
    }
    return failure;
}

// --- one statement -----------------------------------------------------------------------------

Session::Answer Session::take_answer(const store::Statement* users) {
    Result last;
    while (true) {
        if (auto failure = await_result())
            return *std::move(failure);
        Result result{PQgetResult(connection_.get())};
        if (!result)
            break;
        if (PQstatus(connection_.get()) == CONNECTION_BAD)
            return failure_of(result.get(), users);
        // The first error counts; after it nothing of a script is run.
        if (!last || !is_error(last.get()))
            last = std::move(result);
    }
    if (!last)
        return lost();
    if (is_error(last.get()))
        return failure_of(last.get(), users);
    return last;
}

bool Session::send_simple(const char* sql) {
    return PQsendQueryParams(
               connection_.get(), sql, 0, nullptr, nullptr, nullptr, nullptr, binary_results) != 0;
}

std::optional<Failure> Session::run_script(const std::string& script) {
    if (PQsendQuery(connection_.get(), script.c_str()) == 0)
        return lost();
    auto answer = take_answer(nullptr);
    if (auto* const failure = std::get_if<Failure>(&answer))
        return std::move(*failure);
    return std::nullopt;
}

std::variant<sql::Rows, Failure> Session::query(const sql::Command& command) {
    const auto compiled = sql::compile(command.sql, sql::Placeholders::numbered);
    make_room();
    auto found = ours_.find(compiled.text);
    if (found == ours_.end()) {
        const auto name = next_name();
        if (PQsendPrepare(connection_.get(), name.c_str(), compiled.text.c_str(), 0, nullptr) == 0)
            return lost();
        auto answer = take_answer(nullptr);
        if (auto* const failure = std::get_if<Failure>(&answer))
            return std::move(*failure);
        found = ours_.emplace(compiled.text, Prepared{name, {}}).first;
    }
    Bound bound{compiled.order.size()};
    for (const auto place : compiled.order) {
        if (auto failure = bound.add(command.params[place]))
            return *std::move(failure);
    }
    if (!send_prepared(connection_.get(), found->second.name, bound))
        return lost();
    auto answer = take_answer(nullptr);
    if (auto* const failure = std::get_if<Failure>(&answer))
        return std::move(*failure);
    return to_rows(std::get<Result>(answer).get());
}

std::string Session::next_name() {
    return fmt::format("keepmq_{}", ++names_);
}

void Session::make_room() {
    if (ours_.size() + users_.size() < cache_limit)
        return;
    ours_.clear();
    users_.clear();
    // Names are never used twice, so a failure does no harm; a lost connection shows at the next
    // use.
    [[maybe_unused]] const auto failure = run_script("deallocate all");
}

// --- the user's statements ---------------------------------------------------------------------

std::optional<Failure> Session::prepare_users(const Command& command) {
    if (users_.contains(command.sql))
        return std::nullopt;
    if (auto objection = objection_to(command.sql))
        return Failure{errc::bad_statement,
                       fmt::format("{} in: {}", *objection, command.users->source)};
    Prepared prepared{next_name(), {}};
    if (PQsendPrepare(connection_.get(), prepared.name.c_str(), command.sql.c_str(), 0, nullptr) ==
        0)
        return lost();
    auto answer = take_answer(command.users);
    if (auto* const failure = std::get_if<Failure>(&answer))
        return std::move(*failure);
    if (PQsendDescribePrepared(connection_.get(), prepared.name.c_str()) == 0)
        return lost();
    answer = take_answer(command.users);
    if (auto* const failure = std::get_if<Failure>(&answer))
        return std::move(*failure);
    const auto* const description = std::get<Result>(answer).get();
    for (int i = 0; i < PQnparams(description); ++i)
        prepared.types.push_back(PQparamtype(description, i));
    users_.emplace(command.sql, std::move(prepared));
    return std::nullopt;
}

std::optional<Failure> Session::try_statement(const std::string& sql) {
    const store::Statement statement{{sql}, sql, {}};
    return prepare_users({sql, {}, &statement});
}

bool Session::forget_stale_statements() {
    if (!had_users_ || !suspicious_)
        return false;
    users_.clear();
    ours_.clear();
    return !run_script("deallocate all");
}

// --- transactions ------------------------------------------------------------------------------

std::optional<Failure> Session::run(std::span<const Command> commands) {
    make_room();
    had_users_ = !users_.empty();
    suspicious_ = false;
    for (const auto& command : commands) {
        if (command.users == nullptr)
            continue;
        if (auto failure = prepare_users(command))
            return failure;
    }
    if (PQenterPipelineMode(connection_.get()) == 0)
        return lost();
    std::vector<Sent> sent;
    auto failure = send_all(commands, sent);
    if (failure && store::is_outcome_unknown(failure->code))
        return failure;
    // What was sent before a value was refused is answered, and then undone.
    if (PQpipelineSync(connection_.get()) == 0)
        return lost();
    auto refused = take_answers(sent);
    if (refused && !failure)
        failure = std::move(refused);
    if (failure && store::is_outcome_unknown(failure->code))
        return failure;
    if (PQexitPipelineMode(connection_.get()) == 0)
        return lost();
    if (failure) {
        if (auto broken = run_script("rollback"))
            return broken;
    }
    return failure;
}

std::optional<Failure> Session::send_all(std::span<const Command> commands,
                                         std::vector<Sent>& sent) {
    if (!send_simple("begin"))
        return lost();
    sent.push_back({});
    for (const auto& command : commands) {
        if (auto failure = send(command, sent))
            return failure;
    }
    if (!send_simple("commit"))
        return lost();
    sent.push_back({});
    return std::nullopt;
}

std::optional<Failure> Session::send(const Command& command, std::vector<Sent>& sent) {
    auto& cache = command.users == nullptr ? ours_ : users_;
    auto found = cache.find(command.sql);
    if (found == cache.end()) {
        found = cache.emplace(command.sql, Prepared{next_name(), {}}).first;
        if (PQsendPrepare(
                connection_.get(), found->second.name.c_str(), command.sql.c_str(), 0, nullptr) ==
            0)
            return lost();
        sent.push_back({&command, true, found->first});
    }
    Bound bound{command.params.size()};
    if (auto failure = bind(bound, command, found->second.types))
        return failure;
    if (!send_prepared(connection_.get(), found->second.name, bound))
        return lost();
    sent.push_back({&command, false, {}});
    return std::nullopt;
}

std::optional<Failure> Session::bind(Bound& bound,
                                     const Command& command,
                                     const std::vector<std::uint32_t>& types) {
    if (command.users == nullptr) {
        for (const auto& param : command.params) {
            if (auto failure = bound.add(param, 0))
                return failure;
        }
        return std::nullopt;
    }
    if (types.size() != command.params.size())
        return Failure{errc::bad_statement,
                       fmt::format("the statement has {} parameters, {} were given, in: {}",
                                   types.size(),
                                   command.params.size(),
                                   command.users->source)};
    for (std::size_t i = 0; i < types.size(); ++i) {
        if (auto failure = bound.add(command.params[i], types[i])) {
            failure->text.append(" in: ").append(command.users->source);
            suspicious_ = true;
            return failure;
        }
    }
    return std::nullopt;
}

std::optional<Failure> Session::take_answers(std::span<const Sent> sent) {
    std::optional<Failure> first;
    for (const auto& one : sent) {
        while (true) {
            if (auto failure = await_result())
                return failure;
            const Result result{PQgetResult(connection_.get())};
            if (!result)
                break;
            if (!is_error(result.get()))
                continue;
            if (PQstatus(connection_.get()) == CONNECTION_BAD)
                return lost();
            // A statement that was not prepared after all is prepared again the next time.
            if (one.prepares)
                ours_.erase(std::string{one.sql});
            if (!first && PQresultStatus(result.get()) != PGRES_PIPELINE_ABORTED)
                first =
                    failure_of(result.get(), one.command == nullptr ? nullptr : one.command->users);
        }
    }
    if (auto failure = await_result())
        return failure;
    const Result sync{PQgetResult(connection_.get())};
    if (PQresultStatus(sync.get()) != PGRES_PIPELINE_SYNC)
        return lost();
    return first;
}

}  // namespace keepmq::pgsql
