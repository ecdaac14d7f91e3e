#include "admin/router.hpp"

namespace keepmq::admin {
namespace {

Reply show_status(Source&, const Request&) {
    return text_reply("text/plain; charset=utf-8", "keepmq is running\n");
}

constexpr Route routes[] = {
    {Method::get, "/status", "status", "For health checks; needs no login", show_status},
};

}  // namespace

std::span<const Route> status_routes() {
    return routes;
}

}  // namespace keepmq::admin
