#include "backends/cassa/connection.hpp"

#include <keepmq_cassandra.h>

#include <algorithm>
#include <condition_variable>
#include <utility>

#include "backends/cassa/errors.hpp"
#include "base/time.hpp"

namespace keepmq::cassa {
namespace {

using store::errc;
using store::Failure;

/// More requests of one thread are not under way at once.
constexpr std::size_t most_under_way = 256;
constexpr std::uint32_t connections_to_a_node = 2;

struct FreeResult {
    void operator()(KmResult* result) const { km_result_free(result); }
};
using Result = std::unique_ptr<KmResult, FreeResult>;

/// Waits for calls. It outlives all of them: the driver ends each, also those that are cancelled.
class Calls {
  public:
    explicit Calls(std::size_t count) : results_(count) {}
    Calls(const Calls&) = delete;
    Calls& operator=(const Calls&) = delete;
    ~Calls() { await(0); }

    /// Before each call. Waits while too many are under way.
    void begin() {
        await(most_under_way - 1);
        const std::lock_guard lock{mutex_};
        ++under_way_;
    }

    static void done(void* calls, std::size_t tag, KmResult* result) {
        auto& self = *static_cast<Calls*>(calls);
        const std::lock_guard lock{self.mutex_};
        self.results_[tag].reset(result);
        --self.under_way_;
        self.changed_.notify_one();
    }

    /// Null for what was never begun.
    [[nodiscard]] Result take(std::size_t tag) {
        await(0);
        return std::move(results_[tag]);
    }

  private:
    void await(std::size_t most) {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [&] { return under_way_ <= most; });
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t under_way_ = 0;
    std::vector<Result> results_;
};

KmText view(std::string_view text) {
    return {text.data(), text.size()};
}

std::string_view view(KmText text) {
    return {text.data, text.size};
}

std::optional<Failure> failure_in(const KmResult& result, Author author) {
    const auto code = km_result_code(&result);
    if (code == KM_OK)
        return std::nullopt;
    const auto text = view(km_result_text(&result));
    return Failure{to_errc(code, text, author), std::string{text}};
}

sql::Rows rows_in(const KmResult& result) {
    const auto columns = km_result_columns(&result);
    sql::Rows rows{columns};
    for (std::size_t row = 0; row < km_result_rows(&result); ++row)
        for (std::size_t column = 0; column < columns; ++column) {
            const auto cell = km_result_cell(&result, row, column);
            if (cell.size < 0)
                rows.add(std::nullopt);
            else
                rows.add(decode(static_cast<Type>(km_result_type(&result, column)),
                                {cell.data, static_cast<std::size_t>(cell.size)}));
        }
    return rows;
}

/// The values of a request, as the driver wants them. It outlives neither the request nor the call.
class Bound {
  public:
    explicit Bound(const Request& request) {
        std::size_t count = 0;
        for (const auto& command : request.commands) count += command.params.size();
        owned_.reserve(count);  // pointers into its elements are given away
        values_.reserve(count);
    }

    [[nodiscard]] std::optional<Failure> add(const Command& command, const KmStatement& statement) {
        if (km_statement_values(&statement) != command.params.size())
            return Failure{errc::bad_statement,
                           "the statement has another number of values: " + command.cql};
        for (std::size_t i = 0; i < command.params.size(); ++i) {
            const auto& param = command.params[i];
            if (std::holds_alternative<std::monostate>(param)) {
                values_.push_back({nullptr, KM_NULL});
            } else if (std::holds_alternative<Unset>(param)) {
                values_.push_back({nullptr, KM_UNSET});
            } else if (const auto bytes = bytes_in(param, type_of(statement, i))) {
                values_.push_back({bytes->data(), static_cast<std::int32_t>(bytes->size())});
            } else {
                auto encoded = encode(param, type_of(statement, i));
                if (auto* const failure = std::get_if<Failure>(&encoded))
                    return std::move(*failure);
                const auto& own = owned_.emplace_back(std::get<std::string>(std::move(encoded)));
                values_.push_back({own.data(), static_cast<std::int32_t>(own.size())});
            }
        }
        return std::nullopt;
    }
    [[nodiscard]] const KmValue* values() const { return values_.data(); }

