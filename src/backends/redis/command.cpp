#include "backends/redis/command.hpp"

#include <array>
#include <charconv>

namespace keepmq::redis {
namespace {

constexpr std::string_view line_end = "\r\n";
/// `$<length>` and two ends of lines.
constexpr std::size_t frame = 12;

/// Takes the first word off.
std::string_view take_word(std::string_view& encoded) {
    const auto line = encoded.find('\r');
    std::size_t size = 0;
    std::from_chars(encoded.data() + 1, encoded.data() + line, size);
    const auto word = encoded.substr(line + line_end.size(), size);
    encoded.remove_prefix(line + size + 2 * line_end.size());
    return word;
}

}  // namespace

Words::Words(std::initializer_list<std::string_view> words) {
    std::size_t bytes = 0;
    for (const auto word : words) bytes += word.size();
    reserve(words.size(), bytes);
    for (const auto word : words) add(word);
}

Words::Words(const std::vector<std::string>& words) {
    for (const auto& word : words) add(word);
}

void Words::reserve(std::size_t words, std::size_t bytes) {
    encoded_.reserve(encoded_.size() + words * frame + bytes);
}

void Words::add(std::string_view word) {
    std::array<char, frame + 12> head;
    head[0] = '$';
    const auto end = std::to_chars(head.data() + 1, head.data() + head.size(), word.size()).ptr;
    encoded_.append(head.data(), end).append(line_end).append(word).append(line_end);
    ++size_;
}

std::string_view Words::operator[](std::size_t at) const {
    std::string_view rest = encoded_;
    while (at-- > 0) take_word(rest);
    return take_word(rest);
}

std::vector<std::string> Words::list() const {
    std::vector<std::string> all;
    std::string_view rest = encoded_;
    while (!rest.empty()) all.emplace_back(take_word(rest));
    return all;
}

}  // namespace keepmq::redis
