#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <charconv>
#include <cstdint>
#include <utility>

#include "admin/json_text.hpp"
#include "admin/router.hpp"

namespace keepmq::admin {
namespace {

namespace json = boost::json;

/// How many of them are looked through for one page.
constexpr std::size_t search_limit = 100'000;

json::object letter_json(const store::DeadLetter& letter) {
    json::object out;
    out["id"] = letter.id;
    out["at"] = json_time(letter.at);
    out["pool"] = json_text(letter.pool);
    out["rule"] = json_text(letter.rule);
    out["op"] = json_text(letter.op);
    out["topic"] = json_text(letter.topic);
    out["clientid"] = json_text(letter.client);
    out["msgid"] = json_text(letter.message_id);
    out["payload_bytes"] = letter.payload.size();
    out["error"] = json_text(letter.error);
    return out;
}

json::object whole_letter_json(const store::DeadLetter& letter) {
    auto out = letter_json(letter);
    add_payload(out, letter.payload);
    boost::system::error_code error;
    auto detail = json::parse(letter.detail, error);
    if (error)
        detail = json_text(letter.detail);
    out["detail"] = std::move(detail);
    return out;
}

Reply list_letters(Source& source, const Request& request) {
    const auto end = request.paging.offset() + request.paging.limit;
    if (end > search_limit)
        return bad_parameter("only the first 100000 dead letters can be listed");
    const auto letters = source.dead_letters(end);
    json::array items;
    for (std::size_t i = request.paging.offset(); i < letters.size(); ++i)
        items.push_back(letter_json(letters[i]));
    return page_reply(std::move(items), request.paging, source.dead_letter_count());
}

/// Answers with the letter that the path names.
template <Reply (*answer)(Source& source, const store::DeadLetter& letter)>
Reply with_letter(Source& source, const Request& request) {
    const auto& text = request.captured[0];
    std::int64_t id = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (error != std::errc{} || end != text.data() + text.size())
        return bad_parameter("the id of a dead letter is a number");
    const auto letter = source.dead_letter(id);
    return letter ? answer(source, *letter) : not_found("no such dead letter");
}

Reply show_letter(Source&, const store::DeadLetter& letter) {
    return data_reply(json::array{whole_letter_json(letter)});
}

Reply retry_letter(Source& source, const store::DeadLetter& letter) {
    return done_reply(source.retry_dead_letter(letter));
}

Reply drop_letter(Source& source, const store::DeadLetter& letter) {
    return done_reply(source.drop_dead_letter(letter.id));
}

constexpr Route routes[] = {
    {Method::get,
     "/api/v4/dead_letters",
     "list_dead_letters",
     "Writes that a database refused for ever",
     list_letters,
     payload_max_limit},
    {Method::get,
     "/api/v4/dead_letters/:id",
     "lookup_dead_letter",
     "One of them with its payload",
     with_letter<show_letter>},
    {Method::put,
     "/api/v4/dead_letters/:id/retry",
     "retry_dead_letter",
     "Runs it again; it leaves when that works",
     with_letter<retry_letter>},
    {Method::del,
     "/api/v4/dead_letters/:id",
     "drop_dead_letter",
     "Forgets it for good",
     with_letter<drop_letter>},
};

}  // namespace

std::span<const Route> dead_letters_routes() {
    return routes;
}

}  // namespace keepmq::admin
