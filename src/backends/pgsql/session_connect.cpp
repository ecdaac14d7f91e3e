// Connecting, waiting, being woken.

#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "backends/pgsql/errors.hpp"
#include "backends/pgsql/session.hpp"

namespace keepmq::pgsql {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using store::errc;
using store::Failure;

/// The server ends a statement itself after read_timeout; only if it says nothing do we.
constexpr milliseconds patience{500};

/// The ways of libpq to say where and how to connect.
class Parameters {
  public:
    void add(const char* name, std::string value) {
        names_.push_back(name);
        values_.push_back(std::move(value));
    }
    [[nodiscard]] PGconn* start() {
        std::vector<const char*> texts;
        for (const auto& value : values_) texts.push_back(value.c_str());
        names_.push_back(nullptr);
        texts.push_back(nullptr);
        return PQconnectStartParams(names_.data(), texts.data(), 0);
    }

  private:
    std::vector<const char*> names_;
    std::vector<std::string> values_;
};

void add_tls(Parameters& out, const store::Tls& tls) {
    if (!tls.enabled)
        return out.add("sslmode", "disable");
    out.add("sslmode", tls.verify ? "verify-full" : "require");
    if (tls.verify)
        out.add("sslrootcert", tls.ca_file);
    if (!tls.cert_file.empty())
        out.add("sslcert", tls.cert_file);
    if (!tls.key_file.empty())
        out.add("sslkey", tls.key_file);
}

Parameters parameters(const store::Server& server, const Settings& settings) {
    Parameters out;
    out.add("host", server.host);
    out.add("port", std::to_string(server.port));
    out.add("user", settings.username);
    out.add("password", settings.password);
    out.add("dbname", settings.database);
    out.add("client_encoding", "UTF8");
    out.add("application_name", "keepmq");
    out.add("target_session_attrs", "read-write");
    out.add("keepalives_idle", "10");
    out.add("keepalives_interval", "3");
    out.add("keepalives_count", "3");
    out.add("tcp_user_timeout", std::to_string(settings.read_timeout.count()));
    add_tls(out, settings.tls);
    return out;
}

}  // namespace

// --- Interrupt ---------------------------------------------------------------------------------

Interrupt::Interrupt() : descriptor_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {
    if (descriptor_ < 0)
        throw std::system_error{errno, std::generic_category(), "eventfd"};
}

Interrupt::~Interrupt() {
    ::close(descriptor_);
}

void Interrupt::raise() const noexcept {
    [[maybe_unused]] const auto result = ::eventfd_write(descriptor_, 1);
}

void Interrupt::clear() const noexcept {
    eventfd_t value = 0;
    [[maybe_unused]] const auto result = ::eventfd_read(descriptor_, &value);
}

// --- connecting --------------------------------------------------------------------------------

void Session::Finish::operator()(pg_conn* connection) const {
    PQfinish(connection);
}

void Session::Clear::operator()(pg_result* result) const {
    PQclear(result);
}

Session::Session(pg_conn* connection, const Settings& settings, const Interrupt& interrupt)
    : connection_{connection},
      answer_timeout_{settings.read_timeout + patience},
      interrupt_{interrupt} {}

Session::~Session() = default;

std::variant<std::unique_ptr<Session>, Failure> Session::connect(const Settings& settings,
                                                                 const Interrupt& interrupt) {
    std::optional<Failure> why;
    for (const auto& server : settings.servers) {
        auto session = connect_to(server, settings, interrupt);
        auto* const failure = std::get_if<Failure>(&session);
        if (failure == nullptr)
            return session;
        // A server that refuses us says more than one that cannot be reached.
        if (!why || why->code == errc::unreachable)
            why = std::move(*failure);
    }
    return *std::move(why);
}

std::variant<std::unique_ptr<Session>, Failure> Session::connect_to(const store::Server& server,
                                                                    const Settings& settings,
                                                                    const Interrupt& interrupt) {
    auto* const connection = parameters(server, settings).start();
    if (connection == nullptr)
        return Failure{errc::unreachable, "not enough memory for a connection"};
    std::unique_ptr<Session> session{new Session{connection, settings, interrupt}};
    session->server_ = to_string(server);
    const auto deadline = steady_clock::now() + settings.connect_timeout;
    if (auto failure = session->finish_connecting(deadline))
        return *std::move(failure);
    if (auto failure = session->run_script(
            fmt::format("set statement_timeout = {}; set datestyle = 'ISO'; set timezone = 'UTC'; "
                        "set standard_conforming_strings = on",
                        settings.read_timeout.count())))
        return *std::move(failure);
    return session;
}

std::optional<Failure> Session::finish_connecting(Time deadline) {
    auto* const connection = connection_.get();
    PQsetErrorVerbosity(connection, PQERRORS_VERBOSE);
    PQsetNoticeReceiver(
        connection, [](void*, const PGresult*) {}, nullptr);
    auto status =
        PQstatus(connection) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
    while (status != PGRES_POLLING_OK) {
        if (status == PGRES_POLLING_FAILED)
            return failure_of_connect(PQerrorMessage(connection));
        const bool reads = status == PGRES_POLLING_READING;
        if (auto failure = wait(reads, !reads, deadline))
            return Failure{errc::unreachable,
                           fmt::format("{} does not answer: {}", server_, failure->text)};
        status = PQconnectPoll(connection);
    }
    PQsetnonblocking(connection, 1);
    return std::nullopt;
}

// --- waiting -----------------------------------------------------------------------------------

std::optional<Failure> Session::wait(bool read, bool write, Time deadline) {
    const int socket = PQsocket(connection_.get());
    if (socket < 0)
        return lost();
    const auto events = static_cast<short>((read ? POLLIN : 0) | (write ? POLLOUT : 0));
    while (true) {
        const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now()).count();
        if (left <= 0)
            return Failure{errc::timed_out, "no answer in time"};
        std::array<pollfd, 2> set{pollfd{socket, events, 0},
                                  pollfd{interrupt_.descriptor(), POLLIN, 0}};
        const int ready = ::poll(set.data(), set.size(), static_cast<int>(left));
        if (ready < 0 && errno != EINTR)
            return Failure{errc::connection_lost, std::generic_category().message(errno)};
        if (set[1].revents != 0)
            return Failure{errc::timed_out, "interrupted"};
        if (ready > 0)
            return std::nullopt;
    }
}

}  // namespace keepmq::pgsql
