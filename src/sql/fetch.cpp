#include "sql/fetch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/overloaded.hpp"
#include "model/topic.hpp"
#include "sql/columns.hpp"

namespace keepmq::sql {
namespace {

using store::Failure;
using store::FetchMessages;
using store::FetchMode;
using store::MessagePage;
using store::Reply;
using Answer = std::variant<Reply, Failure>;

/// Rows looked at for one page, whether or not they go into it.
constexpr std::int64_t window = 20'000;

enum class Table : std::uint8_t { messages, retained };

std::string columns_of(Table table, const Layout& layout) {
    const bool messages = table == Table::messages;
    const bool properties = messages ? layout.message_properties : layout.retained_properties;
    return fmt::format("{}, m.msgid, m.topic, m.sender, m.qos, {}, m.payload, m.arrived, {}",
                       messages ? "m.id" : "0",
                       messages ? "m.retain" : "1",
                       properties ? "m.properties" : "null");
}

/// Columns as in columns_of().
MessagePtr to_message(const Rows& rows, std::size_t row, Table table) {
    auto message = std::make_shared<Message>();
    const auto known = MessageId::parse(rows.bytes(row, 1));
    const auto arrived = parse_time(rows.bytes(row, 7));
    message->at = arrived ? *arrived : known ? known->time() : WallTime{};
    if (known)
        message->id = *known;
    else if (table == Table::messages)
        message->id = id_of_row(rows.integer(row, 0));
    else
        message->id = {static_cast<std::uint64_t>(message->at.time_since_epoch().count()), 0};
    message->topic = TopicName{rows.bytes(row, 2)};
    message->sender = ClientId{rows.bytes(row, 3)};
    message->qos = static_cast<Qos>(std::clamp<std::int64_t>(rows.integer(row, 4), 0, 2));
    message->retain = rows.integer(row, 5) != 0;
    message->payload = rows.bytes(row, 6);
    message->stored = true;
    if (!rows.is_null(row, 8))
        message->properties = parse_properties(rows.bytes(row, 8));
    return message;
}

/// A statement in the making.
class Text {
  public:
    explicit Text(const Layout& layout) : layout_{layout} {}

    [[nodiscard]] std::string bind(Param param) {
        params_.push_back(std::move(param));
        return fmt::format("?{}", params_.size());
    }

    [[nodiscard]] std::string is_topic(std::string_view column, std::string_view value) const {
        return fmt::format(fmt::runtime(layout_.is_topic_of_message), column, value);
    }
    [[nodiscard]] std::string is_name(std::string_view column, std::string_view value) const {
        return fmt::format(fmt::runtime(layout_.is_name), column, value);
    }
    [[nodiscard]] std::string key(std::string_view value) const {
        return fmt::format(fmt::runtime(layout_.topic_key), value);
    }
    /// How far the client has read the topic, or a filter.
    [[nodiscard]] std::string position(std::string_view client, std::string_view topic) const {
        return fmt::format("coalesce((select max(a.mid) from mqtt_acked a where {} and {}), 0)",
                           is_name("a.clientid", client),
                           is_name("a.topic", topic));
    }

    [[nodiscard]] Command finish(std::string sql) && {
        return {std::move(sql), std::move(params_)};
    }

