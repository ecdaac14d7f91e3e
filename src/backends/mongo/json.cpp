#include "backends/mongo/json.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <cmath>

namespace keepmq::mongo {
namespace json = boost::json;
namespace {

constexpr int deepest = 60;  // MongoDB takes 100 levels in all

bool is_name(std::string_view name) {
    return !name.empty() && name.find_first_of(std::string_view{"$.\0", 3}) == name.npos;
}

std::string_view view(const json::string& text) {
    return {text.data(), text.size()};
}

bool add_all(Document& to, const json::object& from, int depth);
bool add_all(Document& to, const json::array& from, int depth);

/// False if a document cannot hold it.
bool add(Document& to, std::string_view name, const json::value& value, int depth) {
    switch (value.kind()) {
        case json::kind::null:
            to.null(name);
            return true;
        case json::kind::bool_:
            to.boolean(name, value.get_bool());
            return true;
        case json::kind::int64:
            to.integer(name, value.get_int64());
            return true;
        case json::kind::uint64:
            return false;
        case json::kind::double_:
            to.real(name, value.get_double());
            return std::isfinite(value.get_double());
        case json::kind::string:
            to.text(name, view(value.get_string()));
            return true;
        case json::kind::array: {
            Document list;
            const bool fits = depth < deepest && add_all(list, value.get_array(), depth + 1);
            to.array(name, list);
            return fits;
        }
        case json::kind::object: {
            Document inner;
            const bool fits = depth < deepest && add_all(inner, value.get_object(), depth + 1);
            to.child(name, inner);
            return fits;
        }
    }
    return false;
}

bool add_all(Document& to, const json::object& from, int depth) {
    for (const auto& one : from) {
        const std::string_view name{one.key().data(), one.key().size()};
        if (!is_name(name) || !add(to, name, one.value(), depth))
            return false;
    }
    return true;
}

bool add_all(Document& to, const json::array& from, int depth) {
    std::size_t index = 0;
    for (const auto& one : from)
        if (!add(to, std::to_string(index++), one, depth))
            return false;
    return true;
}

std::string hex(std::string_view bytes) {
    std::string digits;
    for (const char c : bytes) digits += fmt::format("{:02x}", static_cast<unsigned char>(c));
    return digits;
}

void write(std::string& out, std::string_view bson, bool is_array);

void write(std::string& out, const Field& field) {
    switch (field.kind) {
        case Kind::text:
            out += json::serialize(json::string{field.value});
            break;
        case Kind::document:
        case Kind::array:
            write(out, field.value, field.kind == Kind::array);
            break;
        case Kind::boolean:
            out += *field.integer() != 0 ? "true" : "false";
            break;
        case Kind::int32:
        case Kind::int64:
            out += std::to_string(*field.integer());
            break;
        case Kind::real:
            out += std::isfinite(field.real()) ? fmt::format("{}", field.real()) : "null";
            break;
        case Kind::binary:
            out += fmt::format(R"({{"$binary":"{}"}})", hex(field.value));
            break;
        case Kind::object_id:
            out += fmt::format(R"({{"$oid":"{}"}})", hex(field.value));
            break;
        case Kind::date:
            out += fmt::format(R"({{"$date":{}}})", *Field{{}, Kind::int64, field.value}.integer());
            break;
        case Kind::null:
            out += "null";
            break;
    }
}

void write(std::string& out, std::string_view bson, bool is_array) {
    out += is_array ? '[' : '{';
    bool first = true;
    for (const auto& field : fields_of(bson)) {
        if (!std::exchange(first, false))
            out += ',';
        if (!is_array)
            out += json::serialize(json::string{field.name}) + ':';
        write(out, field);
    }
    out += is_array ? ']' : '}';
}

}  // namespace

std::optional<Embedded> embed(std::string_view payload) {
    const auto first = payload.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos || (payload[first] != '{' && payload[first] != '['))
        return std::nullopt;
    json::error_code failed;
    json::monotonic_resource memory;
    const auto value =
        json::parse(json::string_view{payload.data(), payload.size()}, failed, &memory);
    if (failed)
        return std::nullopt;
    Embedded embedded;
    embedded.is_array = value.is_array();
    const bool fits = embedded.is_array ? add_all(embedded.document, value.get_array(), 0)
                                        : add_all(embedded.document, value.get_object(), 0);
    if (!fits)
        return std::nullopt;
    embedded.is_exact = to_json(embedded.document.bson(), embedded.is_array) == payload;
    return embedded;
}

std::string to_json(std::string_view bson, bool is_array) {
    std::string out;
    write(out, bson, is_array);
    return out;
}

std::string to_json(const Field& field) {
    std::string out;
    write(out, field);
    return out;
}

}  // namespace keepmq::mongo
