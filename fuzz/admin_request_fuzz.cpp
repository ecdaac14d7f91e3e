// Requests to the admin interface. Input: a letter for the method, the target up to the end of the
// line, then the body. Every request has one answer, and what says it is JSON can be read as such.

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "admin/router.hpp"
#include "admin/tests/fake_source.hpp"

namespace {

using namespace keepmq;

void require(bool holds) {
    if (!holds)
        std::abort();
}

admin::Method method_of(char letter) {
    constexpr std::string_view letters = "GPUD";
    constexpr std::array methods{
        admin::Method::get, admin::Method::post, admin::Method::put, admin::Method::del};
    const auto at = letters.find(letter);
    return at == std::string_view::npos ? admin::Method::other : methods.at(at);
}

void put_one_of_each(admin::FakeSource& source) {
    source.all_sessions.push_back({.client = ClientId{"c"}, .connected = true});
    source.all_retained.push_back({.topic = "t", .payload = "\xff"});
    source.all_plugins.push_back({.name = "emqx_backend_sqlite"});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    if (rest.empty())
        return 0;
    const auto method = method_of(rest.front());
    rest.remove_prefix(1);
    const auto target = rest.substr(0, rest.find('\n'));
    const auto body = rest.substr(std::min(target.size() + 1, rest.size()));
    admin::FakeSource source;
    put_one_of_each(source);
    const auto reply = admin::answer(source, method, target, std::string{body});
    require(reply.status >= 200 && reply.status < 600 && reply.status != 500);
    require(!reply.body.empty());
    if (reply.content_type == "application/json") {
        boost::json::error_code error;
        const auto value = boost::json::parse(reply.body, error);
        require(!error && value.is_object() && value.get_object().contains("code"));
    }
    return 0;
}
