#include "backends/mongo/fetch.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "backends/mongo/records.hpp"
#include "base/log.hpp"
#include "base/overloaded.hpp"
#include "model/topic.hpp"
#include "sql/params.hpp"

namespace keepmq::mongo {
namespace {

using store::Failure;
using store::FetchMessages;
using store::FetchMode;
using store::MessagePage;
using store::Reply;
using Answer = std::variant<Reply, Failure>;
using Documents = std::vector<std::string>;

const Log log{"mongo"};

/// So many read positions become part of a search, the others are looked at here.
constexpr std::size_t most_positions = 500;
/// Longer filters are not turned into a regular expression.
constexpr std::size_t longest_pattern = 1000;

std::int64_t seconds_of(WallTime time) {
    return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

std::string pattern_of(std::string_view filter) {
    std::string pattern = "^";
    std::size_t at = 0;
    while (at <= filter.size()) {
        const auto end = std::min(filter.find('/', at), filter.size());
        const auto level = filter.substr(at, end - at);
        if (level == "#")
            return at == 0 ? pattern : pattern.substr(0, pattern.size() - 1) + "(/|$)";
        if (level == "+")
            pattern += "[^/]*";
        else
            for (const char c : level) {
                const bool is_special =
                    std::string_view{R"(\^$.|?*+()[]{}-#)"}.find(c) != std::string_view::npos;
                pattern += is_special ? std::string{'\\', c} : std::string(1, c);
            }
        if (end < filter.size())
            pattern += '/';
        at = end + 1;
    }
    return pattern + '$';
}

Answer subscriptions(Connection& connection, const ClientId& client) {
    auto found = connection.find({.collection = collections::subscriptions,
                                  .filter = Document{}.text("clientid", client.view()),
                                  .sort = Document{}.integer("topic", 1)},
                                 Connection::From::as_configured);
    if (auto* const failure = std::get_if<Failure>(&found))
        return std::move(*failure);
    std::vector<store::StoredSubscription> out;
    for (const auto& document : std::get<Documents>(found)) {
        const auto topic = find(document, "topic");
        const auto qos = find(document, "qos");
        if (topic && topic->kind == Kind::text && !topic->value.empty())
            out.push_back({TopicFilter{topic->value}, qos ? qos->integer().value_or(-1) : -1});
    }
    return Reply{std::move(out)};
}

Answer retained(Connection& connection, const TopicFilter& filter) {
    auto found = connection.find({.collection = collections::retained,
                                  .filter = Document{}.child("topic", topics_like(filter.view()))},
                                 Connection::From::as_configured);
    if (auto* const failure = std::get_if<Failure>(&found))
        return std::move(*failure);
    MessagePage page;
    for (const auto& document : std::get<Documents>(found)) {
        auto message = parse_message(document, Source::retained);
        if (message && filter_matches(filter.view(), message->topic.view()))
            page.messages.push_back(std::move(message));
    }
    return Reply{std::move(page)};
}

/// One page of stored messages. A position is the last `_id` that was looked at; where only the
/// newest message of each topic is wanted, it is a topic.
class Fetch {
  public:
    Fetch(Connection& connection, const FetchMessages& query)
        : connection_{connection},
          query_{query},
          filter_{query.filter.view()},
          wildcard_{has_wildcard(filter_)},
          limit_{std::max<std::size_t>(query.limit, 1)} {}

    Answer run() {
        if (query_.mode != FetchMode::queue)
            read_positions();
        if (query_.mode == FetchMode::latest)
            read_newest();
        else
            read_page();
        if (failure_)
            return *std::move(failure_);
        return Reply{std::move(page_)};
    }

  private:
    /// Nothing after a failure.
    Documents ask(const Find& find) {
        if (failure_)
            return {};
        auto found = connection_.find(find, Connection::From::as_configured);
        if (auto* const failure = std::get_if<Failure>(&found)) {
            failure_ = std::move(*failure);
            return {};
        }
        return std::get<Documents>(std::move(found));
    }

    void read_positions() {
        Document topics;
        if (wildcard_) {
            Document either;
            either.child("0", Document{}.text("topic", filter_));
            either.child("1", Document{}.child("topic", topics_like(filter_)));
            topics.text("clientid", query_.client.view()).array("$or", either);
        } else {
            topics.text("clientid", query_.client.view()).text("topic", filter_);
        }
        for (const auto& document :
             ask({.collection = collections::positions, .filter = std::move(topics)})) {
            const auto topic = find(document, "topic");
            if (!topic || topic->kind != Kind::text)
                continue;
            auto& position = topic->value == filter_ ? floor_ : read_[std::string{topic->value}];
            position = std::max(position, number_of(document, "mongo_id"));
        }
    }

    [[nodiscard]] std::int64_t position_of(std::string_view topic) const {
        const auto found = read_.find(topic);
        return std::max(floor_, found == read_.end() ? 0 : found->second);
    }

    /// The topic, and beyond what the client has read of it.
    void add_topics(Document& to) const {
        if (!wildcard_) {
            to.text("topic", filter_);
            return;
        }
        if (read_.empty()) {
            to.child("topic", topics_like(filter_));
            return;
        }
        Document alternatives;
        Document others;
        std::size_t count = 0;
        for (const auto& [topic, position] : read_) {
            if (count == most_positions)
                break;
            others.text(std::to_string(count), topic);
            alternatives.child(
                std::to_string(count++),
                Document{}.text("topic", topic).child("_id", Document{}.integer("$gt", position)));
        }
        auto rest = topics_like(filter_);
        alternatives.child(std::to_string(count),
                           Document{}.child("topic", rest.array("$nin", others)));
        to.array("$or", alternatives);
    }

    [[nodiscard]] Document wanted(std::int64_t after) const {
        Document filter;
        filter.child("_id", Document{}.integer("$gt", after));
        add_topics(filter);
        if (query_.not_before)
            filter.child("arrived", Document{}.integer("$gte", seconds_of(*query_.not_before)));
        return filter;
    }

    void take(std::string_view document) {
        auto message = parse_message(document, Source::messages);
        if (!message) {
            log.warn("no message in a document of mqtt_msg _id={}", number_of(document));
            return;
        }
        const bool is_young = !query_.not_before || message->at >= *query_.not_before;
        if (is_young && filter_matches(filter_, message->topic.view()) &&
            number_of(document) > position_of(message->topic.view()))
            page_.messages.push_back(std::move(message));
    }

    void read_page() {
        std::int64_t after = floor_;
        if (query_.after) {
            std::int64_t place = 0;
            const auto& token = query_.after->token;
            std::from_chars(token.data(), token.data() + token.size(), place);
            after = std::max(after, place);
        }
        // One more than asked for tells whether another page follows.
        const auto documents = ask({.collection = collections::messages,
                                    .filter = wanted(after),
                                    .sort = Document{}.integer("_id", 1),
                                    .limit = limit_ + 1});
        const auto count = std::min(documents.size(), limit_);
        for (std::size_t i = 0; i < count; ++i) take(documents[i]);
        if (documents.size() > limit_)
            page_.next = {std::to_string(number_of(documents[count - 1]))};
    }

    /// In the order of the bytes.
    std::vector<std::string> topics_with_messages() {
        if (!wildcard_)
            return {std::string{filter_}};
        auto reply = connection_.run(Document{}
                                         .text("distinct", collections::messages)
                                         .text("key", "topic")
                                         .child("query", wanted(floor_)),
                                     Connection::From::as_configured);
        if (auto* const failure = std::get_if<Failure>(&reply)) {
            failure_ = std::move(*failure);
            return {};
        }
        std::vector<std::string> topics;
        if (const auto values = find(std::get<std::string>(reply), "values"))
            for (const auto& value : fields_of(values->value))
                if (value.kind == Kind::text && filter_matches(filter_, value.value))
                    topics.emplace_back(value.value);
        std::ranges::sort(topics);
        return topics;
    }

    void read_newest() {
        const auto topics = topics_with_messages();
        auto topic = topics.begin();
        if (query_.after)
            topic = std::ranges::upper_bound(topics, query_.after->token);
        for (std::size_t visited = 0; topic != topics.end() && !failure_; ++topic, ++visited) {
            if (visited == limit_) {
                page_.next = {*std::prev(topic)};
                return;
            }
            const auto newest =
                ask({.collection = collections::messages,
                     .filter = Document{}
                                   .text("topic", *topic)
                                   .child("_id", Document{}.integer("$gt", position_of(*topic))),
                     .sort = Document{}.integer("_id", -1),
                     .limit = 1});
            for (const auto& document : newest) take(document);
        }
    }

    Connection& connection_;
    const FetchMessages& query_;
    std::string_view filter_;
    bool wildcard_;
    std::size_t limit_;
    std::int64_t floor_ = 0;                                 ///< position of (client, filter)
    std::map<std::string, std::int64_t, std::less<>> read_;  ///< positions of single topics
    MessagePage page_;
    std::optional<Failure> failure_;
};

}  // namespace

Document topics_like(std::string_view filter) {
    if (!has_wildcard(filter))
        return Document{}.text("$eq", filter);
    Document condition;
    auto range = sql::topics_that_begin_with(literal_prefix(filter));
    condition.text("$gte", range.first);
    if (!range.first.empty() && range.beyond)
        condition.text("$lt", *range.beyond);
    if (filter != "#" && filter.size() <= longest_pattern)
        condition.text("$regex", pattern_of(filter));
    return condition;
}

Answer answer(Connection& connection, const store::Query& query) {
    return std::visit(
        Overloaded{
            [&](const store::LookupSubscriptions& q) {
                return subscriptions(connection, q.client);
            },
            [&](const store::LookupRetained& q) { return retained(connection, q.filter); },
            [&](const FetchMessages& q) {
                return Fetch{connection, q}.run();
            },
        },
        query);
}

}  // namespace keepmq::mongo
