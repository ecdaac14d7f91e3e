#include "hooks/template.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

#include "config/plugin_conf.hpp"
#include "hooks/variables.hpp"

namespace keepmq::hooks {
namespace {

bool is_name_character(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$';
}

/// Splits a statement at its parameters. Literal text goes to the pieces unchanged, except that the
/// quotes of `'${x}'` are left out.
class Splitter {
  public:
    Splitter(std::string_view text,
             Hook hook,
             const Origin& origin,
             std::string_view key,
             Diagnostics& diagnostics)
        : text_{text}, hook_{hook}, origin_{origin}, key_{key}, diagnostics_{diagnostics} {}

    std::optional<CompiledStatement> sql();
    std::optional<CompiledStatement> command();

  private:
    [[nodiscard]] bool at(std::string_view token) const {
        return text_.substr(at_).starts_with(token);
    }
    void take(std::size_t count) {
        piece_ += text_.substr(at_, count);
        at_ += count;
    }
    void error(std::string message, std::string hint) {
        failed_ = true;
        diagnostics_.error(origin_, key_, std::move(message), std::move(hint));
    }

    /// Whether what stands before the current place may end a name.
    [[nodiscard]] bool follows_name() const {
        return at_ > 0 && (is_name_character(text_[at_ - 1]) || text_[at_ - 1] == '}');
    }

    bool refuse_unusable();
    void parameter();
    void quoted(char quote);
    bool dollar_quoted();
    void comment(std::string_view end);
    void brace();
    void report_quoted(std::string_view literal, char quote);
    [[nodiscard]] std::optional<CompiledStatement> finish();

    std::string_view text_;
    Hook hook_;
    const Origin& origin_;
    std::string_view key_;
    Diagnostics& diagnostics_;

