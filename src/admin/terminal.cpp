#include "admin/terminal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <ostream>

#include "model/topic.hpp"

namespace keepmq::admin {
namespace {

/// Bytes of the character that starts here; 1 for a byte that starts none.
std::size_t length_at(std::string_view text) {
    const auto lead = static_cast<unsigned char>(text.front());
    const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    return std::min(length, text.size());
}

std::uint32_t code_point(std::string_view character) {
    const auto lead = static_cast<unsigned char>(character.front());
    std::uint32_t value = character.size() == 1 ? lead : lead & (0x7FU >> character.size());
    for (const char c : character.substr(1))
        value = value << 6U | (static_cast<unsigned char>(c) & 0x3FU);
    return value;
}

/// C1 controls, marks that reorder or hide text, separators that break lines.
bool is_hidden(std::uint32_t point) {
    return (point >= 0x80 && point < 0xA0) || point == 0xAD || point == 0x61C ||
           (point >= 0x200B && point <= 0x200F) || (point >= 0x2028 && point <= 0x202E) ||
           (point >= 0x2060 && point <= 0x206F) || point == 0xFEFF ||
           (point >= 0xE0000 && point <= 0xE0FFF);
}

std::size_t width_of(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(
        text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80; }));
}

std::string pad(std::string_view text, std::size_t width, Align align) {
    const std::string blanks(width - std::min(width, width_of(text)), ' ');
    return align == Align::left ? std::string{text} + blanks : blanks + std::string{text};
}

}  // namespace

std::string printable(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        auto character = text.substr(0, length_at(text));
        const auto first = static_cast<unsigned char>(character.front());
        if (first < 0x80) {
            if (first < 0x20 || first == 0x7F)
                out += fmt::format("\\x{:02x}", first);
            else
                out += first == '\\' ? "\\\\" : std::string(1, character.front());
        } else if (!is_mqtt_utf8(character)) {
            character = character.substr(0, 1);
            out += fmt::format("\\x{:02x}", first);
        } else if (const auto point = code_point(character); is_hidden(point)) {
            out += fmt::format("\\u{{{:x}}}", point);
        } else {
            out += character;
        }
        text.remove_prefix(character.size());
    }
    return out;
}

void Table::column(std::string_view title, Align align) {
    columns_.push_back({std::string{title}, align, width_of(title)});
}

void Table::row(std::vector<std::string> cells) {
    cells.resize(columns_.size());
    for (std::size_t i = 0; i < cells.size(); ++i)
        columns_[i].width = std::max(columns_[i].width, width_of(cells[i]));
    rows_.push_back(std::move(cells));
}

void Table::print(std::ostream& out) const {
    std::vector<std::string> titles;
    for (const auto& column : columns_) titles.push_back(column.title);
    print_row(out, titles);
    for (const auto& row : rows_) print_row(out, row);
}

void Table::print_row(std::ostream& out, const std::vector<std::string>& cells) const {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        line += i == 0 ? "" : "  ";
        line += pad(cells[i], columns_[i].width, columns_[i].align);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out << line << '\n';
}

void print_pairs(std::ostream& out, const std::vector<std::pair<std::string, std::string>>& pairs) {
    std::size_t width = 0;
    for (const auto& [name, value] : pairs) width = std::max(width, width_of(name));
    for (const auto& [name, value] : pairs)
        out << pad(name, width, Align::left) << " : " << value << '\n';
}

}  // namespace keepmq::admin
