#pragma once
// A database that answers from a script and remembers what it was asked.

#include <deque>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "sql/database.hpp"

namespace keepmq::sql::test {

class ScriptedDatabase final : public Database {
  public:
    /// The answer to the next statement; later ones get no rows.
    void will_answer(std::size_t columns, std::initializer_list<const char*> cells) {
        Rows rows{columns};
        for (const auto* cell : cells) rows.add(cell == nullptr ? Rows::Cell{} : Rows::Cell{cell});
        answers_.emplace_back(std::move(rows));
    }
    void will_answer(Rows rows) { answers_.emplace_back(std::move(rows)); }
    void will_fail(store::errc code) { answers_.emplace_back(store::Failure{code, "scripted"}); }

    std::variant<Rows, store::Failure> query(const Command& command) override {
        asked.push_back(command.sql);
        if (answers_.empty())
            return Rows{9};
        auto answer = std::move(answers_.front());
        answers_.pop_front();
        return answer;
    }

    std::vector<std::string> asked;

  private:
    std::deque<std::variant<Rows, store::Failure>> answers_;
};

}  // namespace keepmq::sql::test