    std::size_t at_ = 0;
    std::string piece_;
    bool failed_ = false;
    CompiledStatement result_;
};

bool Splitter::refuse_unusable() {
    if (text_.find_first_not_of(" \t\r\n") == std::string_view::npos)
        error("the statement is empty", "");
    else if (text_.find('\0') != std::string_view::npos)
        error("the statement contains a zero character", "");
    return failed_;
}

/// Reads `${...}` at the current place and leaves the place behind it.
void Splitter::parameter() {
    const auto close = text_.find('}', at_);
    if (close == std::string_view::npos) {
        error("`${` without a closing `}`", "write ${name}");
        at_ = text_.size();
        return;
    }
    const auto inside = text_.substr(at_ + 2, close - at_ - 2);
    at_ = close + 1;
    VariableProblem problem;
    auto found = parse_variable(inside, hook_, problem);
    if (!found) {
        error(std::move(problem.message), std::move(problem.hint));
        return;
    }
    result_.parameters.push_back(std::move(*found));
    result_.statement.pieces.push_back(std::exchange(piece_, {}));
}

void Splitter::report_quoted(std::string_view literal, char quote) {
    const auto start = literal.find("${");
    const auto close = literal.find('}', start);
    if (close == std::string_view::npos) {
        error("`${` without a closing `}`", "write ${name}");
        return;
    }
    const auto variable = literal.substr(start, close - start + 1);
    VariableProblem problem;
    if (!parse_variable(variable.substr(2, variable.size() - 3), hook_, problem)) {
        error(std::move(problem.message), std::move(problem.hint));
        return;
    }
    const auto name = config::printable(variable);
    if (quote == '\'') {
        error("`" + name + "` stands inside quotes together with other text",
              "a value is bound, never pasted: join it in the statement, as in concat('a/', " +
                  name + ")");
    } else {
        error("`" + name + "` stands inside " + std::string(1, quote) + " quotes",
              "only values can be parameters: write " + name + " without quotes");
    }
}

/// A quoted literal or name. Two quotes in a row are one quote inside it; a backslash means
/// nothing, as the standard has it. Whatever a dialect thinks of backslashes, nothing is ever
/// pasted.
void Splitter::quoted(char quote) {
    std::size_t end = at_ + 1;
    while (end < text_.size()) {
        if (text_[end] != quote)
            ++end;
        else if (end + 1 < text_.size() && text_[end + 1] == quote)
            end += 2;
        else
            break;
    }
    const bool closed = end < text_.size();
    const auto literal = text_.substr(at_ + 1, end - at_ - 1);
    const auto size = closed ? literal.size() + 2 : literal.size() + 1;
    if (literal.find("${") == std::string_view::npos) {
        take(size);
        return;
    }
    // A prefix as in E'..' or x'..' belongs to the literal, so its quotes cannot be dropped.
    const bool whole = literal.starts_with("${") && literal.find('}') == literal.size() - 1;
    if (quote == '\'' && closed && whole && !follows_name()) {
        const auto parameters = result_.parameters.size();
        ++at_;
        parameter();
        ++at_;
        if (result_.parameters.size() > parameters) {
            diagnostics_.warning(origin_,
                                 key_,
                                 "the quotes around `" + config::printable(literal) +
                                     "` are left out: a value is always bound",
                                 "write it without quotes");
        }
        return;
    }
    report_quoted(literal, quote);
    at_ += size;
}

/// `$$...$$` or `$tag$...$tag$`, the literal of PostgreSQL that knows no escapes. False, and
/// nothing read, when none stands here.
bool Splitter::dollar_quoted() {
    std::size_t tag_end = at_ + 1;
    while (tag_end < text_.size() && text_[tag_end] != '$' && is_name_character(text_[tag_end]))
        ++tag_end;
    if (follows_name() || tag_end == text_.size() || text_[tag_end] != '$' ||
        text_.substr(tag_end, 2) == "${")
        return false;
    const auto mark = text_.substr(at_, tag_end + 1 - at_);
    const auto end = text_.find(mark, tag_end + 1);
    if (end == std::string_view::npos)
        return false;
    const auto literal = text_.substr(tag_end + 1, end - tag_end - 1);
    const auto size = literal.size() + 2 * mark.size();
    if (literal.find("${") == std::string_view::npos) {
        take(size);
    } else {
        report_quoted(literal, '$');
        at_ += size;
    }
    return true;
}

/// `{msgid}`, as some documents of EMQ X print it: the database will not like it either.
void Splitter::brace() {
    const auto close = text_.find('}', at_);
    if (close != std::string_view::npos) {
        const auto name = text_.substr(at_ + 1, close - at_ - 1);
        const auto names = variables_of(hook_);
        if (std::ranges::find(names, name) != names.end()) {
            diagnostics_.warning(origin_,
                                 key_,
                                 "`{" + std::string{name} + "}` is not a variable",
                                 "write ${" + std::string{name} + "}");
        }
    }
    take(1);
}

void Splitter::comment(std::string_view end) {
    const auto stop = text_.find(end, at_ + 2);
    const auto size = stop == std::string_view::npos ? text_.size() - at_ : stop + end.size() - at_;
    if (text_.substr(at_, size).find("${") != std::string_view::npos) {
        diagnostics_.warning(
            origin_, key_, "`${` inside a comment of the statement is not replaced", "");
    }
    take(size);
}

std::optional<CompiledStatement> Splitter::sql() {
    if (refuse_unusable())
        return std::nullopt;
    while (at_ < text_.size()) {
        if (at("${"))
            parameter();
        else if (at("'") || at("\"") || at("`"))
            quoted(text_[at_]);
        else if (at("$") && dollar_quoted())
            continue;
        else if (at("{"))
            brace();
        else if (at("--"))
            comment("\n");
        else if (at("/*"))
            comment("*/");
        else
            take(1);
    }
    return finish();
}

std::optional<CompiledStatement> Splitter::command() {
    if (refuse_unusable())
        return std::nullopt;
    if (text_.starts_with(' ') || text_.ends_with(' ') ||
        text_.find("  ") != std::string_view::npos) {
        diagnostics_.warning(origin_,
                             key_,
                             "a space at an end, or two in a row, makes an empty argument",
                             "separate arguments by exactly one space");
    }
    const auto first = text_.substr(0, text_.find(' '));
    if (first.find("${") != std::string_view::npos)
        error("the name of the command contains a variable", "write the command as plain text");
    while (at_ < text_.size()) {
        if (at("${"))
            parameter();
        else
            take(1);
    }
    return finish();
}

std::optional<CompiledStatement> Splitter::finish() {
    if (failed_)
        return std::nullopt;
    result_.statement.pieces.push_back(std::move(piece_));
    result_.statement.source = std::string{text_};
    result_.statement.origin = origin_;
    return std::move(result_);
}

}  // namespace

std::optional<CompiledStatement> compile_sql(std::string_view text,
                                             Hook hook,
                                             const Origin& origin,
                                             std::string_view key,
                                             Diagnostics& diagnostics) {
    return Splitter{text, hook, origin, key, diagnostics}.sql();
}

std::optional<CompiledStatement> compile_command(std::string_view text,
                                                 Hook hook,
                                                 const Origin& origin,
                                                 std::string_view key,
                                                 Diagnostics& diagnostics) {
    return Splitter{text, hook, origin, key, diagnostics}.command();
}

}  // namespace keepmq::hooks
