#pragma once
// Text for a person at a terminal: escaped, aligned.

#include <cstddef>
#include <iosfwd>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace keepmq::admin {

/// Whatever a terminal would act upon (control characters, direction marks, line separators) or
/// cannot show (bytes that are not UTF-8) as \xNN or \u{NNNN}; a backslash is doubled.
[[nodiscard]] std::string printable(std::string_view text);

enum class Align : unsigned char { left, right };

/// Columns as wide as their widest cell, two blanks between them. Cells are printed as given.
class Table {
  public:
    void column(std::string_view title, Align align = Align::left);
    void row(std::vector<std::string> cells);
    void print(std::ostream& out) const;

  private:
    struct Column {
        std::string title;
        Align align;
        std::size_t width;
    };
    void print_row(std::ostream& out, const std::vector<std::string>& cells) const;

    std::vector<Column> columns_;
    std::vector<std::vector<std::string>> rows_;
};

/// `name : value` lines with the colons below each other.
void print_pairs(std::ostream& out, const std::vector<std::pair<std::string, std::string>>& pairs);

}  // namespace keepmq::admin
