#include "sql/testing/words.hpp"

#include <gtest/gtest.h>

#include "sql/columns.hpp"

namespace keepmq::sql::testing {

Rows rows_of(std::variant<Rows, store::Failure> answer) {
    if (auto* const rows = std::get_if<Rows>(&answer))
        return std::move(*rows);
    ADD_FAILURE() << std::get<store::Failure>(answer).text;
    return Rows{0};
}

std::string first_column(const Rows& rows) {
    std::string out;
    for (std::size_t row = 0; row < rows.size(); ++row)
        out.append(out.empty() ? "" : " ")
            .append(rows.is_null(row, 0) ? "NULL" : rows.bytes(row, 0));
    return out;
}

std::optional<std::string> first_value(const Rows& rows) {
    if (rows.size() == 0 || rows.is_null(0, 0))
        return std::nullopt;
    return std::string{rows.bytes(0, 0)};
}

std::optional<store::testing::Presence> first_presence(const Rows& rows, Created created) {
    if (rows.size() == 0)
        return std::nullopt;
    store::testing::Presence presence{.online = rows.integer(0, 0) == 1,
                                      .node = std::string{rows.bytes(0, 1)},
                                      .online_at = parse_time(rows.bytes(0, 2)),
                                      .offline_at = parse_time(rows.bytes(0, 3)),
                                      .created = {}};
    if (created == Created::yes)
        presence.created = parse_time(rows.bytes(0, 4));
    return presence;
}

std::string ParamText::operator()(BlobView value) const {
    std::string out = "x'";
    for (const char c : value.bytes) out += fmt::format("{:02x}", static_cast<unsigned char>(c));
    return out + "'";
}

std::string to_text(std::string_view sql, const std::vector<Param>& params) {
    auto out = fmt::format("{}\n", sql);
    for (std::size_t i = 0; i < params.size(); ++i)
        out += fmt::format("  ?{} = {}\n", i + 1, std::visit(ParamText{}, params[i]));
    return out;
}

}  // namespace keepmq::sql::testing
