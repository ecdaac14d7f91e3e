#include "admin/reply.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "admin/json_text.hpp"

namespace keepmq::admin {
namespace json = boost::json;

Reply data_reply(json::value data) {
    json::object envelope;
    envelope["code"] = 0;
    envelope["data"] = std::move(data);
    return {.body = json::serialize(envelope)};
}

Reply page_reply(json::array items, const Paging& paging, std::size_t total) {
    json::object envelope;
    envelope["code"] = 0;
    envelope["data"] = std::move(items);
    envelope["meta"] = {{"page", paging.page}, {"limit", paging.limit}, {"count", total}};
    return {.body = json::serialize(envelope)};
}

Reply text_reply(std::string content_type, std::string body) {
    return {.content_type = std::move(content_type), .body = std::move(body)};
}

Reply failure(unsigned status, Code code, std::string_view message) {
    json::object envelope;
    envelope["code"] = static_cast<int>(code);
    envelope["message"] = json_text(message);
    return {.status = status, .body = json::serialize(envelope)};
}

Reply bad_parameter(std::string_view message) {
    return failure(400, Code::bad_parameter, message);
}

Reply not_found(std::string_view message) {
    return failure(404, Code::not_found, message);
}

Reply done_reply(const Done& done) {
    if (!done.ok)
        return failure(409, Code::refused, done.message);
    return data_reply(json::object{{"message", json_text(done.message)}});
}

}  // namespace keepmq::admin
