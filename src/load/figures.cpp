#include "load/figures.hpp"

#include <array>
#include <boost/json.hpp>
#include <cmath>
#include <cstdio>

namespace keepmq::load {

Figures& Figures::add_raw(std::string_view name, std::string_view value) {
    if (!members_.empty())
        members_ += ", ";
    members_ += boost::json::serialize(boost::json::string{name});
    members_ += ": ";
    members_ += value;
    return *this;
}

Figures& Figures::add(std::string_view name, double value) {
    return add_raw(name, std::isfinite(value) ? rounded(value, 6) : "null");
}

Figures& Figures::add(std::string_view name, std::string_view text) {
    return add_raw(name, boost::json::serialize(boost::json::string{text}));
}

Figures& Figures::add(std::string_view name, const Latencies& latencies) {
    Figures figures;
    figures.add("count", latencies.count());
    for (const auto& [key, q] :
         {std::pair{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}})
        figures.add(key, latencies.quantile(q));
    figures.add("max", latencies.max());
    return add(name, figures);
}

std::string grouped(std::uint64_t number) {
    auto digits = std::to_string(number);
    for (auto at = digits.size(); at > 3;) digits.insert(at -= 3, 1, ',');
    return digits;
}

std::string rounded(double value, int digits) {
    std::array<char, 64> text{};
    const int size = std::snprintf(text.data(), text.size(), "%.*f", digits, value);
    return {text.data(), static_cast<std::size_t>(size)};
}

std::string in_words(const Latencies& latencies) {
    if (latencies.count() == 0)
        return "nothing to measure";
    const auto ms = [](std::uint64_t micros) {
        return rounded(static_cast<double>(micros) / 1000, 2) + " ms";
    };
    return "p50 " + ms(latencies.quantile(0.5)) + ", p99 " + ms(latencies.quantile(0.99)) +
           ", max " + ms(latencies.max());
}

}  // namespace keepmq::load
