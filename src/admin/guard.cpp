#include "admin/guard.hpp"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <boost/asio/ip/address.hpp>
#include <boost/beast/core/string.hpp>

#include "admin/json_text.hpp"

namespace keepmq::admin {
namespace {

namespace beast = boost::beast;

using Digest = std::array<unsigned char, SHA256_DIGEST_LENGTH>;

Digest digest_of(std::string_view text) {
    Digest out{};
    SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), out.data());
    return out;
}

/// The time depends on the given text alone: digests have one length.
bool equal_in_constant_time(std::string_view given, std::string_view expected) {
    const auto a = digest_of(given);
    const auto b = digest_of(expected);
    return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

bool is_same_origin(std::string_view origin, std::string_view host) {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (origin.starts_with(scheme))
            return beast::iequals(origin.substr(scheme.size()), host);
    }
    return false;
}

bool is_foreign(const Credentials& given) {
    if (!given.fetch_site.empty() && given.fetch_site != "same-origin" &&
        given.fetch_site != "none")
        return true;
    return !given.origin.empty() && !is_same_origin(given.origin, given.host);
}

}  // namespace

bool is_literal_host(std::string_view host) {
    std::string name;
    if (host.starts_with('[')) {
        const auto end = host.find(']');
        if (end == std::string_view::npos)
            return false;
        name = host.substr(1, end - 1);
        host.remove_prefix(end + 1);
    } else {
        name = host.substr(0, host.find(':'));
        host.remove_prefix(name.size());
    }
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    if (!host.empty() && (host.front() != ':' || !std::ranges::all_of(host.substr(1), is_digit)))
        return false;
    if (beast::iequals(name, "localhost"))
        return true;
    boost::system::error_code error;
    boost::asio::ip::make_address(name, error);
    return !error;
}

Guard::Guard(std::string_view login, std::string_view password) {
    if (!login.empty() || !password.empty())
        expected_ = base64(std::string{login} + ':' + std::string{password});
}

bool Guard::knows(std::string_view authorization) const {
    static constexpr std::string_view scheme = "basic ";
    if (!beast::iequals(authorization.substr(0, scheme.size()), scheme))
        return false;
    authorization.remove_prefix(scheme.size());
    while (authorization.starts_with(' ')) authorization.remove_prefix(1);
    return equal_in_constant_time(authorization, expected_);
}

std::optional<Reply> Guard::refuse(const Credentials& given) const {
    if (given.target == "/status" && given.reads_only)
        return std::nullopt;
    if (expected_.empty() && !given.host.empty() && !is_literal_host(given.host))
        return failure(403, Code::forbidden, "without a login, use an IP address or localhost");
    if (!given.reads_only && is_foreign(given))
        return failure(
            403, Code::forbidden, "requests from pages of another origin change nothing");
    if (!expected_.empty() && !knows(given.authorization))
        return failure(401, Code::login, "login and password are needed");
    return std::nullopt;
}

}  // namespace keepmq::admin