  private:
    const Layout& layout_;
    std::vector<Param> params_;
};

Answer subscriptions(Database& database, const Layout& layout, const ClientId& client) {
    Text text{layout};
    const auto where = text.is_name("m.clientid", text.bind(client.view()));
    auto answer = database.query(std::move(text).finish(
        fmt::format("select m.topic, m.qos from mqtt_sub m where {} order by m.topic", where)));
    if (auto* const failure = std::get_if<Failure>(&answer))
        return std::move(*failure);
    const auto& rows = std::get<Rows>(answer);
    std::vector<store::StoredSubscription> out;
    for (std::size_t row = 0; row < rows.size(); ++row) {
        if (!rows.bytes(row, 0).empty())
            out.push_back({TopicFilter{rows.bytes(row, 0)}, rows.integer(row, 1)});
    }
    return Reply{std::move(out)};
}

Answer retained(Database& database, const Layout& layout, const TopicFilter& filter) {
    Text text{layout};
    std::string where;
    const auto pattern = like_pattern(filter.view());
    if (!has_wildcard(filter.view()))
        where = " where " + text.is_name("m.topic", text.bind(filter.view()));
    else if (pattern != "%")
        where = fmt::format(" where m.topic like {} escape '!'", text.bind(pattern));
    auto answer = database.query(std::move(text).finish(
        fmt::format("select {} from mqtt_retain m{}", columns_of(Table::retained, layout), where)));
    if (auto* const failure = std::get_if<Failure>(&answer))
        return std::move(*failure);
    const auto& rows = std::get<Rows>(answer);
    MessagePage page;
    for (std::size_t row = 0; row < rows.size(); ++row) {
        if (filter_matches(filter.view(), rows.bytes(row, 2)))
            page.messages.push_back(to_message(rows, row, Table::retained));
    }
    return Reply{std::move(page)};
}

/// The first `count` characters.
std::string_view head(std::string_view text, std::optional<std::size_t> count) {
    for (std::size_t at = 0; count && at < text.size(); ++at) {
        const bool begins = (static_cast<unsigned char>(text[at]) & 0xC0U) != 0x80U;
        if (begins && (*count)-- == 0)
            return text.substr(0, at);
    }
    return text;
}

/// One page of stored messages. A position is the last row id that was looked at.
class Fetch {
  public:
    Fetch(Database& database, const Layout& layout, const FetchMessages& query)
        : database_{database},
          layout_{layout},
          query_{query},
          filter_{query.filter.view()},
          wildcard_{has_wildcard(filter_)},
          windowed_{wildcard_ || !layout.topic_index},
          pattern_{like_pattern(filter_)},
          limit_{std::max<std::size_t>(query.limit, 1)} {}

    Answer run() {
        if (query_.after) {
            const auto& token = query_.after->token;
            std::from_chars(token.data(), token.data() + token.size(), after_);
        } else if (wildcard_ && layout_.topic_index && !skip_what_is_read()) {
            return finish();
        }
        read_page();
        return finish();
    }

  private:
    Answer finish() {
        if (failure_)
            return *std::move(failure_);
        return Reply{std::move(page_)};
    }

    /// No rows after a failure.
    Rows ask(Text text, std::string sql) {
        auto answer = database_.query(std::move(text).finish(std::move(sql)));
        if (auto* const rows = std::get_if<Rows>(&answer))
            return std::move(*rows);
        failure_ = std::get<Failure>(std::move(answer));
        return Rows{0};
    }

    [[nodiscard]] bool heeds_positions() const { return query_.mode != FetchMode::queue; }

    /// Rows beyond the position of (client, filter).
    [[nodiscard]] std::string beyond_filter(Text& text) const {
        if (!heeds_positions())
            return {};
        return " and m.id > " + text.position(text.bind(query_.client.view()), text.bind(filter_));
    }

    /// Topics that begin with what comes before the first wildcard, as far as the index can tell.
    [[nodiscard]] std::string in_range(Text& text) const {
        const auto prefix = head(literal_prefix(filter_), layout_.topic_key_length);
        const auto key = text.key("m.topic");
        if (prefix.empty() || layout_.prefix_search == PrefixSearch::none)
            return fmt::format("{} is not null", key);
        if (layout_.prefix_search == PrefixSearch::like)
            return fmt::format("{} like {} escape '!'", key, text.bind(pattern_));
        auto range = topics_that_begin_with(prefix);
        auto condition = fmt::format("{} >= {}", key, text.bind(std::move(range.first)));
        if (range.beyond)
            condition += fmt::format(" and {} < {}", key, text.bind(std::move(*range.beyond)));
        return condition;
    }

    /// Moves `after_` to just before the first unread row. False: there is none.
    bool skip_what_is_read() {
        Text text{layout_};
        const auto key = text.key("m.topic");
        const auto range = in_range(text);
        std::string wanted;
        if (pattern_ != "%") {
            wanted = fmt::format(" and (t.name like {} escape '!'", text.bind(pattern_));
            if (layout_.topic_key_length)
                wanted += fmt::format(" or char_length(t.name) >= {}", *layout_.topic_key_length);
            wanted += ")";
        }
        auto unread = beyond_filter(text);
        if (heeds_positions())
            unread += " and m.id > " + text.position(text.bind(query_.client.view()), "t.name");
        auto sql = fmt::format(
            "with recursive topics(name, visited) as ("
            "select min({key}), 1 from mqtt_msg m where {range} union all "
            "select (select min({key}) from mqtt_msg m where {key} > topics.name and {range}), "
            "visited + 1 from topics where name is not null and visited < {visits}) "
            "select min(u.first_id), (select count(*) from topics where name is null) from ("
            "select (select min(m.id) from mqtt_msg m where {key} = t.name{unread}) as first_id "
            "from topics t where t.name is not null{wanted}) u",
            fmt::arg("key", key),
            fmt::arg("range", range),
            fmt::arg("visits", layout_.visited_topics),
            fmt::arg("unread", unread),
            fmt::arg("wanted", wanted));
        const auto rows = ask(std::move(text), std::move(sql));
        if (failure_ || rows.size() == 0)
            return false;
        const bool visited_all = rows.integer(0, 1) > 0;
        if (!visited_all)
            return true;
        after_ = rows.integer(0, 0) - 1;
        return !rows.is_null(0, 0);
    }

