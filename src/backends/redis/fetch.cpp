#include "backends/redis/fetch.hpp"

#include <algorithm>
#include <utility>

#include "backends/redis/catalogue.hpp"
#include "backends/redis/errors.hpp"
#include "backends/redis/keys.hpp"
#include "backends/redis/records.hpp"
#include "base/log.hpp"
#include "base/overloaded.hpp"
#include "model/topic.hpp"

namespace keepmq::redis {
namespace {

using store::Failure;
using store::FetchMessages;
using store::FetchMode;
using store::MessagePage;
using store::Reply;
using Result = std::variant<Reply, Failure>;

const Log log{"redis"};

constexpr int most_rounds = 100;

Command hash_of(std::string key) {
    return {{"HGETALL", std::move(key)}};
}

Result subscriptions(Servers& servers, const ClientId& client) {
    auto exchange = servers.read({hash_of(subscriptions_key(client))});
    if (auto* const failure = std::get_if<Failure>(&exchange))
        return std::move(*failure);
    const auto& found = std::get<Answers>(exchange).front();
    if (found.is_error())
        return to_failure(found);
    std::vector<store::StoredSubscription> out;
    for (std::size_t i = 0; i + 1 < found.list.size(); i += 2)
        if (!found.list[i].text.empty())
            out.push_back({TopicFilter{found.list[i].text}, parse_qos(found.list[i + 1].text)});
    return Reply{std::move(out)};
}

Result retained(Servers& servers, const TopicFilter& filter) {
    std::vector<std::string> topics{filter.str()};
    if (has_wildcard(filter.view())) {
        auto found = matching_topics(servers, retained_topics_key, filter.view());
        if (auto* const failure = std::get_if<Failure>(&found))
            return std::move(*failure);
        topics = std::get<std::vector<std::string>>(std::move(found));
    }
    Commands commands;
    for (const auto& topic : topics) commands.push_back(hash_of(retained_key(topic)));
    auto exchange = read_all(servers, std::move(commands));
    if (auto* const failure = std::get_if<Failure>(&exchange))
        return std::move(*failure);
    const auto& answers = std::get<Answers>(exchange);
    if (auto failure = failure_in(answers))
        return *std::move(failure);
    MessagePage page;
    for (std::size_t i = 0; i < answers.size(); ++i) {
        if (auto message = parse_message(answers[i], {}))
            page.messages.push_back(std::move(message));
        else if (answers[i].is_error() || !answers[i].list.empty())
            log.warn("no retained message in key={} {}",
                     escaped(retained_key(topics[i])),
                     escaped(answers[i].text));
    }
    return Reply{std::move(page)};
}

/// One page of stored messages. Positions and places are ids as text: their order is that of the
/// index.
class Fetch {
  public:
    Fetch(Servers& servers, PageCache& cache, const FetchMessages& query)
        : servers_{servers},
          cache_{cache},
          query_{query},
          limit_{std::max<std::size_t>(query.limit, 1)},
          wildcard_{has_wildcard(query.filter.view())} {}

    Result run() {
        // The newest of a topic may have expired; then the one before it is the newest.
        for (int round = 0; find_places() && !read_messages() && round < most_rounds; ++round) {
            page_ = {};
            merge_.reset();
        }
        if (failure_)
            return *std::move(failure_);
        if (page_.next && wildcard_ && merge_)
            cache_.put(cache_key(page_.next->token), *std::move(merge_));
        return Reply{std::move(page_)};
    }

  private:
    [[nodiscard]] std::string cache_key(const std::string& place) const {
        std::string key = query_.client.str();
        for (const auto* part : {&query_.filter.str(), &place}) (key += '\0') += *part;
        return key += static_cast<char>('0' + static_cast<int>(query_.mode));
    }

    /// False after a failure.
    bool note(std::optional<Failure> failure) {
        failure_ = std::move(failure);
        return !failure_;
    }

    /// Nothing after a failure.
    std::optional<Answers> ask(Commands commands) {
        auto exchange = read_all(servers_, std::move(commands));
        if (auto* const failure = std::get_if<Failure>(&exchange))
            failure_ = std::move(*failure);
        else
            failure_ = failure_in(std::get<Answers>(exchange));
        if (failure_)
            return std::nullopt;
        return std::get<Answers>(std::move(exchange));
    }

