#pragma once
// Statements of the user, as far as they are alike in every database that has statements.

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sql/params.hpp"
#include "store/errc.hpp"
#include "store/op.hpp"

namespace keepmq::sql {

enum class Numbered : bool { no, yes };

/// The statement with a placeholder between its pieces: `mark`, and the number of the parameter
/// from 1 on.
[[nodiscard]] std::string join(const store::Statement& statement,
                               std::string_view mark,
                               Numbered numbered);

/// Views into the values.
[[nodiscard]] std::vector<Param> to_params(std::span<const store::Value> values);

/// The texts of rules, joined once. Lives on the thread of its connection.
class UserStatements {
  public:
    explicit UserStatements(std::string (*join)(const store::Statement&)) : join_{join} {}

    /// Calls `run(text, parameters)` for each statement, in order. A failure ends it and says
    /// where.
    template <class Run>
    [[nodiscard]] std::optional<store::Failure> run(const store::Execute& op, Run&& run) {
        const auto params = to_params(op.values);
        std::span<const Param> rest{params};
        const auto& texts = of(op.statements);
        for (std::size_t i = 0; i < texts.size(); ++i) {
            const auto& statement = op.statements->list[i];
            const auto count = std::min(statement.parameters(), rest.size());
            if (std::optional<store::Failure> failure = run(texts[i], rest.first(count))) {
                failure->text += " in: " + statement.source;
                return failure;
            }
            rest = rest.subspan(count);
        }
        return std::nullopt;
    }

  private:
    const std::vector<std::string>& of(const std::shared_ptr<const store::Statements>& statements);

    struct Joined {
        std::shared_ptr<const store::Statements> keep;
        std::vector<std::string> texts;
    };
    std::string (*join_)(const store::Statement&);
    std::unordered_map<const store::Statements*, Joined> joined_;
};

}  // namespace keepmq::sql
