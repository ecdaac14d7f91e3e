#include "sql/database.hpp"

#include <algorithm>
#include <charconv>

namespace keepmq::sql {

Compiled compile(std::string_view sql, Placeholders placeholders) {
    Compiled out;
    out.text.reserve(sql.size() + 16);
    while (!sql.empty()) {
        const auto mark = sql.find('?');
        out.text.append(sql.substr(0, mark));
        if (mark == sql.npos)
            break;
        sql.remove_prefix(mark + 1);
        std::size_t number = 0;
        const auto parsed = std::from_chars(sql.data(), sql.data() + sql.size(), number);
        sql.remove_prefix(static_cast<std::size_t>(parsed.ptr - sql.data()));
        if (placeholders == Placeholders::positional) {
            out.text += '?';
            out.order.push_back(number - 1);
            continue;
        }
        // A parameter that is bound but never mentioned has no type there: leave it out.
        auto place = std::find(out.order.begin(), out.order.end(), number - 1);
        if (place == out.order.end())
            place = out.order.insert(place, number - 1);
        out.text.append("$").append(std::to_string(place - out.order.begin() + 1));
    }
    return out;
}

std::string_view Rows::bytes(std::size_t row, std::size_t column) const {
    const auto& value = cell(row, column);
    return value ? std::string_view{*value} : std::string_view{};
}

std::int64_t Rows::integer(std::size_t row, std::size_t column) const {
    const auto text = bytes(row, column);
    std::int64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

}  // namespace keepmq::sql