    [[nodiscard]] std::string wanted_rows(Text& text) const {
        auto where = fmt::format("m.id > {}", text.bind(after_));
        if (windowed_)
            where += fmt::format(" and m.id <= {}", text.bind(after_ + window));
        const auto topic = wildcard_ ? std::string{} : text.bind(filter_);
        if (!wildcard_)
            where += " and " + text.is_topic("m.topic", topic);
        else if (pattern_ != "%")
            where += fmt::format(" and m.topic like {} escape '!'", text.bind(pattern_));
        where += beyond_filter(text);
        if (wildcard_ && heeds_positions())
            where += " and m.id > " + text.position(text.bind(query_.client.view()), "m.topic");
        if (query_.mode == FetchMode::latest && !wildcard_)
            where += fmt::format(" and m.id = (select max(n.id) from mqtt_msg n where {})",
                                 text.is_topic("n.topic", topic));
        else if (query_.mode == FetchMode::latest)
            where +=
                fmt::format(" and not exists (select 1 from mqtt_msg n where {} and n.id > m.id)",
                            text.is_topic("n.topic", "m.topic"));
        if (query_.not_before) {
            const auto time = layout_.fractions_of_seconds
                                  ? *query_.not_before
                                  : std::chrono::floor<std::chrono::seconds>(*query_.not_before);
            where += fmt::format(" and m.arrived >= {}", text.bind(format_time(time)));
        }
        return where;
    }

    void read_page() {
        Text text{layout_};
        const auto where = wanted_rows(text);
        // One more than asked for tells whether another page follows.
        auto sql = fmt::format("select {} from mqtt_msg m where {} order by m.id limit {}",
                               columns_of(Table::messages, layout_),
                               where,
                               text.bind(static_cast<std::int64_t>(limit_ + 1)));
        const auto rows = ask(std::move(text), std::move(sql));
        if (failure_)
            return;
        const auto count = std::min(rows.size(), limit_);
        for (std::size_t row = 0; row < count; ++row) {
            if (filter_matches(filter_, rows.bytes(row, 2)))
                page_.messages.push_back(to_message(rows, row, Table::messages));
        }
        if (rows.size() > limit_)
            page_.next = {std::to_string(rows.integer(count - 1, 0))};
        else if (windowed_)
            look_beyond_the_window();
    }

    void look_beyond_the_window() {
        Text text{layout_};
        auto sql = fmt::format("select min(m.id) from mqtt_msg m where m.id > {}{}",
                               text.bind(after_ + window),
                               beyond_filter(text));
        const auto rows = ask(std::move(text), std::move(sql));
        if (!failure_ && rows.size() > 0 && !rows.is_null(0, 0))
            page_.next = {std::to_string(rows.integer(0, 0) - 1)};
    }

    Database& database_;
    const Layout& layout_;
    const FetchMessages& query_;
    std::string_view filter_;
    bool wildcard_;
    bool windowed_;  ///< read all rows of a range of ids, and choose among them
    std::string pattern_;
    std::size_t limit_;
    std::int64_t after_ = 0;
    MessagePage page_;
    std::optional<Failure> failure_;
};

}  // namespace

std::string like_pattern(std::string_view filter) {
    const bool open_end = filter.ends_with('#');
    if (open_end)
        filter.remove_suffix(1);
    if (open_end && !filter.empty())
        filter.remove_suffix(1);  // `a/#` also matches `a`
    std::string pattern;
    for (const char c : filter) {
        if (c == '%' || c == '_' || c == '!')
            pattern += '!';
        pattern += c == '+' ? '%' : c;
    }
    return open_end ? pattern + '%' : pattern;
}

Answer answer(Database& database, const Layout& layout, const store::Query& query) {
    return std::visit(
        Overloaded{
            [&](const store::LookupSubscriptions& q) {
                return subscriptions(database, layout, q.client);
            },
            [&](const store::LookupRetained& q) { return retained(database, layout, q.filter); },
            [&](const FetchMessages& q) {
                return Fetch{database, layout, q}.run();
            },
        },
        query);
}

}  // namespace keepmq::sql
