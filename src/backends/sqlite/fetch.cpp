#include "backends/sqlite/fetch.hpp"

#include <algorithm>
#include <charconv>
#include <unordered_map>

#include "base/overloaded.hpp"
#include "model/topic.hpp"
#include "sql/columns.hpp"

namespace keepmq::sqlite {
namespace {

using store::Failure;
using store::FetchMessages;
using store::FetchMode;
using store::MessagePage;
using store::Position;
using store::Reply;
using Answer = std::variant<Reply, Failure>;

/// Rows looked at for one page, whether or not they go into it.
constexpr std::size_t examined_limit = 20'000;
/// Up to so many topics are visited to find out what the client has not read.
constexpr std::size_t visited_topics_limit = 10'000;
/// Up to so many topics are read each through the index and merged.
constexpr std::size_t merged_topics_limit = 128;

enum class Table : std::uint8_t { messages, retained };

/// Columns: id, msgid, topic, sender, qos, retain, payload, arrived, properties.
MessagePtr to_message(const Rows& row, Table table) {
    auto message = std::make_shared<Message>();
    const auto known = MessageId::parse(row.bytes(1));
    const auto arrived = sql::parse_time(row.bytes(7));
    message->at = arrived ? *arrived : known ? known->time() : WallTime{};
    if (known)
        message->id = *known;
    else if (table == Table::messages)
        message->id = sql::id_of_row(row.integer(0));
    else
        message->id = {static_cast<std::uint64_t>(message->at.time_since_epoch().count()),
                       static_cast<std::uint64_t>(row.integer(0))};
    message->topic = TopicName{row.bytes(2)};
    message->sender = ClientId{row.bytes(3)};
    message->qos = static_cast<Qos>(std::clamp<std::int64_t>(row.integer(4), 0, 2));
    message->retain = row.integer(5) != 0;
    message->payload = row.bytes(6);
    message->stored = true;
    if (!row.is_null(8))
        message->properties = sql::parse_properties(row.bytes(8));
    return message;
}

Answer subscriptions(Database& database, const Command& command) {
    std::vector<store::StoredSubscription> out;
    auto rows = database.query(command.sql, command.params);
    while (rows.next()) {
        if (!rows.bytes(0).empty())
            out.push_back({TopicFilter{rows.bytes(0)}, rows.integer(1)});
    }
    if (rows.failure())
        return *rows.failure();
    return Reply{std::move(out)};
}

Answer retained(Database& database, const Command& command, const TopicFilter& filter) {
    MessagePage page;
    auto rows = database.query(command.sql, command.params);
    while (rows.next()) {
        if (filter_matches(filter.view(), rows.bytes(2)))
            page.messages.push_back(to_message(rows, Table::retained));
    }
    if (rows.failure())
        return *rows.failure();
    return Reply{std::move(page)};
}

/// A position is the last id that was looked at. With an `s` before it the rest is read in order of
/// id, without asking again which topics have something unread.
struct Place {
    std::int64_t id = 0;
    bool scan = false;
};

Place parse_place(std::string_view token) {
    Place place;
    place.scan = !token.empty() && token.front() == 's';
    token.remove_prefix(place.scan ? 1 : 0);
    std::from_chars(token.data(), token.data() + token.size(), place.id);
    return place;
}

Position to_position(const Place& place) {
    return {(place.scan ? "s" : "") + std::to_string(place.id)};
}

/// One page of stored messages.
class Fetch {
  public:
    Fetch(Database& database,
          const Translator& translator,
          const Layout& layout,
          const FetchMessages& query)
        : database_{database},
          translate_{translator},
          layout_{layout},
          query_{query},
          client_{query.mode == FetchMode::queue ? nullptr : &query.client},
          limit_{std::max<std::size_t>(query.limit, 1)},
          not_before_{query.not_before ? sql::lower_bound_of_time(*query.not_before)
                                       : std::string{}} {}

    Answer run() {
        const auto place = query_.after ? parse_place(query_.after->token) : Place{};
        const auto position =
            client_ == nullptr
                ? 0
                : ask(translate_.position(client_, query_.filter.view())).value_or(0);
        auto after = std::max(place.id, position);
        if (!has_wildcard(query_.filter.view()))
            topic(after);
        else if (place.scan || !layout_.topic_index || !merge(after, !query_.after))
            scan(after);
        if (failure_)
            return *failure_;
        return Reply{std::move(page_)};
    }

  private:
    /// The first column of the first row.
    std::optional<std::int64_t> ask(const Command& command) {
        std::optional<std::int64_t> value;
        auto rows = database_.query(command.sql, command.params);
        if (rows.next() && !rows.is_null(0))
            value = rows.integer(0);
        note(rows);
        return value;
    }

    void note(const Rows& rows) {
        if (rows.failure() && !failure_)
            failure_ = rows.failure();
    }

    /// Puts a message into the page. False when the page ends with it.
    bool take(std::int64_t id, bool scan_on) {
        const auto command = translate_.message(id, not_before_);
        auto rows = database_.query(command.sql, command.params);
        if (rows.next())
            page_.messages.push_back(to_message(rows, Table::messages));
        note(rows);
        return look_on(id, scan_on);
    }

