#include "runtime/interest.hpp"

#include <functional>

#include "model/topic.hpp"

namespace keepmq::runtime {
namespace {

std::size_t place(std::string_view text, std::size_t places) {
    return std::hash<std::string_view>{}(text) % places;
}

std::string_view first_level(std::string_view text) {
    return text.substr(0, text.find('/'));
}

}  // namespace

Interest::Count& Interest::count(std::string_view filter) {
    if (!has_wildcard(filter))
        return (*exact_)[place(filter, exact_places)];
    if (filter.starts_with('+') || filter.starts_with('#'))
        return any_;
    return (*first_level_)[place(first_level(filter), level_places)];
}

bool Interest::may_match(std::string_view topic) const {
    if (any_.load() != 0 && !topic.starts_with('$'))  // [MQTT-4.7.2-1]
        return true;
    return (*exact_)[place(topic, exact_places)].load() != 0 ||
           (*first_level_)[place(first_level(topic), level_places)].load() != 0;
}

}  // namespace keepmq::runtime
