#pragma once
// Answers in the shape of EMQ X 4.x: `{"code":0,"data":...,"meta":{"page","limit","count"}}`.

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <cstddef>
#include <string>
#include <string_view>

#include "admin/request.hpp"
#include "admin/source.hpp"

namespace keepmq::admin {

struct Reply {
    unsigned status = 200;
    std::string content_type = "application/json";
    std::string body;
    std::string allow = {};  ///< methods of the path, with 405
};

/// `code` of an answer that is not a success; numbers as in EMQ X 4.x where it has one.
enum class Code : int {
    internal = 102,
    login = 103,
    missing_parameter = 107,
    bad_parameter = 108,
    refused = 109,
    not_found = 112,
    bad_topic = 115,
    forbidden = 116,
};

[[nodiscard]] Reply data_reply(boost::json::value data);
[[nodiscard]] Reply page_reply(boost::json::array items, const Paging& paging, std::size_t total);
[[nodiscard]] Reply text_reply(std::string content_type, std::string body);
[[nodiscard]] Reply failure(unsigned status, Code code, std::string_view message);
[[nodiscard]] Reply bad_parameter(std::string_view message);
[[nodiscard]] Reply not_found(std::string_view message);
/// 200 with the message, or 409.
[[nodiscard]] Reply done_reply(const Done& done);

/// One page of items that are all at hand; `convert(item)` makes the JSON.
template <class Items, class Convert>
Reply slice_reply(const Items& items, const Paging& paging, Convert convert) {
    boost::json::array page;
    for (std::size_t i = paging.offset(); i < items.size() && page.size() < paging.limit; ++i)
        page.push_back(convert(items[i]));
    return page_reply(std::move(page), paging, items.size());
}

}  // namespace keepmq::admin
