#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
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

class TcpConnection final : public Connection, public std::enable_shared_from_this<TcpConnection> {
  public:
    TcpConnection(tcp::socket socket,
                  ConnectionId id,
                  ConnectionEvents& events,
                  ReadContext& context,
                  std::string received)
        : socket_{std::move(socket)},
          id_{id},
          events_{&events},
          context_{&context},
          pending_{std::move(received)} {
        context_->bytes_received += pending_.size();
        ErrorCode ignored;
        socket_.non_blocking(true, ignored);
        socket_.set_option(tcp::no_delay{true}, ignored);
    }

    void start() override {
        options_ = events_->decode_options(id_);
        if (!pending_.empty()) {
            const std::string received = std::exchange(pending_, {});
            take(received);
        }
        await_readable();
    }

    void pause_reading() override { paused_ = true; }

    void resume_reading() override {
        if (!paused_)
            return;
        paused_ = false;
        // From the loop, not from inside the caller: the caller may be handling one of our packets.
        asio::post(socket_.get_executor(), [self = shared_from_this()] {
            if (self->state_ != State::open || self->paused_ || self->refused_ || self->reading_)
                return;
            std::string kept = std::exchange(self->pending_, {});
            self->take(kept);
            self->await_readable();
        });
    }

    std::size_t write(std::string_view bytes) override {
        if (state_ == State::gone || failed_)
            return 0;
        std::size_t written = 0;
        while (written < bytes.size()) {
            ErrorCode error;
            const auto rest = bytes.substr(written);
            written += socket_.write_some(asio::buffer(rest.data(), rest.size()), error);
            if (error == asio::error::would_block || error == asio::error::try_again)
                break;
            if (error) {
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
        socket_.async_wait(tcp::socket::wait_write,
                           [self = shared_from_this()](const ErrorCode& error) {
                               self->awaiting_write_ = false;
                               if (!error && self->state_ != State::gone)
                                   self->events_->on_writable(self->id_);
                           });
    }

    void close_soon() override {
        if (state_ == State::open && !timer_)
            start_timer();
    }

    void close_gracefully() override {
        if (state_ != State::open)
            return;
        state_ = State::lingering;
        ErrorCode ignored;
        socket_.shutdown(tcp::socket::shutdown_send, ignored);
        start_timer();
        if (!reading_)
            await_readable();
    }

    void close_now() override {
        if (state_ == State::gone)
            return;
        state_ = State::gone;
        timer_.reset();
        ErrorCode ignored;
        socket_.close(ignored);
    }

  private:
    enum class State : std::uint8_t { open, lingering, gone };

    void start_timer() {
        timer_.emplace(socket_.get_executor(), linger);
        timer_->async_wait([self = shared_from_this()](const ErrorCode& error) {
            if (!error)
                self->finish_linger();
        });
    }

    void await_readable() {
        if (reading_ || state_ == State::gone || (state_ == State::open && (paused_ || refused_)))
            return;
        reading_ = true;
        socket_.async_wait(tcp::socket::wait_read,
                           [self = shared_from_this()](const ErrorCode& error) {
                               self->reading_ = false;
                               if (!error)
                                   self->on_readable();
                           });
    }

    void on_readable() {
        if (state_ == State::lingering) {
            discard();
            return;
        }
        for (int i = 0; i < reads_per_turn && state_ == State::open && !paused_ && !refused_; ++i) {
            ErrorCode error;
            const std::size_t count = socket_.read_some(
                asio::buffer(context_->buffer.data(), context_->buffer.size()), error);
            if (error == asio::error::would_block || error == asio::error::try_again)
                break;
            if (error) {
                fail();
                return;
            }
            context_->bytes_received += count;
            const std::string_view bytes{context_->buffer.data(), count};
            if (pending_.empty()) {
                take(bytes);
            } else {
                pending_.append(bytes);
                if (pending_.size() < wanted_)
                    continue;
                std::string kept = std::exchange(pending_, {});
                take(kept);
            }
            if (count < context_->buffer.size())
                break;
        }
        await_readable();
    }

    /// Hands out the packets at the front of `bytes`; keeps the rest.
    void take(std::string_view bytes) {
        wanted_ = 0;
        while (!bytes.empty() && state_ == State::open && !paused_) {
            const auto decoded = mqtt::decode(bytes, options_, context_->packet);
            if (decoded.status == mqtt::DecodeStatus::incomplete) {
                wanted_ = decoded.wanted;
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
        if (state_ == State::open && !bytes.empty()) {
            pending_.assign(bytes);
            if (wanted_ > pending_.capacity())
                pending_.reserve(std::min<std::size_t>(wanted_, ReadContext::buffer_size));
        }
    }

    void discard() {
        ErrorCode error;
        const std::size_t count = socket_.read_some(
            asio::buffer(context_->buffer.data(), context_->buffer.size()), error);
        context_->bytes_received += count;
        if (error && error != asio::error::would_block && error != asio::error::try_again)
            finish_linger();
        else
            await_readable();
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
        asio::post(socket_.get_executor(), [self = shared_from_this()] { self->fail(); });
    }

    tcp::socket socket_;
    ConnectionId id_;
    ConnectionEvents* events_;
    ReadContext* context_;
    std::string pending_;     ///< an incomplete packet, or what was read while paused
    std::size_t wanted_ = 0;  ///< size of the incomplete packet, if known
    mqtt::DecodeOptions options_;
    std::optional<asio::steady_timer> timer_;
    State state_ = State::open;
    bool paused_ = false;
    bool refused_ = false;  ///< the peer sent what is no packet
    bool reading_ = false;
    bool awaiting_write_ = false;
    bool failed_ = false;
};

}  // namespace

std::shared_ptr<Connection> make_tcp_connection(tcp::socket socket,
                                                ConnectionId id,
                                                ConnectionEvents& events,
                                                ReadContext& context,
                                                std::string received) {
    return std::make_shared<TcpConnection>(
        std::move(socket), id, events, context, std::move(received));
}

}  // namespace keepmq::net
