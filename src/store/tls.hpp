#pragma once
// TLS over a descriptor that does not block. Lives on the thread of its socket.

#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "store/errc.hpp"
#include "store/pool_conf.hpp"

namespace keepmq::store {

class TlsSession {
  public:
    /// `refused`: the two sides cannot agree (certificate, protocol); `failed`: the connection
    /// broke.
    enum class Step : std::uint8_t { done, wants_read, wants_write, refused, failed };
    struct Progress {
        Step step = Step::done;
        std::size_t bytes = 0;
    };

    /// Reads the certificates; nothing is sent yet.
    [[nodiscard]] static std::variant<std::unique_ptr<TlsSession>, Failure> make(
        int fd, const Server& server, const Tls& tls);
    ~TlsSession();
    TlsSession(const TlsSession&) = delete;
    TlsSession& operator=(const TlsSession&) = delete;

    [[nodiscard]] Progress handshake();
    [[nodiscard]] Progress read(char* buffer, std::size_t size);
    [[nodiscard]] Progress write(std::string_view bytes);

    /// Whether bytes have been received and not read.
    [[nodiscard]] bool has_input() const;

    /// Why the last step failed.
    [[nodiscard]] std::string error() const;

  private:
    struct State;
    explicit TlsSession(std::unique_ptr<State> state);
    [[nodiscard]] Progress progress(int result);

    std::unique_ptr<State> state_;
};

}  // namespace keepmq::store
