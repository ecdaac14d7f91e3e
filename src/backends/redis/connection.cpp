#include "backends/redis/connection.hpp"

#include <fmt/format.h>
#include <hiredis/hiredis.h>

#include <array>

#include "backends/redis/errors.hpp"

namespace keepmq::redis {
namespace {

using store::errc;
using store::Failure;

// More than this is given back to the system after a batch.
constexpr std::size_t kept_buffer = std::size_t{1} << 20U;

void append(std::string& out, const Command& command) {
    fmt::format_to(std::back_inserter(out), "*{}\r\n", command.args.size());
    out += command.args.encoded();
}

Answer to_answer(const redisReply& reply) {
    Answer answer;
    switch (reply.type) {
        case REDIS_REPLY_STRING:
        case REDIS_REPLY_STATUS:
        case REDIS_REPLY_ERROR:
            answer.kind =
                reply.type == REDIS_REPLY_ERROR ? Answer::Kind::error : Answer::Kind::text;
            answer.text.assign(reply.str, static_cast<std::size_t>(reply.len));
            break;
        case REDIS_REPLY_INTEGER:
            answer.kind = Answer::Kind::integer;
            answer.integer = reply.integer;
            break;
        case REDIS_REPLY_ARRAY:
            answer.kind = Answer::Kind::list;
            answer.list.reserve(reply.elements);
            for (std::size_t i = 0; i < reply.elements; ++i)
                answer.list.push_back(to_answer(*reply.element[i]));
            break;
        default:
            break;
    }
    return answer;
}

std::vector<const Command*> pointers_to(std::span<const Command> commands) {
    std::vector<const Command*> all;
    all.reserve(commands.size());
    for (const auto& command : commands) all.push_back(&command);
    return all;
}

}  // namespace

Login login_of(const Settings& settings) {
    return {settings.username, settings.password, settings.database};
}

void Connection::FreeReader::operator()(redisReader* reader) const {
    redisReaderFree(reader);
}

Connection::Connection() = default;
Connection::~Connection() = default;

std::optional<Failure> Connection::open(const store::Server& server,
                                        const Settings& settings,
                                        const Login& login) {
    close();
    server_ = server;
    if (auto failure =
            socket_.open(server, settings.tls, settings.connect_timeout, settings.read_timeout))
        return failure;
    reader_.reset(redisReaderCreate());
    if (auto failure = log_in(login)) {
        close();
        return failure;
    }
    return std::nullopt;
}

void Connection::close() noexcept {
    socket_.close();
}

std::optional<Failure> Connection::log_in(const Login& login) {
    Commands greeting;
    if (!login.password.empty()) {
        greeting.push_back(login.username.empty()
                               ? Command{{"AUTH", login.password}}
                               : Command{{"AUTH", login.username, login.password}});
    }
    if (login.database != 0)
        greeting.push_back({{"SELECT", std::to_string(login.database)}});
    greeting.push_back({{"PING"}});
    auto exchange = run(greeting);
    if (auto* const failure = std::get_if<Failure>(&exchange)) {
        // Nothing was under way yet.
        failure->code = errc::unreachable;
        return std::move(*failure);
    }
    auto& answers = std::get<Answers>(exchange);
    // Whoever may not PING is still logged in.
    if (answers.back().text.starts_with("NOPERM"))
        answers.pop_back();
    for (const auto& answer : answers) {
        if (!answer.is_error())
            continue;
        const auto code = classify(answer.text);
        return Failure{store::is_permanent(code) ? errc::access_denied : code,
                       fmt::format("{}: {}", to_string(server_), answer.text)};
    }
    return std::nullopt;
}

Failure Connection::broken(Failure failure) {
    close();
    failure.text = fmt::format("{}: {}", to_string(server_), failure.text);
    return failure;
}

std::optional<Failure> Connection::send(std::span<const Command* const> commands) {
    if (!is_open())
        return Failure{errc::unreachable, fmt::format("{}: not connected", to_string(server_))};
    out_.clear();
    for (const auto* command : commands) append(out_, *command);
    auto failure = socket_.write(out_);
    if (out_.capacity() > kept_buffer)
        std::string{}.swap(out_);
    if (failure)
        return broken(*std::move(failure));
    return std::nullopt;
}

bool Connection::has_input(std::chrono::milliseconds patience) {
    return !is_open() || reader_->len > reader_->pos || socket_.has_input(patience);
}

std::variant<Answer, Failure> Connection::receive() {
    if (!is_open())
        return Failure{errc::connection_lost, fmt::format("{}: not connected", to_string(server_))};
    std::array<char, 16'384> buffer;
    while (true) {
        void* found = nullptr;
        if (redisReaderGetReply(reader_.get(), &found) != REDIS_OK)
            return broken({errc::connection_lost,
                           fmt::format("the server does not speak Redis ({})",
                                       static_cast<const char*>(reader_->errstr))});
        if (found != nullptr) {
            auto* const reply = static_cast<redisReply*>(found);
            auto answer = to_answer(*reply);
            freeReplyObject(reply);
            return answer;
        }
        const auto got = socket_.read(buffer.data(), buffer.size());
        if (const auto* const failure = std::get_if<Failure>(&got))
            return broken(*failure);
        redisReaderFeed(reader_.get(), buffer.data(), std::get<std::size_t>(got));
    }
}

Exchange Connection::run(std::span<const Command* const> commands) {
    if (auto failure = send(commands))
        return *std::move(failure);
    Answers answers;
    answers.reserve(commands.size());
    while (answers.size() < commands.size()) {
        auto received = receive();
        if (auto* const failure = std::get_if<Failure>(&received))
            return std::move(*failure);
        answers.push_back(std::get<Answer>(std::move(received)));
    }
    return answers;
}

Exchange Connection::run(const Commands& commands) {
    return run(pointers_to(commands));
}

std::variant<Answer, Failure> Connection::run(const Command& command) {
    const Command* const one = &command;
    auto exchange = run({&one, 1});
    if (auto* const failure = std::get_if<Failure>(&exchange))
        return std::move(*failure);
    return std::move(std::get<Answers>(exchange).front());
}

}  // namespace keepmq::redis
