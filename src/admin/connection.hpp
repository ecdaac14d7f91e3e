#pragma once
// One HTTP connection: reads requests, lets the guard and the routes answer, keeps it open.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstdint>

#include "admin/guard.hpp"
#include "admin/source.hpp"

namespace keepmq::admin {

/// Of one request. The longest topic, percent-encoded, fits into the header.
inline constexpr std::uint32_t header_limit = 208U * 1024;
inline constexpr std::uint64_t body_limit = 256UL * 1024;
/// For a whole request from its first to its last byte, also for the silence before it.
inline constexpr std::chrono::seconds read_time_out{30};
inline constexpr std::chrono::seconds write_time_out{60};

/// Ends with the connection. Guard and source must outlive it.
boost::asio::awaitable<void> serve(boost::asio::ip::tcp::socket socket,
                                   const Guard& guard,
                                   Source& source);

}  // namespace keepmq::admin
