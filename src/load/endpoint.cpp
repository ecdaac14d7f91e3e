#include "load/endpoint.hpp"

#include <netdb.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace keepmq::load {
namespace {

/// Empty, or why not.
std::string try_connect(const addrinfo& address) {
    const int socket = ::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket < 0)
        return std::strerror(errno);
    const timeval patience{5, 0};
    ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    const bool connected = ::connect(socket, address.ai_addr, address.ai_addrlen) == 0;
    std::string problem = connected ? "" : std::strerror(errno);
    ::close(socket);
    return problem;
}

}  // namespace

std::variant<Endpoint, std::string> find_endpoint(const std::string& host, std::uint16_t port) {
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_STREAM;
    wanted.ai_flags = AI_NUMERICSERV;
    addrinfo* list = nullptr;
    if (const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &wanted, &list);
        error != 0)
        return "cannot find " + host + ": " + ::gai_strerror(error);
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> guard{list, &::freeaddrinfo};
    const std::string text = (host.find(':') == std::string::npos ? host : '[' + host + ']') + ':' +
                             std::to_string(port);
    std::string problem;
    for (const auto* each = list; each != nullptr; each = each->ai_next) {
        if (list->ai_next != nullptr && !(problem = try_connect(*each)).empty())
            continue;
        Endpoint found{{}, each->ai_addrlen, text};
        std::memcpy(&found.address, each->ai_addr, each->ai_addrlen);
        return found;
    }
    return "cannot connect to " + text + ": " + problem;
}

}  // namespace keepmq::load
