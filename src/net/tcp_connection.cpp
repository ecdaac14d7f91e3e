#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <memory>
#include <utility>

#include "net/connection.hpp"

namespace keepmq::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

/// Reads in one turn before others get theirs.
constexpr int reads_per_turn = 4;

/// How long a closed connection waits for the peer to take the last bytes, and then for its end.
constexpr std::chrono::seconds linger{2};

class TcpConnection final : public Connection, public Poller::Socket {
  public:
    /// Takes over the socket.
    TcpConnection(int socket,
                  ConnectionId id,
                  ConnectionEvents& events,
                  ReadContext& context,
                  std::string received)
        : id_{id}, events_{&events}, context_{&context}, socket_{socket} {
        if (!received.empty()) {
            context_->bytes_received += received.size();
            kept_ = std::make_unique<Kept>();
            kept_->bytes = std::move(received);
        }
        const int on = 1;
        ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }

    TcpConnection(const TcpConnection&) = delete;
    TcpConnection& operator=(const TcpConnection&) = delete;
    ~TcpConnection() override { close_now(); }

    void start() override {
        options_ = events_->decode_options(id_);
        if (!context_->poller.add(socket_, *this)) {
            fail_later();
            return;
        }
        polled_ = true;
        go_on();
    }

    void pause_reading() override { paused_ = true; }

    void resume_reading() override {
        if (!paused_)
            return;
        paused_ = false;
        // From the loop, not from inside the caller: the caller may be handling one of our packets.
        later([](TcpConnection& self) { self.go_on(); });
    }

    std::size_t write(std::string_view bytes) override {
        if (state_ == State::gone || failed_)
            return 0;
        std::size_t written = 0;
        while (written < bytes.size()) {
            const auto rest = bytes.substr(written);
            const auto count = ::send(socket_, rest.data(), rest.size(), MSG_NOSIGNAL);
            if (count >= 0)
                written += static_cast<std::size_t>(count);
            else if (would_block())
                break;
            else if (errno != EINTR) {
                fail_later();
                break;
            }
        }
        context_->bytes_sent += written;
        return written;
    }

    void await_writable() override {
        if (awaiting_write_ || state_ == State::gone || failed_)
            return;
        awaiting_write_ = true;
        context_->poller.await_writable(socket_, *this);
    }

    void close_soon() override {
        if (state_ == State::open && !timer_)
            start_timer();
    }

    void close_gracefully() override {
        if (state_ != State::open)
            return;
        state_ = State::lingering;
        ::shutdown(socket_, SHUT_WR);
        start_timer();
        if (has_input_)
            context_->poller.again(*this);
    }

    void close_now() override {
        if (state_ == State::gone)
            return;
        state_ = State::gone;
        timer_.reset();
        if (polled_)
            context_->poller.remove(*this);
        ::close(socket_);
    }

  private:
    enum class State : std::uint8_t { open, lingering, gone };