    /// False, with the place to go on from, when enough was done for one page.
    bool look_on(std::int64_t id, bool scan_on) {
        ++examined_;
        if (failure_ || (page_.messages.size() < limit_ && examined_ < examined_limit))
            return !failure_;
        page_.next = to_position({id, scan_on});
        return false;
    }

    void topic(std::int64_t after) {
        const auto name = query_.filter.view();
        if (query_.mode == FetchMode::latest) {
            const auto newest = ask(translate_.newest_of_topic(name));
            if (newest && *newest > after && take(*newest, false))
                return;
            page_.next.reset();
            return;
        }
        const auto command = translate_.ids_of_topic(name, after, examined_limit);
        auto rows = database_.query(command.sql, command.params);
        while (rows.next() && take(rows.integer(0), false)) {
        }
        note(rows);
    }

    struct Unread {
        std::string topic;
        std::int64_t first;
    };

    /// Reads the topics with something unread, each through the index, if they are few. False: read
    /// on by scan(), from `after`, which is moved to just before the first unread message.
    bool merge(std::int64_t& after, bool first_page) {
        const auto range = sql::topics_that_begin_with(literal_prefix(query_.filter.view()));
        const auto visits = first_page ? visited_topics_limit : merged_topics_limit + 1;
        const auto command = translate_.unread_topics(client_, range, after, visits);
        std::vector<Unread> unread;
        std::size_t visited = 0;
        auto rows = database_.query(command.sql, command.params);
        for (; rows.next(); ++visited) {
            if (!rows.is_null(1) && filter_matches(query_.filter.view(), rows.bytes(0)))
                unread.push_back({std::string{rows.bytes(0)}, rows.integer(1)});
        }
        note(rows);
        if (failure_)
            return true;
        if (visited >= visits)
            return false;
        if (visited > merged_topics_limit && !unread.empty()) {
            const auto by_first = [](const Unread& a, const Unread& b) {
                return a.first < b.first;
            };
            after = std::min_element(unread.begin(), unread.end(), by_first)->first - 1;
            return false;
        }
        merge_topics(unread);
        return true;
    }

    void merge_topics(const std::vector<Unread>& unread) {
        std::vector<std::int64_t> ids;
        bool truncated = false;
        for (const auto& topic : unread) {
            if (query_.mode == FetchMode::latest) {
                ids.push_back(ask(translate_.newest_of_topic(topic.topic)).value_or(topic.first));
                continue;
            }
            const auto before = ids.size();
            const auto command = translate_.ids_of_topic(topic.topic, topic.first - 1, limit_);
            auto rows = database_.query(command.sql, command.params);
            while (rows.next()) ids.push_back(rows.integer(0));
            note(rows);
            truncated = truncated || ids.size() - before == limit_;
        }
        std::sort(ids.begin(), ids.end());
        // Beyond the first `limit_` ids the list may have gaps.
        truncated = truncated || ids.size() > limit_;
        ids.resize(std::min(ids.size(), limit_));
        for (const auto id : ids) {
            if (!take(id, false))
                break;
        }
        if (truncated && !ids.empty() && !page_.next)
            page_.next = to_position({ids.back(), false});
        else if (!truncated && page_.next && page_.next->token == std::to_string(ids.back()))
            page_.next.reset();
    }

    void scan(std::int64_t after) {
        const auto command = translate_.scan(after, examined_limit);
        auto rows = database_.query(command.sql, command.params);
        while (rows.next()) {
            const auto id = rows.integer(0);
            const bool on = wanted(id, rows.bytes(1)) ? take(id, true) : look_on(id, true);
            if (!on)
                break;
        }
        note(rows);
    }

    bool wanted(std::int64_t id, std::string_view topic) {
        if (!filter_matches(query_.filter.view(), topic))
            return false;
        if (client_ != nullptr && id <= position_of(topic))
            return false;
        return query_.mode != FetchMode::latest || ask(translate_.newest_of_topic(topic)) == id;
    }

    std::int64_t position_of(std::string_view topic) {
        auto found = positions_.find(topic);
        if (found == positions_.end())
            found = positions_.emplace(topic, ask(translate_.position(client_, topic)).value_or(0))
                        .first;
        return found->second;
    }

    Database& database_;
    const Translator& translate_;
    const Layout& layout_;
    const FetchMessages& query_;
    const ClientId* client_;
    std::size_t limit_;
    std::string not_before_;
    MessagePage page_;
    std::size_t examined_ = 0;
    std::unordered_map<std::string, std::int64_t, NamedHash, NamedEqual> positions_;
    std::optional<Failure> failure_;
};

}  // namespace

Answer answer(Database& database,
              const Translator& translator,
              const Layout& layout,
              const store::Query& query) {
    return std::visit(Overloaded{
                          [&](const store::LookupSubscriptions& q) {
                              return subscriptions(database, translator.subscriptions_of(q.client));
                          },
                          [&](const store::LookupRetained& q) {
                              return retained(database, translator.retained(q.filter), q.filter);
                          },
                          [&](const FetchMessages& q) {
                              return Fetch{database, translator, layout, q}.run();
                          },
                      },
                      query);
}

}  // namespace keepmq::sqlite
