#include "sql/rows.hpp"

#include "sql/columns.hpp"

namespace keepmq::sql {
namespace {

Param qos_of(const Message& message) {
    return std::int64_t{static_cast<std::uint8_t>(message.qos)};
}

void add_properties(std::vector<Param>& row, const Message& message, bool wanted) {
    if (wanted)
        row.push_back(message.properties ? Param{format_properties(*message.properties)} : Param{});
}

}  // namespace

Param text_or_null(std::string_view text) {
    return text.empty() ? Param{} : Param{text};
}

std::vector<Param> row_of_message(const Message& message, bool with_properties) {
    std::vector<Param> row;  // the hot path: nothing is copied or grown
    row.reserve(8);
    row.emplace_back(message.id.to_string());
    row.emplace_back(message.topic.view());
    row.push_back(text_or_null(message.sender.view()));
    row.push_back(qos_of(message));
    row.emplace_back(std::int64_t{message.retain});
    row.emplace_back(BlobView{message.payload});
    row.emplace_back(format_time(message.at));
    add_properties(row, message, with_properties);
    return row;
}

std::vector<Param> row_of_retained(const Message& message, bool with_properties) {
    std::vector<Param> row{message.topic.view(),
                           message.id.to_string(),
                           text_or_null(message.sender.view()),
                           qos_of(message),
                           BlobView{message.payload},
                           format_time(message.at)};
    add_properties(row, message, with_properties);
    return row;
}

}  // namespace keepmq::sql
