#include "backends/redis/catalogue.hpp"

#include "backends/redis/errors.hpp"
#include "model/topic.hpp"

namespace keepmq::redis {
namespace {

/// Members that one command brings.
constexpr std::size_t page = 10'000;

}  // namespace

std::variant<std::vector<std::string>, store::Failure> matching_topics(Servers& servers,
                                                                       std::string_view catalogue,
                                                                       std::string_view filter) {
    const std::string prefix{literal_prefix(filter)};
    std::string from = prefix.empty() ? "-" : '[' + prefix;
    // No UTF-8 has a byte 0xFF.
    const std::string to = prefix.empty() ? "+" : '(' + prefix + '\xff';
    std::vector<std::string> topics;
    while (true) {
        auto exchange = servers.read({{{"ZRANGEBYLEX",
                                        std::string{catalogue},
                                        from,
                                        to,
                                        "LIMIT",
                                        "0",
                                        std::to_string(page)}}});
        if (auto* const failure = std::get_if<store::Failure>(&exchange))
            return std::move(*failure);
        auto& found = std::get<Answers>(exchange).front();
        if (found.is_error())
            return to_failure(found);
        for (auto& one : found.list)
            if (filter_matches(filter, one.text))
                topics.push_back(one.text);
        if (found.list.size() < page)
            return topics;
        from = '(' + found.list.back().text;
    }
}

}  // namespace keepmq::redis
