#include "admin/exposition.hpp"

#include <fmt/format.h>

#include <iterator>

namespace keepmq::admin {
namespace {

void append_escaped(std::string& out, std::string_view text, bool in_label) {
    for (const char c : text) {
        if (c == '\\')
            out += "\\\\";
        else if (c == '\n')
            out += "\\n";
        else if (c == '"' && in_label)
            out += "\\\"";
        else
            out += c;
    }
}

}  // namespace

void Exposition::metric(std::string_view name, Kind kind, std::string_view help) {
    name_ = name;
    text_ += "# HELP ";
    text_ += name_;
    text_ += ' ';
    append_escaped(text_, help, false);
    text_ += "\n# TYPE ";
    text_ += name_;
    text_ += kind == Kind::counter ? " counter\n" : " gauge\n";
}

void Exposition::sample(std::initializer_list<Label> labels, std::uint64_t value) {
    append_labels(labels);
    fmt::format_to(std::back_inserter(text_), " {}\n", value);
}

void Exposition::sample(std::initializer_list<Label> labels, double value) {
    append_labels(labels);
    fmt::format_to(std::back_inserter(text_), " {}\n", value);
}

void Exposition::append_labels(std::initializer_list<Label> labels) {
    text_ += name_;
    char separator = '{';
    for (const auto& [name, value] : labels) {
        if (value.empty())
            continue;
        text_ += separator;
        text_ += name;
        text_ += "=\"";
        append_escaped(text_, value, true);
        text_ += '"';
        separator = ',';
    }
    if (separator == ',')
        text_ += '}';
}

}  // namespace keepmq::admin
