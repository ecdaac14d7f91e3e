#pragma once
// Where a broker is, looked up once.

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <variant>

namespace keepmq::load {

struct Endpoint {
    sockaddr_storage address{};
    socklen_t size = 0;
    std::string text;  ///< for messages: `localhost:1883`
};

/// Looks the name up; of several addresses it takes the first that accepts a connection. Blocks.
/// Otherwise what is wrong.
[[nodiscard]] std::variant<Endpoint, std::string> find_endpoint(const std::string& host,
                                                                std::uint16_t port);

}  // namespace keepmq::load
