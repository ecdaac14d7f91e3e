// Documents of a document database: JSON in, pieces of JSON and parameters out.

#include <boost/json.hpp>
#include <utility>

#include "config/plugin_conf.hpp"
#include "hooks/template.hpp"
#include "hooks/variables.hpp"

namespace keepmq::hooks {
namespace json = boost::json;
namespace {

std::string_view view(const json::string& text) {
    return {text.data(), text.size()};
}

class DocumentSplitter {
  public:
    DocumentSplitter(Hook hook,
                     const Origin& origin,
                     std::string_view key,
                     Diagnostics& diagnostics)
        : hook_{hook}, origin_{origin}, key_{key}, diagnostics_{diagnostics} {}

    std::optional<CompiledStatement> run(std::string_view text);

  private:
    void error(std::string message, std::string hint) {
        failed_ = true;
        diagnostics_.error(origin_, key_, std::move(message), std::move(hint));
    }
    void collection(const json::value& name);
    void value(const json::value& value);
    void object(const json::object& object);
    void array(const json::array& array);
    void text(std::string_view text);
    void member(std::string_view name);

    Hook hook_;
    const Origin& origin_;
    std::string_view key_;
    Diagnostics& diagnostics_;
    std::string piece_;
    bool failed_ = false;
    CompiledStatement result_;
};

void DocumentSplitter::collection(const json::value& value) {
    const auto name = view(value.get_string());
    if (name.empty() || name.find('$') != std::string_view::npos ||
        name.find('\0') != std::string_view::npos || name.starts_with("system."))
        error('"' + config::printable(name) + "\" cannot be the name of a collection",
              "write a plain name without `$`; it holds no variables");
    piece_ += json::serialize(value);
}

void DocumentSplitter::member(std::string_view name) {
    if (name.empty() || name.starts_with('$') || name.find("${") != std::string_view::npos ||
        name.find('\0') != std::string_view::npos)
        error('"' + config::printable(name) + "\" cannot be the name of a field",
              "only values can be variables, and names do not start with `$`");
    piece_ += json::serialize(json::string{name});
    piece_ += ':';
}

void DocumentSplitter::text(std::string_view text) {
    if (text.find('\0') != std::string_view::npos)
        error("a text of the document contains a zero character", "");
    const auto start = text.find("${");
    if (start == std::string_view::npos) {
        piece_ += json::serialize(json::string{text});
        return;
    }
    const auto close = text.find('}', start);
    if (close == std::string_view::npos) {
        error("`${` without a closing `}`", "write ${name}");
        return;
    }
    const auto variable = text.substr(start, close + 1 - start);
    VariableProblem problem;
    auto found = parse_variable(variable.substr(2, variable.size() - 3), hook_, problem);
    if (!found) {
        error(std::move(problem.message), std::move(problem.hint));
    } else if (variable != text) {
        error("`" + config::printable(variable) + "` stands together with other text",
              "a value is bound, never pasted: give it a field of its own");
    } else {
        result_.parameters.push_back(std::move(*found));
        result_.statement.pieces.push_back(std::exchange(piece_, {}));
    }
}

void DocumentSplitter::object(const json::object& object) {
    piece_ += '{';
    bool first = true;
    for (const auto& one : object) {
        if (!std::exchange(first, false))
            piece_ += ',';
        member({one.key().data(), one.key().size()});
        value(one.value());
    }
    piece_ += '}';
}

void DocumentSplitter::array(const json::array& array) {
    piece_ += '[';
    bool first = true;
    for (const auto& one : array) {
        if (!std::exchange(first, false))
            piece_ += ',';
        value(one);
    }
    piece_ += ']';
}

void DocumentSplitter::value(const json::value& value) {
    if (const auto* const inner = value.if_object())
        object(*inner);
    else if (const auto* const list = value.if_array())
        array(*list);
    else if (const auto* const string = value.if_string())
        text(view(*string));
    else
        piece_ += json::serialize(value);
}

std::optional<CompiledStatement> DocumentSplitter::run(std::string_view source) {
    json::error_code failed;
    const auto parsed = json::parse(json::string_view{source.data(), source.size()}, failed);
    const auto* const action = parsed.if_object();
    const auto* const name = action == nullptr ? nullptr : action->if_contains("collection");
    const auto* const document = action == nullptr ? nullptr : action->if_contains("document");
    if (failed || name == nullptr || !name->is_string() || document == nullptr ||
        !document->is_object()) {
        error("not a collection and a document", "");
        return std::nullopt;
    }
    piece_ = R"({"collection":)";
    collection(*name);
    piece_ += R"(,"document":)";
    value(*document);
    piece_ += '}';
    if (failed_)
        return std::nullopt;
    result_.statement.pieces.push_back(std::move(piece_));
    result_.statement.source = std::string{source};
    result_.statement.origin = origin_;
    return std::move(result_);
}

}  // namespace

std::optional<CompiledStatement> compile_document(std::string_view text,
                                                  Hook hook,
                                                  const Origin& origin,
                                                  std::string_view key,
                                                  Diagnostics& diagnostics) {
    return DocumentSplitter{hook, origin, key, diagnostics}.run(text);
}

}  // namespace keepmq::hooks
