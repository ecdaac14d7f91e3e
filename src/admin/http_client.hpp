#pragma once
// One HTTP request at a time to the admin interface, for `keepmq ctl`. Blocks its thread.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "admin/request.hpp"
#include "base/result.hpp"

namespace keepmq::admin {

struct HttpAnswer {
    unsigned status = 0;
    std::string body;
};

class HttpClient {
  public:
    HttpClient(std::string host,
               std::uint16_t port,
               std::string_view login,
               std::string_view password);
    ~HttpClient();
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;

    /// Connects first if need be. An error means that no complete answer came.
    [[nodiscard]] Result<HttpAnswer> call(Method method,
                                          std::string_view target,
                                          std::string_view body);

    /// `127.0.0.1:18083`
    [[nodiscard]] std::string address() const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace keepmq::admin
