#include "sql/users.hpp"

#include "base/overloaded.hpp"

namespace keepmq::sql {

std::string join(const store::Statement& statement, std::string_view mark, Numbered numbered) {
    std::string text = statement.pieces.front();
    for (std::size_t i = 1; i < statement.pieces.size(); ++i) {
        text.append(mark);
        if (numbered == Numbered::yes)
            text.append(std::to_string(i));
        text.append(statement.pieces[i]);
    }
    return text;
}

std::vector<Param> to_params(std::span<const store::Value> values) {
    std::vector<Param> params;
    params.reserve(values.size());
    for (const auto& value : values) {
        params.push_back(
            std::visit(Overloaded{
                           [](const std::string& text) { return Param{std::string_view{text}}; },
                           [](const store::Bytes& bytes) { return Param{BlobView{bytes.data}}; },
                           [](const auto& other) { return Param{other}; },
                       },
                       value));
    }
    return params;
}

const std::vector<std::string>& UserStatements::of(
    const std::shared_ptr<const store::Statements>& statements) {
    auto found = joined_.find(statements.get());
    if (found == joined_.end()) {
        Joined joined{statements, {}};
        for (const auto& statement : statements->list) joined.texts.push_back(join_(statement));
        found = joined_.emplace(statements.get(), std::move(joined)).first;
    }
    return found->second.texts;
}

}  // namespace keepmq::sql
