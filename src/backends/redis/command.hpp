#pragma once
// What goes to a server and what comes back, as values.

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "store/errc.hpp"

namespace keepmq::redis {

/// Commands of one batch reach a cluster in waves, each answered before the next one is sent: what
/// a reader starts from is written after what it leads to. One server takes them all in their
/// order.
enum class Wave : std::uint8_t { content, index, catalogue };

/// The words of a command, name first, kept in the form in which they are sent: a payload is copied
/// here and into the pipeline of its batch, nowhere else.
class Words {
  public:
    Words() = default;
    Words(std::initializer_list<std::string_view> words);
    explicit Words(const std::vector<std::string>& words);

    /// Room for so many more bytes, of all words together.
    void reserve(std::size_t words, std::size_t bytes);
    void add(std::string_view word);

    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] std::string_view operator[](std::size_t at) const;
    [[nodiscard]] std::vector<std::string> list() const;
    [[nodiscard]] const std::string& encoded() const { return encoded_; }

  private:
    std::string encoded_;
    std::size_t size_ = 0;
};

struct Command {
    Words args;
    Wave wave = Wave::index;
};
using Commands = std::vector<Command>;

struct Answer {
    enum class Kind : std::uint8_t { nil, text, integer, list, error };
    Kind kind = Kind::nil;
    std::string text;  ///< of text and error
    std::int64_t integer = 0;
    std::vector<Answer> list;

    [[nodiscard]] bool is_error() const { return kind == Kind::error; }
};
using Answers = std::vector<Answer>;

/// One answer for each command, in order; an error of a command is an answer.
using Exchange = std::variant<Answers, store::Failure>;

}  // namespace keepmq::redis