    static bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK; }

    /// It lives until this is gone.
    [[nodiscard]] boost::intrusive_ptr<TcpConnection> held() {
        return boost::intrusive_ptr<TcpConnection>{this};
    }

    template <class Act>
    void later(Act act) {
        asio::post(context_->poller.loop(), [self = held(), act] { act(*self); });
    }

    void start_timer() {
        timer_ = std::make_unique<asio::steady_timer>(context_->poller.loop(), linger);
        timer_->async_wait([self = held()](const ErrorCode& error) {
            if (!error)
                self->finish_linger();
        });
    }

    void on_ready(Poller::Ready ready) override {
        const auto self = held();
        has_input_ |= ready.readable;
        ended_ |= ready.ended;
        if (ready.writable && std::exchange(awaiting_write_, false) && state_ != State::gone)
            events_->on_writable(id_);
        if (has_input_)
            read();
    }

    [[nodiscard]] bool may_read() const {
        return state_ == State::lingering || (state_ == State::open && !paused_ && !refused_);
    }

    void read() {
        for (int i = 0; i < reads_per_turn; ++i) {
            if (!may_read())
                return;
            auto& buffer = context_->buffer;
            const auto count = ::recv(socket_, buffer.data(), buffer.size(), 0);
            if (count < 0 && errno == EINTR)
                continue;
            if (count < 0 && would_block()) {
                has_input_ = false;
                return;
            }
            if (count <= 0) {
                fail();
                return;
            }
            const std::string_view bytes{buffer.data(), static_cast<std::size_t>(count)};
            context_->bytes_received += bytes.size();
            if (state_ == State::open)
                take_read(bytes);
            // A read that does not fill the buffer took all there was, and what comes then is
            // reported; but an end that was reported already is still behind it.
            if (bytes.size() < buffer.size() && !ended_) {
                has_input_ = false;
                return;
            }
        }
        context_->poller.again(*this);
    }

    void go_on() {
        if (!may_read())
            return;
        if (kept_) {
            const auto kept = std::exchange(kept_, nullptr);
            take(kept->bytes);
        }
        if (has_input_)
            read();
    }

    void take_read(std::string_view bytes) {
        if (!kept_) {
            take(bytes);
            return;
        }
        kept_->bytes.append(bytes);
        if (kept_->bytes.size() < kept_->wanted)
            return;
        const auto kept = std::exchange(kept_, nullptr);
        take(kept->bytes);
    }

    /// Hands out the packets at the front of `bytes`; keeps the rest.
    void take(std::string_view bytes) {
        std::size_t wanted = 0;
        while (!bytes.empty() && state_ == State::open && !paused_) {
            const auto decoded = mqtt::decode(bytes, options_, context_->packet);
            if (decoded.status == mqtt::DecodeStatus::incomplete) {
                wanted = decoded.wanted;
                break;
            }
            if (decoded.status == mqtt::DecodeStatus::refused) {
                std::optional<mqtt::ProtocolVersion> version;
                if (const auto* connect = std::get_if<mqtt::Connect>(&context_->packet))
                    version = connect->version;
                refused_ = true;
                events_->on_refused(id_, decoded, version);
                return;
            }
            bytes.remove_prefix(decoded.consumed);
            const bool is_connect = std::holds_alternative<mqtt::Connect>(context_->packet);
            events_->on_packet(id_, context_->packet);
            if (is_connect && state_ == State::open)
                options_ = events_->decode_options(id_);
        }
        if (state_ == State::open && !bytes.empty())
            keep(bytes, wanted);
    }

    void keep(std::string_view bytes, std::size_t wanted) {
        kept_ = std::make_unique<Kept>();
        kept_->bytes.reserve(std::max(bytes.size(), std::min(wanted, ReadContext::buffer_size)));
        kept_->bytes.assign(bytes);
        kept_->wanted = wanted;
    }

    void finish_linger() {
        if (state_ == State::gone)
            return;
        close_now();
        events_->on_gone(id_);
    }

    void fail() {
        if (failed_ || state_ == State::gone)
            return;
        failed_ = true;
        if (state_ == State::lingering)
            finish_linger();
        else
            events_->on_closed(id_);
    }

    void fail_later() {
        later([](TcpConnection& self) { self.fail(); });
    }

    struct Kept {
        std::string bytes;       ///< an incomplete packet, or what was read while paused
        std::size_t wanted = 0;  ///< size of the incomplete packet, if known
    };

    ConnectionId id_;
    ConnectionEvents* events_;
    ReadContext* context_;
    std::unique_ptr<Kept> kept_;
    std::unique_ptr<asio::steady_timer> timer_;
    mqtt::DecodeOptions options_;
    int socket_;
    State state_ = State::open;
    bool polled_ = false;
    bool paused_ = false;
    bool refused_ = false;    ///< the peer sent what is no packet
    bool has_input_ = false;  ///< it was not read to its end
    bool ended_ = false;      ///< the peer sends nothing more
    bool awaiting_write_ = false;
    bool failed_ = false;
};

}  // namespace

boost::intrusive_ptr<Connection> make_tcp_connection(tcp::socket socket,
                                                     ConnectionId id,
                                                     ConnectionEvents& events,
                                                     ReadContext& context,
                                                     std::string received) {
    ErrorCode ignored;
    socket.native_non_blocking(true, ignored);
    return boost::intrusive_ptr<Connection>{
        new TcpConnection{socket.release(ignored), id, events, context, std::move(received)}};
}

}  // namespace keepmq::net
