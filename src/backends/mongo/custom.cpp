#include "backends/mongo/custom.hpp"

#include <boost/json.hpp>
#include <charconv>
#include <optional>

#include "backends/mongo/records.hpp"
#include "base/overloaded.hpp"

namespace keepmq::mongo {
namespace json = boost::json;
namespace {

/// Where a value goes there is a text that no document of the user holds: a zero and a number.
std::string with_places(const store::Statement& statement) {
    auto text = statement.pieces.front();
    for (std::size_t i = 1; i < statement.pieces.size(); ++i)
        text += "\"\\u0000" + std::to_string(i - 1) + '"' + statement.pieces[i];
    return text;
}

std::optional<std::size_t> place_of(std::string_view text) {
    if (!text.starts_with('\0'))
        return std::nullopt;
    std::size_t place = 0;
    const auto* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data() + 1, end, place);
    return parsed.ec == std::errc{} && parsed.ptr == end ? std::optional{place} : std::nullopt;
}

class Binder {
  public:
    explicit Binder(std::span<const store::Value> values) : values_{values} {}

    Document object(const json::object& from) const {
        Document to;
        for (const auto& one : from) add(to, {one.key().data(), one.key().size()}, one.value());
        return to;
    }

  private:
    Document array(const json::array& from) const {
        Document to;
        std::size_t index = 0;
        for (const auto& one : from) add(to, std::to_string(index++), one);
        return to;
    }

    void text(Document& to, std::string_view name, std::string_view text) const {
        const auto place = place_of(text);
        if (!place || *place >= values_.size()) {
            to.text(name, text);
            return;
        }
        std::visit(Overloaded{[&](std::monostate) { to.null(name); },
                              [&](std::int64_t value) { to.integer(name, value); },
                              [&](double value) { to.real(name, value); },
                              [&](const std::string& value) { add_bytes(to, name, value); },
                              [&](const store::Bytes& value) { add_bytes(to, name, value.data); }},
                   values_[*place]);
    }

    void add(Document& to, std::string_view name, const json::value& value) const {
        switch (value.kind()) {
            case json::kind::null:
                to.null(name);
                break;
            case json::kind::bool_:
                to.boolean(name, value.get_bool());
                break;
            case json::kind::int64:
                to.integer(name, value.get_int64());
                break;
            case json::kind::uint64:
                to.real(name, static_cast<double>(value.get_uint64()));
                break;
            case json::kind::double_:
                to.real(name, value.get_double());
                break;
            case json::kind::string:
                text(to, name, {value.get_string().data(), value.get_string().size()});
                break;
            case json::kind::array:
                to.array(name, array(value.get_array()));
                break;
            case json::kind::object:
                to.child(name, object(value.get_object()));
                break;
        }
    }

    std::span<const store::Value> values_;
};

}  // namespace

std::variant<CustomDocument, store::Failure> bind_document(const store::Statement& statement,
                                                           std::span<const store::Value> values) {
    json::error_code failed;
    const auto parsed = json::parse(with_places(statement), failed);
    const auto* const action = parsed.if_object();
    const auto* const name = action == nullptr ? nullptr : action->if_contains("collection");
    const auto* const document = action == nullptr ? nullptr : action->if_contains("document");
    if (failed || name == nullptr || !name->is_string() || document == nullptr ||
        !document->is_object())
        return store::Failure{store::errc::bad_statement,
                              "not a collection and a document: " + statement.source};
    const auto& collection = name->get_string();
    return CustomDocument{{collection.data(), collection.size()},
                          Binder{values}.object(document->get_object())};
}

}  // namespace keepmq::mongo
