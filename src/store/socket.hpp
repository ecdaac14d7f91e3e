#pragma once
// A TCP connection, plain or TLS, with time-outs. Lives on one thread, except `interrupt`.

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <variant>

#include "store/errc.hpp"
#include "store/pool_conf.hpp"

namespace keepmq::store {

class TlsSession;

class Socket {
  public:
    using Milliseconds = std::chrono::milliseconds;

    Socket();
    ~Socket();
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;

    /// Tries each address of the server in turn.
    [[nodiscard]] std::optional<Failure> open(const Server& server,
                                              const Tls& tls,
                                              Milliseconds connect_timeout,
                                              Milliseconds io_timeout);
    void close() noexcept;
    [[nodiscard]] bool is_open() const { return fd_ >= 0; }

    [[nodiscard]] std::optional<Failure> write(std::string_view bytes);
    /// At least one byte.
    [[nodiscard]] std::variant<std::size_t, Failure> read(char* buffer, std::size_t size);
    /// Whether `read` has something to look at within `patience`; also an end.
    [[nodiscard]] bool has_input(Milliseconds patience) const;

    /// Ends a blocked call of the owning thread. The socket has to be opened again. Any thread.
    void interrupt() noexcept;

  private:
    enum class Wait : std::uint8_t { ready, timed_out, broken };

    [[nodiscard]] bool adopt(int fd);
    [[nodiscard]] Wait wait(short events, Milliseconds patience) const;
    [[nodiscard]] std::optional<Failure> start_tls(const Server& server,
                                                   const Tls& tls,
                                                   Milliseconds timeout);

    std::mutex replacing_;  ///< interrupt() must not meet a descriptor that goes away
    int fd_ = -1;
    Milliseconds io_timeout_{};
    std::unique_ptr<TlsSession> tls_;
};

}  // namespace keepmq::store
