#pragma once
// Tells the sockets of one shard that bytes came or that there is room for more.
//
// Asio would wait for each socket with a system call of its own, each time, and with some hundred
// bytes for the one that waits. Here all sockets are in one epoll set that reports changes, and the
// loop waits for that set. Lives on the loop's thread.

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <vector>

namespace keepmq::net {

class Poller {
  public:
    struct Ready {
        bool readable = false;
        bool writable = false;
        bool ended = false;  ///< nothing comes behind what is there to be read
    };

    class Socket {
      public:
        /// Something changed since the last call: a socket that was readable and was not read to
        /// its end is not reported again.
        virtual void on_ready(Ready ready) = 0;

      protected:
        ~Socket() = default;
    };

    explicit Poller(boost::asio::io_context& loop);

    [[nodiscard]] boost::asio::io_context& loop() { return *loop_; }

    /// Reports what there is to be read, now and later. False: the system refuses.
    [[nodiscard]] bool add(int descriptor, Socket& socket);
    /// Reports also room for more bytes, now or as soon as there is some.
    void await_writable(int descriptor, Socket& socket);
    /// Before the descriptor is closed. Nothing is reported any more.
    void remove(const Socket& socket);
    /// There is more to be read: reports it once the others had their turn.
    void again(Socket& socket);
    /// How often it reported, to tell what comes in one go.
    [[nodiscard]] std::uint64_t turns() const { return turns_; }

  private:
    struct Report {
        Socket* socket = nullptr;  ///< null once it was removed
        Ready ready;
    };

    void wait();
    void turn();
    void turn_later();

    boost::asio::io_context* loop_;
    boost::asio::posix::stream_descriptor set_;
    std::vector<Report> reports_;  ///< of this turn
    std::size_t reported_ = 0;
    std::vector<Socket*> again_;
    std::size_t sockets_ = 0;
    std::uint64_t turns_ = 0;
    bool waiting_ = false;
    bool turn_is_due_ = false;
};

}  // namespace keepmq::net
