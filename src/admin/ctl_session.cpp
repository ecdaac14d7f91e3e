#include "admin/ctl_session.hpp"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <ostream>

namespace keepmq::admin {
namespace json = boost::json;

namespace {

const json::value nothing;

std::string text_of(const json::value& value) {
    if (value.is_null())
        return "-";
    if (value.is_string())
        return value.get_string().empty() ? "-" : printable(std::string_view{value.get_string()});
    return printable(json::serialize(value));
}

}  // namespace

CtlSession::CtlSession(const CtlOptions& options, std::ostream& out, std::ostream& err)
    : client_{options.host, options.port, options.login, options.password},
      out_{out},
      err_{err},
      json_{options.json} {}

void CtlSession::fail(int exit_code, std::string_view message) {
    exit_code_ = exit_code;
    err_ << prefix_ << (prefix_.empty() ? "" : ": ") << printable(message) << '\n';
}

std::optional<HttpAnswer> CtlSession::call(Method method,
                                           std::string_view path,
                                           std::string_view body) {
    auto answer = client_.call(method, path, body);
    if (!answer) {
        fail(3,
             fmt::format(
                 "cannot reach the broker at {}: {}", client_.address(), answer.error().message()));
        return std::nullopt;
    }
    return *std::move(answer);
}

std::optional<json::object> CtlSession::ask_envelope(Method method,
                                                     std::string_view path,
                                                     std::string_view body) {
    const auto answer = call(method, path, body);
    if (!answer)
        return std::nullopt;
    boost::system::error_code error;
    json::parse_options options;
    options.max_depth = 64;
    auto parsed = json::parse(answer->body, error, {}, options);
    if (error || !parsed.is_object()) {
        if (answer->status == 503)
            fail(3, "the broker has too many admin connections");
        else
            fail(3,
                 fmt::format("unexpected answer of {} (status {}); is this KeepMQ?",
                             client_.address(),
                             answer->status));
        return std::nullopt;
    }
    if (answer->status != 200) {
        const auto* message = parsed.get_object().if_contains("message");
        const bool is_text = message != nullptr && message->is_string();
        fail(1,
             is_text ? std::string_view{message->get_string()} : "the broker refused the request");
        return std::nullopt;
    }
    return std::move(parsed.get_object());
}

std::optional<json::value> CtlSession::ask(Method method,
                                           std::string_view path,
                                           std::string_view body) {
    auto envelope = ask_envelope(method, path, body);
    if (!envelope)
        return std::nullopt;
    return std::move((*envelope)["data"]);
}

std::optional<json::array> CtlSession::ask_all(const std::string& path) {
    const char separator = path.find('?') == std::string::npos ? '?' : '&';
    json::array all;
    for (std::size_t page = 1;; ++page) {
        auto envelope = ask_envelope(
            Method::get, fmt::format("{}{}_page={}&_limit=1000", path, separator, page), {});
        if (!envelope)
            return std::nullopt;
        const auto* data = envelope->if_contains("data");
        const auto* meta = envelope->if_contains("meta");
        const auto* count = meta != nullptr && meta->is_object()
                                ? meta->get_object().if_contains("count")
                                : nullptr;
        if (data == nullptr || !data->is_array() || count == nullptr || !count->is_number()) {
            fail(3, "unexpected answer: not a list");
            return std::nullopt;
        }
        const auto& items = data->get_array();
        all.insert(all.end(), items.begin(), items.end());
        if (items.empty() || all.size() >= count->to_number<std::size_t>())
            return all;
    }
}

std::optional<std::string> CtlSession::ask_text(std::string_view path) {
    auto answer = call(Method::get, path, {});
    if (!answer)
        return std::nullopt;
    if (answer->status != 200) {
        fail(1, fmt::format("the broker answers with status {}", answer->status));
        return std::nullopt;
    }
    return std::move(answer->body);
}

void CtlSession::print_json(const json::value& data) {
    out_ << json::serialize(data) << '\n';
}

void CtlSession::print_members(const json::object& object) {
    std::vector<std::pair<std::string, std::string>> pairs;
    for (const auto& [name, value] : object)
        pairs.emplace_back(printable(std::string_view{name.data(), name.size()}), text_of(value));
    print_pairs(out_, pairs);
}

void CtlSession::print_list(const json::array& items, std::span<const ListColumn> columns) {
    Table table;
    for (const auto& column : columns) table.column(column.title, column.align);
    for (const auto& item : items) {
        if (!item.is_object())
            continue;
        std::vector<std::string> cells;
        for (const auto& column : columns) cells.push_back(cell(item.get_object(), column.member));
        table.row(std::move(cells));
    }
    table.print(out_);
}

std::string cell(const json::object& object, std::string_view member) {
    const auto* value = object.if_contains(member);
    return text_of(value == nullptr ? nothing : *value);
}

const json::value& of_first_node(const json::value& data, std::string_view name) {
    if (!data.is_array() || data.get_array().empty() || !data.get_array()[0].is_object())
        return nothing;
    const auto* value = data.get_array()[0].get_object().if_contains(name);
    return value == nullptr ? nothing : *value;
}

}  // namespace keepmq::admin