    bool find_places() {
        // The first look at this page; after that what the cache had is of no use.
        if (!std::exchange(looked_, true) && query_.after && wildcard_)
            merge_ = cache_.take(cache_key(query_.after->token));
        const bool cached = merge_.has_value();
        if (!merge_ && !start_merge())
            return false;
        auto taken = merge_->take(servers_, limit_);
        if (auto* const failure = std::get_if<Failure>(&taken))
            return note(std::move(*failure));
        places_ = std::get<std::vector<Place>>(std::move(taken));
        if (!merge_->at_end())
            page_.next = store::Position{places_.back().id};
        else if (cached)
            // What was stored since the merge began is not in it.
            page_.next = places_.empty() ? *query_.after : store::Position{places_.back().id};
        if (merge_->at_end())
            merge_.reset();
        return true;
    }

    bool start_merge() {
        auto sources = find_sources();
        if (!sources)
            return false;
        merge_.emplace(query_.mode == FetchMode::latest, limit_);
        return note(merge_->start(servers_, *std::move(sources)));
    }

    /// The topics, and beyond which id each is read: the last page's place, the position of the
    /// filter and that of the topic, whichever is the furthest. Nothing after a failure.
    std::optional<std::vector<Merge::Source>> find_sources() {
        std::vector<std::string> topics{query_.filter.str()};
        if (wildcard_) {
            auto found = matching_topics(servers_, topics_key, query_.filter.view());
            if (auto* const failure = std::get_if<Failure>(&found)) {
                failure_ = std::move(*failure);
                return std::nullopt;
            }
            topics = std::get<std::vector<std::string>>(std::move(found));
        }
        const auto place = query_.after ? query_.after->token : std::string{};
        std::vector<Merge::Source> sources;
        sources.reserve(topics.size());
        for (auto& topic : topics) sources.push_back({std::move(topic), place});
        if (query_.mode != FetchMode::queue && !heed_positions(sources))
            return std::nullopt;
        return sources;
    }

    bool heed_positions(std::vector<Merge::Source>& sources) {
        Commands commands;
        for (const auto& source : sources)
            commands.push_back({{"GET", position_key(query_.client, source.topic)}});
        commands.push_back({{"GET", position_key(query_.client, query_.filter.view())}});
        const auto answers = ask(std::move(commands));
        if (!answers)
            return false;
        const auto advance = [](std::string& after, const Answer& position) {
            if (position.kind == Answer::Kind::text)
                after = std::max(after, position.text);
        };
        for (std::size_t i = 0; i < sources.size(); ++i) {
            advance(sources[i].after, (*answers)[i]);
            advance(sources[i].after, answers->back());
        }
        return true;
    }

    /// False if the search has to be made again.
    bool read_messages() {
        Commands commands;
        for (const auto& place : places_) commands.push_back(hash_of(message_key(place.id)));
        const auto answers = ask(std::move(commands));
        if (!answers)
            return true;
        Commands expired;
        std::size_t unreadable = 0;
        for (std::size_t i = 0; i < places_.size(); ++i) {
            const auto& hash = (*answers)[i];
            if (auto message = parse_message(hash, places_[i].id))
                take(std::move(message));
            else if (!hash.is_error() && hash.list.empty())
                expired.push_back({{"ZREM", index_key(places_[i].topic), places_[i].id}});
            else if (unreadable++ == 0)
                log.warn("no message of ours in key={} {}",
                         escaped(message_key(places_[i].id)),
                         escaped(hash.text));
        }
        if (unreadable > 1)
            log.warn("no message of ours in {} keys of one page", unreadable);
        // Ids are never used again, so this meets nobody. If it fails, the next fetch does it.
        return expired.empty() || !std::holds_alternative<Answers>(read_all(servers_, expired)) ||
               query_.mode != FetchMode::latest;
    }

    void take(MessagePtr message) {
        if (query_.not_before && message->at < *query_.not_before)
            return;
        page_.messages.push_back(std::move(message));
    }

    Servers& servers_;
    PageCache& cache_;
    const FetchMessages& query_;
    std::size_t limit_;
    bool wildcard_;
    bool looked_ = false;
    std::optional<Merge> merge_;
    std::vector<Place> places_;
    MessagePage page_;
    std::optional<Failure> failure_;
};

}  // namespace

Result answer(Servers& servers, PageCache& cache, const store::Query& query) {
    return std::visit(
        Overloaded{
            [&](const store::LookupSubscriptions& q) { return subscriptions(servers, q.client); },
            [&](const store::LookupRetained& q) { return retained(servers, q.filter); },
            [&](const FetchMessages& q) {
                return Fetch{servers, cache, q}.run();
            },
        },
        query);
}

}  // namespace keepmq::redis
