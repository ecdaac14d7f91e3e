#include "backends/mysql/unread.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "model/topic.hpp"
#include "sql/fetch.hpp"

namespace keepmq::mysql {
namespace {

using sql::Param;
using sql::Rows;
using store::Failure;
using store::FetchMessages;
using store::FetchMode;

/// Topics that are looked at in one statement, and how many of those statements; beyond that a
/// fetch reads from the position of the filter on.
constexpr std::int64_t topics_at_once = 10'000;
constexpr int most_looks = 10;
/// Unread topics of which the first unread row is looked up.
constexpr std::size_t most_unread = 1000;
/// Bytes of a topic in topic_head.
constexpr std::size_t head_size = 255;

/// Finds the row after which a wildcard fetch begins.
class Start {
  public:
    Start(sql::Database& database, const Tables& tables, const FetchMessages& query)
        : database_{database},
          tables_{tables},
          query_{query},
          heeds_positions_{query.mode != FetchMode::queue} {}

    /// Nothing: there is nothing to read.
    std::optional<std::int64_t> find() {
        if (heeds_positions_)
            read_ = position_of_filter();
        if (failure_ || !tables_.topic_order)
            return read_;
        for (int look = 0; look < most_looks; ++look) {
            const auto seen = look_at_topics();
            if (failure_ || unread_.size() > most_unread)
                return read_;
            if (seen < topics_at_once)
                return first_unread();
        }
        return read_;
    }

    [[nodiscard]] const std::optional<Failure>& failure() const { return failure_; }

  private:
    struct Unread {
        std::string name;
        std::int64_t read;
    };

    Rows ask(std::string sql, std::vector<Param> params) {
        auto answer = database_.query({std::move(sql), std::move(params)});
        if (auto* const rows = std::get_if<Rows>(&answer))
            return std::move(*rows);
        failure_ = std::get<Failure>(std::move(answer));
        return Rows{0};
    }

    std::int64_t number(const Rows& rows) const {
        return rows.size() == 0 ? 0 : rows.integer(0, 0);
    }

    /// `coalesce(max(mid), 0)` of (?1, topic).
    [[nodiscard]] std::string select_position(std::string_view topic) const {
        const auto& is_name = tables_.layout.is_name;
        return fmt::format("select coalesce(max(a.mid), 0) from mqtt_acked a where {} and {}",
                           fmt::format(fmt::runtime(is_name), "a.clientid", "?1"),
                           fmt::format(fmt::runtime(is_name), "a.topic", topic));
    }

    std::int64_t position_of_filter() {
        return number(ask(select_position("?2"), {query_.client.view(), query_.filter.view()}));
    }

    /// Goes through the next topics in the index; the number of those.
    std::int64_t look_at_topics() {
        const auto& key = *tables_.topic_order;
        auto range = sql::topics_that_begin_with(literal_prefix(query_.filter.view()));
        auto first = last_seen_ ? *last_seen_ : range.first.substr(0, head_size);
        auto where = fmt::format("m.{} {} ?2", key, last_seen_ ? ">" : ">=");
        std::vector<Param> params{query_.client.view(), std::move(first), topics_at_once};
        if (range.beyond && range.beyond->size() <= head_size) {
            where += fmt::format(" and m.{} < ?4", key);
            params.emplace_back(std::move(*range.beyond));
        }
        // Of a topic that is longer than its head no position is known here.
        const auto read = heeds_positions_
                              ? fmt::format("if(length(t.name) < {}, ({}), 0)",
                                            head_size,
                                            select_position("convert(t.name using utf8mb4)"))
                              : std::string{"0"};
        const auto rows =
            ask(fmt::format(
                    "select t.name, t.newest, {0} from (select m.{1} as name, max(m.id) as newest "
                    "from mqtt_msg m where {2} group by m.{1} order by m.{1} limit ?3) t",
                    read,
                    key,
                    where),
                std::move(params));
        for (std::size_t row = 0; row < rows.size(); ++row) {
            const auto position = std::max(read_, rows.integer(row, 2));
            if (rows.integer(row, 1) > position && may_match(rows.bytes(row, 0)))
                unread_.push_back({std::string{rows.bytes(row, 0)}, position});
        }
        if (rows.size() > 0)
            last_seen_ = rows.bytes(rows.size() - 1, 0);
        return static_cast<std::int64_t>(rows.size());
    }

    [[nodiscard]] bool may_match(std::string_view name) const {
        return name.size() >= head_size || filter_matches(query_.filter.view(), name);
    }

    std::optional<std::int64_t> first_unread() {
        const auto sql = fmt::format(
            "select min(m.id) from mqtt_msg m where m.{} = ?1 and m.id > ?2", *tables_.topic_order);
        std::optional<std::int64_t> first;
        for (const auto& topic : unread_) {
            const auto rows = ask(sql, {std::string_view{topic.name}, topic.read});
            if (failure_)
                return std::nullopt;
            if (rows.size() > 0 && !rows.is_null(0, 0))
                first = std::min(first.value_or(rows.integer(0, 0)), rows.integer(0, 0));
        }
        return first ? std::optional{*first - 1} : std::nullopt;
    }

    sql::Database& database_;
    const Tables& tables_;
    const FetchMessages& query_;
    bool heeds_positions_;
    std::int64_t read_ = 0;
    std::optional<std::string> last_seen_;
    std::vector<Unread> unread_;
    std::optional<Failure> failure_;
};

}  // namespace

std::variant<store::Reply, Failure> answer(sql::Database& database,
                                           const Tables& tables,
                                           const store::Query& query) {
    const auto* const fetch = std::get_if<FetchMessages>(&query);
    if (fetch == nullptr || fetch->after || !has_wildcard(fetch->filter.view()))
        return sql::answer(database, tables.layout, query);
    Start start{database, tables, *fetch};
    const auto after = start.find();
    if (start.failure())
        return *start.failure();
    if (!after)
        return store::Reply{store::MessagePage{}};
    auto rest = *fetch;
    rest.after = store::Position{std::to_string(*after)};
    return sql::answer(database, tables.layout, rest);
}

}  // namespace keepmq::mysql