  private:
    static Type type_of(const KmStatement& statement, std::size_t value) {
        return static_cast<Type>(km_statement_type(&statement, value));
    }

    std::vector<std::string> owned_;
    std::vector<KmValue> values_;
};

}  // namespace

Interrupt::Interrupt() : scope_{km_scope_new()} {}
Interrupt::~Interrupt() {
    km_scope_free(scope_);
}
void Interrupt::raise() noexcept {
    km_scope_cancel(scope_);
}
void Interrupt::clear() noexcept {
    km_scope_reset(scope_);
}

void Session::Free::operator()(KmSession* session) const {
    km_session_free(session);
}
void Session::Free::operator()(KmStatement* statement) const {
    km_statement_free(statement);
}

std::variant<std::shared_ptr<Session>, Failure> Session::connect(const Settings& settings,
                                                                 const Interrupt& interrupt) {
    std::vector<std::string> names;
    for (const auto& node : settings.nodes) names.push_back(store::to_string(node));
    std::vector<KmText> nodes;
    nodes.reserve(names.size());
    for (const auto& name : names) nodes.push_back(view(name));
    KmOptions options{};
    options.nodes = nodes.data();
    options.node_count = nodes.size();
    options.username = view(settings.username);
    options.password = view(settings.password);
    options.keyspace = view(settings.keyspace);
    options.consistency = view(settings.consistency);
    options.connect_timeout_ms = static_cast<std::uint32_t>(settings.connect_timeout.count());
    options.request_timeout_ms = static_cast<std::uint32_t>(settings.read_timeout.count());
    options.connections = connections_to_a_node;
    options.tls = settings.tls.enabled ? 1 : 0;
    options.verify = settings.tls.verify ? 1 : 0;
    options.ca_file = view(settings.tls.ca_file);
    options.cert_file = view(settings.tls.cert_file);
    options.key_file = view(settings.tls.key_file);
    Calls calls{1};
    calls.begin();
    km_connect(&options, interrupt.scope(), &Calls::done, &calls, 0);
    const auto result = calls.take(0);
    if (auto failure = failure_in(*result, Author::keepmq))
        return *std::move(failure);
    return std::shared_ptr<Session>{new Session{km_result_take_session(result.get())}};
}

Session::~Session() = default;

Failure Session::note(Failure failure) {
    if (failure.code == errc::unreachable || store::is_outcome_unknown(failure.code))
        broken_ = true;
    return failure;
}

std::int64_t Session::next_timestamp() {
    const auto now =
        std::chrono::duration_cast<Micros>(std::chrono::system_clock::now().time_since_epoch())
            .count();
    auto last = timestamp_.load();
    std::int64_t next = 0;
    do next = std::max<std::int64_t>(now, last + 1);
    while (!timestamp_.compare_exchange_weak(last, next));
    return next;
}

std::vector<Session::StatementOr> Session::prepare(std::span<const Request> requests,
                                                   const Interrupt& interrupt) {
    std::vector<StatementOr> found;
    std::map<std::pair<std::string, Author>, std::vector<std::size_t>> unknown;
    const Command* last = nullptr;
    {
        const std::lock_guard lock{mutex_};
        for (const auto& request : requests)
            for (const auto& command : request.commands) {
                // Messages stand together and have one statement.
                if (last != nullptr && std::get<Prepared>(found.back()) &&
                    request.author == Author::keepmq && last->cql == command.cql) {
                    found.push_back(found.back());
                    continue;
                }
                last = request.author == Author::keepmq ? &command : nullptr;
                std::pair key{command.cql, request.author};
                const auto known = statements_.find(key);
                found.emplace_back(known == statements_.end() ? Prepared{} : known->second);
                if (known == statements_.end())
                    unknown[std::move(key)].push_back(found.size() - 1);
            }
    }
    if (unknown.empty())
        return found;
    Calls calls{unknown.size()};
    std::size_t tag = 0;
    for (const auto& [key, places] : unknown) {
        calls.begin();
        km_prepare(session_.get(),
                   interrupt.scope(),
                   view(key.first),
                   key.second == Author::keepmq ? 1 : 0,
                   &Calls::done,
                   &calls,
                   tag++);
    }
    tag = 0;
    for (const auto& [key, places] : unknown) {
        const auto result = calls.take(tag++);
        StatementOr prepared;
        if (auto failure = failure_in(*result, key.second)) {
            prepared = note(*std::move(failure));
        } else {
            prepared = Prepared{km_result_take_statement(result.get()), Free{}};
            const std::lock_guard lock{mutex_};
            statements_.emplace(key, std::get<Prepared>(prepared));
        }
        for (const auto place : places) found[place] = prepared;
    }
    return found;
}

void Session::send(std::span<const Request> requests,
                   std::span<const StatementOr> statements,
                   std::span<Answer> answers,
                   const Interrupt& interrupt) {
    Calls calls{requests.size()};
    for (std::size_t i = 0; i < requests.size(); ++i) {
        const auto& commands = requests[i].commands;
        Bound bound{requests[i]};
        std::vector<const KmStatement*> prepared;
        std::optional<Failure> failure;
        for (std::size_t k = 0; k < commands.size() && !failure; ++k) {
            if (const auto* const unprepared = std::get_if<Failure>(&statements[k])) {
                failure = *unprepared;
                break;
            }
            prepared.push_back(std::get<Prepared>(statements[k]).get());
            failure = bound.add(commands[k], *prepared.back());
        }
        statements = statements.subspan(commands.size());
        if (failure) {
            answers[i] = *std::move(failure);
            continue;
        }
        calls.begin();
        const auto timestamp = next_timestamp();
        if (prepared.size() == 1)
            km_execute(session_.get(),
                       interrupt.scope(),
                       prepared[0],
                       bound.values(),
                       timestamp,
                       &Calls::done,
                       &calls,
                       i);
        else
            km_batch(session_.get(),
                     interrupt.scope(),
                     requests[i].logged ? 1 : 0,
                     prepared.data(),
                     prepared.size(),
                     bound.values(),
                     timestamp,
                     &Calls::done,
                     &calls,
                     i);
    }
    for (std::size_t i = 0; i < requests.size(); ++i) {
        const auto result = calls.take(i);
        if (!result)
            continue;
        if (auto failure = failure_in(*result, requests[i].author))
            answers[i] = note(*std::move(failure));
        else
            answers[i] = rows_in(*result);
    }
}

std::vector<Answer> Session::run(std::span<const Request> requests, const Interrupt& interrupt) {
    std::vector<Answer> answers(requests.size(), Answer{sql::Rows{0}});
    const auto statements = prepare(requests, interrupt);
    send(requests, statements, answers, interrupt);
    return answers;
}

std::vector<Answer> Session::run(std::vector<Command> commands, const Interrupt& interrupt) {
    std::vector<Request> requests;
    requests.reserve(commands.size());
    for (auto& command : commands) requests.push_back({{std::move(command)}});
    return run(requests, interrupt);
}

Answer Session::run(Command command, const Interrupt& interrupt) {
    std::vector<Command> commands;
    commands.push_back(std::move(command));
    return std::move(run(std::move(commands), interrupt).front());
}

std::optional<Failure> Session::run_script(std::string_view script, const Interrupt& interrupt) {
    std::string text;
    while (!script.empty()) {
        const auto end = std::min(script.find('\n'), script.size());
        const auto line = script.substr(0, end);
        script.remove_prefix(std::min(end + 1, script.size()));
        if (line.empty() || line.starts_with("--"))
            continue;
        text.append(line).append("\n");
        if (!line.ends_with(';'))
            continue;
        Calls calls{1};
        calls.begin();
        km_query(session_.get(), interrupt.scope(), view(text), &Calls::done, &calls, 0);
        if (auto failure = failure_in(*calls.take(0), Author::keepmq))
            return note(*std::move(failure));
        text.clear();
    }
    return std::nullopt;
}

std::optional<Failure> Session::try_statement(const std::string& cql, const Interrupt& interrupt) {
    Calls calls{1};
    calls.begin();
    km_prepare(session_.get(), interrupt.scope(), view(cql), 0, &Calls::done, &calls, 0);
    const auto result = calls.take(0);
    if (auto failure = failure_in(*result, Author::user))
        return failure;
    const std::unique_ptr<KmStatement, Free> unneeded{km_result_take_statement(result.get())};
    return std::nullopt;
}

}  // namespace keepmq::cassa
