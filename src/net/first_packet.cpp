#include "net/first_packet.hpp"

#include <array>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <utility>

#include "base/result.hpp"
#include "mqtt/codec.hpp"

namespace keepmq::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

class Reader final : public std::enable_shared_from_this<Reader> {
  public:
    Reader(tcp::socket socket, std::uint32_t max_packet_size, FirstPacket done)
        : socket_{std::move(socket)}, timer_{socket_.get_executor()}, done_{std::move(done)} {
        options_.maximum_packet_size = max_packet_size;
        ErrorCode ignored;
        socket_.non_blocking(true, ignored);
    }

    void start(std::chrono::milliseconds patience) {
        timer_.expires_after(patience);
        timer_.async_wait([self = shared_from_this()](const ErrorCode& error) {
            if (!error)
                self->give_up();
        });
        await_readable();
    }

  private:
    void await_readable() {
        socket_.async_wait(tcp::socket::wait_read,
                           [self = shared_from_this()](const ErrorCode& error) {
                               if (!error && self->done_)
                                   self->on_readable();
                           });
    }

    void on_readable() {
        std::array<char, 4096> chunk;
        ErrorCode error;
        const auto count = socket_.read_some(asio::buffer(chunk), error);
        if (error && error != asio::error::would_block && error != asio::error::try_again) {
            give_up();
            return;
        }
        received_.append(chunk.data(), count);
        mqtt::Packet packet;
        const auto status = mqtt::decode(received_, options_, packet).status;
        if (status == mqtt::DecodeStatus::incomplete) {
            await_readable();
            return;
        }
        timer_.cancel();
        std::string client;
        if (const auto* connect = std::get_if<mqtt::Connect>(&packet);
            connect && status == mqtt::DecodeStatus::complete)
            client = connect->client_id;
        const auto done = std::exchange(done_, nullptr);
        done(std::move(socket_), std::move(received_), client);
    }

    void give_up() {
        done_ = nullptr;
        timer_.cancel();
        ErrorCode ignored;
        socket_.close(ignored);
    }

    tcp::socket socket_;
    asio::steady_timer timer_;
    FirstPacket done_;
    mqtt::DecodeOptions options_;
    std::string received_;
};

}  // namespace

void read_first_packet(tcp::socket socket,
                       std::chrono::milliseconds patience,
                       std::uint32_t max_packet_size,
                       FirstPacket done) {
    std::make_shared<Reader>(std::move(socket), max_packet_size, std::move(done))->start(patience);
}

}  // namespace keepmq::net
