#pragma once
// Reads a new socket until its first packet is there, so that somebody can decide whose it is.

#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace keepmq::net {

/// `received`: all that was read; for make_tcp_connection. `client`: identifier in CONNECT, empty
/// if there is none or the bytes are something else.
using FirstPacket = std::function<void(
    boost::asio::ip::tcp::socket socket, std::string received, std::string_view client)>;

/// Calls `done` once, on the thread of the socket's io_context, not before it returns. If the peer
/// goes away or has not sent a packet when `patience` ends, the socket is closed and `done` is
/// destroyed without a call.
void read_first_packet(boost::asio::ip::tcp::socket socket,
                       std::chrono::milliseconds patience,
                       std::uint32_t max_packet_size,
                       FirstPacket done);

}  // namespace keepmq::net
