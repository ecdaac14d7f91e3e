#include "store/tls.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <limits>

namespace keepmq::store {
namespace {

struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    void operator()(SSL* session) const { SSL_free(session); }
};

std::string take_error() {
    std::string text;
    while (const auto code = ERR_get_error()) {
        std::array<char, 256> line{};
        ERR_error_string_n(code, line.data(), line.size());
        if (text.empty())
            text = line.data();
    }
    return text.empty() ? "the connection was closed" : text;
}

/// OpenSSL writes to the descriptor without MSG_NOSIGNAL.
void leave_broken_pipes_to_errno() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

bool is_address(const std::string& host) {
    std::array<unsigned char, sizeof(in6_addr)> ignored{};
    return inet_pton(AF_INET, host.c_str(), ignored.data()) == 1 ||
           inet_pton(AF_INET6, host.c_str(), ignored.data()) == 1;
}

int at_most(std::size_t size) {
    return static_cast<int>(
        std::min<std::size_t>(size, static_cast<std::size_t>(std::numeric_limits<int>::max())));
}

bool load_files(SSL_CTX* context, const Tls& tls) {
    const bool authorities = tls.ca_file.empty() ? SSL_CTX_set_default_verify_paths(context) == 1
                                                 : SSL_CTX_load_verify_locations(
                                                       context, tls.ca_file.c_str(), nullptr) == 1;
    if (!authorities)
        return false;
    if (tls.cert_file.empty())
        return true;
    const auto& key = tls.key_file.empty() ? tls.cert_file : tls.key_file;
    return SSL_CTX_use_certificate_chain_file(context, tls.cert_file.c_str()) == 1 &&
           SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) == 1;
}

bool expect_name(SSL* session, const std::string& host) {
    if (is_address(host))
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host.c_str()) == 1;
    // What the macro SSL_set_tlsext_host_name stands for, without its cast.
    std::string name = host;
    return SSL_set1_host(session, host.c_str()) == 1 &&
           SSL_ctrl(
               session, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data()) == 1;
}

}  // namespace

struct TlsSession::State {
    std::unique_ptr<SSL_CTX, Free> context;
    std::unique_ptr<SSL, Free> session;
    std::string error;
};

TlsSession::TlsSession(std::unique_ptr<State> state) : state_{std::move(state)} {}
TlsSession::~TlsSession() = default;

std::variant<std::unique_ptr<TlsSession>, Failure> TlsSession::make(int fd,
                                                                    const Server& server,
                                                                    const Tls& tls) {
    leave_broken_pipes_to_errno();
    ERR_clear_error();
    auto state = std::make_unique<State>();
    state->context.reset(SSL_CTX_new(TLS_client_method()));
    auto* const context = state->context.get();
    if (context == nullptr || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
        !load_files(context, tls))
        return Failure{errc::access_denied, fmt::format("TLS: {}", take_error())};
    SSL_CTX_set_verify(context, tls.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    state->session.reset(SSL_new(context));
    if (!state->session || !expect_name(state->session.get(), server.host) ||
        SSL_set_fd(state->session.get(), fd) != 1)
        return Failure{errc::access_denied, fmt::format("TLS: {}", take_error())};
    return std::unique_ptr<TlsSession>{new TlsSession{std::move(state)}};
}

TlsSession::Progress TlsSession::progress(int result) {
    if (result > 0)
        return {Step::done, static_cast<std::size_t>(result)};
    const int why = SSL_get_error(state_->session.get(), result);
    if (why == SSL_ERROR_WANT_READ)
        return {Step::wants_read};
    if (why == SSL_ERROR_WANT_WRITE)
        return {Step::wants_write};
    const auto verified = SSL_get_verify_result(state_->session.get());
    state_->error = verified == X509_V_OK
                        ? take_error()
                        : fmt::format("the certificate of the server is not accepted: {}",
                                      X509_verify_cert_error_string(verified));
    return {why == SSL_ERROR_SSL ? Step::refused : Step::failed};
}

TlsSession::Progress TlsSession::handshake() {
    ERR_clear_error();
    return progress(SSL_connect(state_->session.get()));
}

TlsSession::Progress TlsSession::read(char* buffer, std::size_t size) {
    ERR_clear_error();
    return progress(SSL_read(state_->session.get(), buffer, at_most(size)));
}

TlsSession::Progress TlsSession::write(std::string_view bytes) {
    ERR_clear_error();
    return progress(SSL_write(state_->session.get(), bytes.data(), at_most(bytes.size())));
}

bool TlsSession::has_input() const {
    return SSL_pending(state_->session.get()) > 0;
}

std::string TlsSession::error() const {
    return state_->error;
}

}  // namespace keepmq::store
