#pragma once
// The user's own statements. Pure.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "backends/mysql/translate.hpp"
#include "store/errc.hpp"

namespace keepmq::mysql {

/// The texts of rules, joined once.
class UserStatements {
  public:
    [[nodiscard]] const std::vector<std::string>& of(
        const std::shared_ptr<const store::Statements>& statements);

  private:
    struct Joined {
        std::shared_ptr<const store::Statements> keep;
        std::vector<std::string> texts;
    };
    std::unordered_map<const store::Statements*, Joined> joined_;
};

/// Views into the values.
[[nodiscard]] std::vector<Param> to_params(std::span<const store::Value> values);

/// Statements that change definitions commit by themselves, which would cut a batch in two; only
/// those that read and write rows may run.
[[nodiscard]] std::optional<store::Failure> why_forbidden(std::string_view statement);

}  // namespace keepmq::mysql
