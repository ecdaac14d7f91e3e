#pragma once
// A connection to a server or a group of them, over libmongoc. Lives on one thread, except
// `interrupt`.
//
// The driver sends and receives through sockets of ours: they can be interrupted, and TLS and its
// mistakes are the same as towards the other databases.

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>

#include "backends/mongo/command.hpp"
#include "backends/mongo/pace.hpp"
#include "backends/mongo/settings.hpp"

namespace keepmq::mongo {

class Streams;

class Connection {
  public:
    explicit Connection(Settings settings);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// Connects and logs in, also again after a failure. After one that was a time-out of a server
    /// that does answer now, the next answers may take twice as long: a slow server still works on
    /// the request that was given up, and must not get more of them than it can finish.
    [[nodiscard]] std::optional<store::Failure> open();

    enum class From : std::uint8_t { primary, as_configured };
    [[nodiscard]] Found find(const Find& find, From from = From::primary);

    /// An answer that is an error is a failure.
    [[nodiscard]] std::variant<std::string, store::Failure> run(const Document& command,
                                                                From from = From::primary);

    /// Writes in order, or all that can be written, as the sequence says, in requests that the
    /// server answers in time. Waits until they are as durable as the pool asks for. What is
    /// refused for good is a refusal; after a failure some may be written.
    [[nodiscard]] Written write(const Writes& writes);

    void interrupt() noexcept;

  private:
    struct Client;
    void close();
    [[nodiscard]] std::optional<store::Failure> ask_who();
    [[nodiscard]] std::size_t fit(std::span<const Write> rest, const Pace& pace) const;
    [[nodiscard]] Written request(const std::string& collection,
                                  Sequence sequence,
                                  std::span<const Write> writes);

    Settings settings_;
    std::unique_ptr<Streams> streams_;
    std::unique_ptr<Client> client_;
    std::map<std::string, Pace, std::less<>> paces_;  ///< of collections
    std::size_t searches_ = 0;                        ///< a request has no more of them
    std::chrono::milliseconds patience_;
};

}  // namespace keepmq::mongo
