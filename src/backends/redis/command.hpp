#pragma once
// What goes to a server and what comes back, as values.

#include <cstdint>
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

struct Command {
    std::vector<std::string> args;  ///< name first
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
