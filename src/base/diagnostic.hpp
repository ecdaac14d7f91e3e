#pragma once
// What the configuration reader, the template compiler and the rule compiler report to a person.

#include <string>
#include <string_view>
#include <vector>

namespace keepmq {

/// A place in a configuration file. `line` counts from 1; 0 means that the value did not come from
/// a line (a default, an environment variable, `--set`), then `file` names where it came from.
struct Origin {
    std::string file;
    int line = 0;
};

enum class Severity { warning, error };

/// One problem: where, what is wrong, and what to do about it.
struct Diagnostic {
    Severity severity = Severity::error;
    Origin origin;
    std::string key;      ///< configuration key, may be empty
    std::string message;  ///< what is wrong, one sentence without a final stop
    std::string hint;     ///< what to do, may be empty

    /// `file:line: error: key: message (hint)`
    [[nodiscard]] std::string to_string() const;
};

/// Problems are collected, so that a person sees all of them at once.
class Diagnostics {
  public:
    void error(Origin origin, std::string_view key, std::string message, std::string hint = {});
    void warning(Origin origin, std::string_view key, std::string message, std::string hint = {});
    void append(const Diagnostics& other);
    [[nodiscard]] bool has_errors() const;
    [[nodiscard]] const std::vector<Diagnostic>& all() const { return all_; }

  private:
    std::vector<Diagnostic> all_;
};

}  // namespace keepmq
