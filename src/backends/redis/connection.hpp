#pragma once
// A connection to one server: commands out, answers in. Lives on one thread, except `interrupt`.

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>

#include "backends/redis/command.hpp"
#include "backends/redis/settings.hpp"
#include "store/socket.hpp"

struct redisReader;

namespace keepmq::redis {

/// Who to be on the server. A sentinel has neither databases nor, mostly, users.
struct Login {
    std::string username;
    std::string password;
    std::size_t database = 0;
};
[[nodiscard]] Login login_of(const Settings& settings);

class Connection {
  public:
    Connection();
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// Connects and logs in.
    [[nodiscard]] std::optional<store::Failure> open(const store::Server& server,
                                                     const Settings& settings,
                                                     const Login& login);
    void close() noexcept;
    [[nodiscard]] bool is_open() const { return socket_.is_open(); }
    [[nodiscard]] const store::Server& server() const { return server_; }

    /// All commands are written, then all answers are read. After a failure it is closed.
    [[nodiscard]] Exchange run(std::span<const Command* const> commands);
    [[nodiscard]] Exchange run(const Commands& commands);
    [[nodiscard]] std::variant<Answer, store::Failure> run(const Command& command);

    /// The halves of `run`, for those that talk to several servers at once.
    [[nodiscard]] std::optional<store::Failure> send(std::span<const Command* const> commands);
    [[nodiscard]] std::variant<Answer, store::Failure> receive();

    /// Whether something comes within `patience`, or is here already.
    [[nodiscard]] bool has_input(std::chrono::milliseconds patience);

    void interrupt() noexcept { socket_.interrupt(); }

  private:
    struct FreeReader {
        void operator()(redisReader* reader) const;
    };

    [[nodiscard]] std::optional<store::Failure> log_in(const Login& login);
    [[nodiscard]] store::Failure broken(store::Failure failure);

    store::Server server_;
    store::Socket socket_;
    std::unique_ptr<redisReader, FreeReader> reader_;
    std::string out_;
};

}  // namespace keepmq::redis
