#include "backends/cassa/fetch.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "base/overloaded.hpp"
#include "model/topic.hpp"
#include "sql/columns.hpp"

namespace keepmq::cassa {
namespace {

using store::Failure;
using store::FetchMessages;
using store::FetchMode;
using store::MessagePage;
using store::Reply;
using Result = std::variant<Reply, Failure>;
using Pages = std::variant<std::vector<sql::Rows>, Failure>;

const Log log{"cassa"};

/// Topics looked at for one page, and how many of them at once.
constexpr std::size_t window = 1000;
constexpr std::size_t most_at_once = 64;
/// Beyond every message id.
constexpr std::string_view beyond = "~";

/// All rows of all commands; or the first failure.
Pages ask(Session& session, std::vector<Command> commands, const Interrupt& interrupt) {
    std::vector<sql::Rows> out;
    for (auto& answer : session.run(std::move(commands), interrupt)) {
        if (auto* const failure = std::get_if<Failure>(&answer))
            return std::move(*failure);
        out.push_back(std::get<sql::Rows>(std::move(answer)));
    }
    return out;
}

/// Columns as Translator says. Null if the id is none of ours.
std::shared_ptr<Message> to_message(const sql::Rows& rows,
                                    std::size_t row,
                                    std::optional<std::size_t> properties) {
    const auto id = MessageId::parse(rows.bytes(row, 1));
    if (!id) {
        log.warn("no message id of ours msgid={} topic={}",
                 escaped(rows.bytes(row, 1)),
                 escaped(rows.bytes(row, 0)));
        return nullptr;
    }
    auto message = std::make_shared<Message>();
    message->id = *id;
    message->topic = TopicName{rows.bytes(row, 0)};
    message->sender = ClientId{rows.bytes(row, 2)};
    message->qos = static_cast<Qos>(std::clamp<std::int64_t>(rows.integer(row, 3), 0, 2));
    message->payload = rows.bytes(row, 4);
    message->at = sql::parse_time(rows.bytes(row, 5)).value_or(id->time());
    message->stored = true;
    if (properties && !rows.is_null(row, *properties))
        message->properties = sql::parse_properties(rows.bytes(row, *properties));
    return message;
}

Result subscriptions(Session& session,
                     const Translator& translator,
                     const ClientId& client,
                     const Interrupt& interrupt) {
    auto answer = session.run(translator.subscriptions_of(client), interrupt);
    if (auto* const failure = std::get_if<Failure>(&answer))
        return std::move(*failure);
    const auto& rows = std::get<sql::Rows>(answer);
    std::vector<store::StoredSubscription> out;
    for (std::size_t row = 0; row < rows.size(); ++row)
        out.push_back({TopicFilter{rows.bytes(row, 0)}, rows.integer(row, 1)});
    return Reply{std::move(out)};
}

/// Columns of msg after those of every message.
constexpr std::size_t retain_column = 6;
std::optional<std::size_t> properties_of_messages(const Layout& layout) {
    return layout.message_properties ? std::optional<std::size_t>{7} : std::nullopt;
}

class Retained {
  public:
    Retained(Session& session, const Translator& translator, const Interrupt& interrupt)
        : session_{session}, translator_{translator}, interrupt_{interrupt} {}

    Result run(const TopicFilter& filter) {
        std::vector<std::string> topics{filter.str()};
        if (has_wildcard(filter.view())) {
            auto answer = session_.run(Translator::retained_topics(), interrupt_);
            if (auto* const failure = std::get_if<Failure>(&answer))
                return std::move(*failure);
            topics = matching(std::get<sql::Rows>(answer), filter.view());
        }
        std::vector<Command> commands;
        commands.reserve(topics.size());
        for (const auto& topic : topics) commands.push_back(translator_.retained(topic));
        auto found = ask(session_, std::move(commands), interrupt_);
        if (!std::holds_alternative<Failure>(found) && !translator_.layout().retained_body)
            found = bodies(std::get<std::vector<sql::Rows>>(found));
        if (auto* const failure = std::get_if<Failure>(&found))
            return std::move(*failure);
        return to_page(std::get<std::vector<sql::Rows>>(found));
    }

  private:
    static std::vector<std::string> matching(const sql::Rows& rows, std::string_view filter) {
        std::vector<std::string> out;
        for (std::size_t row = 0; row < rows.size(); ++row)
            if (filter_matches(filter, rows.bytes(row, 0)))
                out.emplace_back(rows.bytes(row, 0));
        return out;
    }

    Pages bodies(const std::vector<sql::Rows>& found) {
        std::vector<Command> commands;
        for (const auto& rows : found)
            if (rows.size() > 0)
                commands.push_back(
                    translator_.message(rows.bytes(0, 0), std::string{rows.bytes(0, 1)}));
        return ask(session_, std::move(commands), interrupt_);
    }

    [[nodiscard]] Reply to_page(const std::vector<sql::Rows>& found) const {
        const auto& layout = translator_.layout();
        const auto properties = !layout.retained_body        ? properties_of_messages(layout)
                                : layout.retained_properties ? std::optional<std::size_t>{6}
                                                             : std::nullopt;
        MessagePage page;
        for (const auto& rows : found) {
            if (rows.size() == 0)
                continue;
            if (auto message = to_message(rows, 0, properties)) {
                message->retain = true;
                page.messages.push_back(std::move(message));
            }
        }
        return page;
    }

    Session& session_;
    const Translator& translator_;
    const Interrupt& interrupt_;
};

/// One page of stored messages.
class Fetch {
  public:
    Fetch(Session& session,
          const Translator& translator,
          const FetchMessages& query,
          const Interrupt& interrupt)
        : session_{session},
          translator_{translator},
          query_{query},
          interrupt_{interrupt},
          limit_{std::max<std::size_t>(query.limit, 1)},
          wildcard_{has_wildcard(query.filter.view())} {
        // A message's id is as old as its arrival, up to the order of ids.
        if (query.not_before) {
            const auto micros = (*query.not_before - std::chrono::minutes{1}).time_since_epoch();
            if (micros.count() > 0)
                oldest_ = MessageId{static_cast<std::uint64_t>(micros.count()), 0}.to_string();
        }
    }

    Result run() {
        if (!wildcard_ && query_.mode != FetchMode::latest) {
            read_one_topic();
        } else if (find_sources()) {
            for (std::size_t at = 0; at < sources_.size() && !failure_ && !is_full_;
                 at += most_at_once)
                read(std::span{sources_}.subspan(at, std::min(most_at_once, sources_.size() - at)));
        }
        if (failure_)
            return *std::move(failure_);
        // Not the order of the store across topics, but as near to it as one page can be.
        std::ranges::stable_sort(page_.messages, {}, [](const MessagePtr& one) { return one->id; });
        return Reply{std::move(page_)};
    }

  private:
    struct Source {
        std::string topic;
        std::string after;
        std::string last;  ///< of what goes into this page; empty: nothing
    };

    /// Nothing after a failure.
    std::optional<std::vector<sql::Rows>> ask(std::vector<Command> commands) {
        auto found = cassa::ask(session_, std::move(commands), interrupt_);
        if (auto* const failure = std::get_if<Failure>(&found)) {
            failure_ = std::move(*failure);
            return std::nullopt;
        }
        return std::get<std::vector<sql::Rows>>(std::move(found));
    }

    bool find_sources();
    void read_one_topic();
    bool heed_positions(std::span<Source> sources);
    bool choose(std::span<Source> sources);
    void read(std::span<Source> sources);
    void take(const sql::Rows& rows);

    Session& session_;
    const Translator& translator_;
    const FetchMessages& query_;
    const Interrupt& interrupt_;
    std::size_t limit_;
    bool wildcard_;
    std::string oldest_;
    std::string position_of_filter_;
    std::vector<Source> sources_;
    std::size_t chosen_ = 0;
    bool is_full_ = false;
    MessagePage page_;
    std::optional<Failure> failure_;
};

/// Positions are `id` for one topic, `topic NUL id` for a filter with wildcards.
bool Fetch::find_sources() {
    if (!wildcard_) {
        sources_.push_back({query_.filter.str(), query_.after ? query_.after->token : oldest_, {}});
        return true;
    }
    std::optional<std::string> from;
    std::string place;
    if (query_.after) {
        const auto& token = query_.after->token;
        const auto zero = token.find('\0');
        from = token.substr(0, zero);
        place = zero == std::string::npos ? std::string{} : token.substr(zero + 1);
    }
    const auto found = ask({Translator::topics(from, window)});
    if (!found)
        return false;
    const auto& rows = found->front();
    std::size_t first = 0;
    if (from) {
        if (place != beyond)
            sources_.push_back({*from, place, {}});
        while (first < rows.size() && rows.bytes(first, 0) != *from) ++first;
        first = first == rows.size() ? 0 : first + 1;
    }
    for (std::size_t row = first; row < rows.size(); ++row)
        if (filter_matches(query_.filter.view(), rows.bytes(row, 0)))
            sources_.push_back({std::string{rows.bytes(row, 0)}, oldest_, {}});
    if (rows.size() == window)
        page_.next = store::Position{
            std::string{rows.bytes(rows.size() - 1, 0)}.append(1, '\0').append(beyond)};
    if (query_.mode == FetchMode::queue)
        return true;
    const auto position =
        ask({translator_.position_of(query_.client.view(), query_.filter.view())});
    if (position && position->front().size() > 0)
        position_of_filter_ = position->front().bytes(0, 0);
    return position.has_value();
}

void Fetch::read_one_topic() {
    std::array<Source, 1> source{
        {{query_.filter.str(), query_.after ? query_.after->token : oldest_, {}}}};
    if (!heed_positions(source))
        return;
    const auto found = ask({translator_.oldest_messages(source[0].topic, source[0].after, limit_)});
    if (!found)
        return;
    const auto& rows = found->front();
    take(rows);
    if (rows.size() == limit_)
        page_.next = store::Position{std::string{rows.bytes(rows.size() - 1, 1)}};
}

bool Fetch::heed_positions(std::span<Source> sources) {
    if (query_.mode == FetchMode::queue)
        return true;
    std::vector<Command> commands;
    for (const auto& source : sources)
        commands.push_back(translator_.position_of(query_.client.view(), source.topic));
    const auto found = ask(std::move(commands));
    for (std::size_t i = 0; found && i < sources.size(); ++i) {
        auto& after = sources[i].after;
        after = std::max(after, position_of_filter_);
        if ((*found)[i].size() > 0)
            after = std::max(after, std::string{(*found)[i].bytes(0, 0)});
    }
    return found.has_value();
}

/// Which messages of which topics the page has room for.
bool Fetch::choose(std::span<Source> sources) {
    std::vector<Command> commands;
    const bool latest = query_.mode == FetchMode::latest;
    for (const auto& source : sources)
        commands.push_back(latest ? Translator::newest_of(source.topic)
                                  : Translator::ids(source.topic, source.after, limit_ - chosen_));
    const auto found = ask(std::move(commands));
    if (!found)
        return false;
    for (std::size_t i = 0; i < sources.size() && !is_full_; ++i) {
        const auto& rows = (*found)[i];
        auto& source = sources[i];
        const auto count = std::min(rows.size(), limit_ - chosen_);
        if (count == 0 || rows.bytes(count - 1, 0) <= source.after)
            continue;
        source.last = rows.bytes(count - 1, 0);
        chosen_ += count;
        is_full_ = chosen_ == limit_;
        if (is_full_)
            page_.next =
                wildcard_
                    ? store::Position{std::string{source.topic}.append(1, '\0').append(source.last)}
                    : store::Position{source.last};
    }
    return true;
}

void Fetch::read(std::span<Source> sources) {
    if (!heed_positions(sources) || !choose(sources))
        return;
    std::vector<Command> commands;
    for (const auto& source : sources)
        if (!source.last.empty())
            commands.push_back(query_.mode == FetchMode::latest
                                   ? translator_.message(source.topic, source.last)
                                   : translator_.messages(source.topic, source.after, source.last));
    const auto found = ask(std::move(commands));
    for (std::size_t i = 0; found && i < found->size(); ++i) take((*found)[i]);
}

void Fetch::take(const sql::Rows& rows) {
    const auto& layout = translator_.layout();
    for (std::size_t row = 0; row < rows.size(); ++row) {
        auto message = to_message(rows, row, properties_of_messages(layout));
        if (!message || (query_.not_before && message->at < *query_.not_before))
            continue;
        message->retain = rows.integer(row, retain_column) != 0;
        // Such a row of EMQ X's tables is there because the message was retained, not to be
        // replayed.
        if (!layout.retained_body && message->retain && message->qos == Qos::at_most_once)
            continue;
        page_.messages.push_back(std::move(message));
    }
}

}  // namespace

Result answer(Session& session,
              const Translator& translator,
              const store::Query& query,
              const Interrupt& interrupt) {
    return std::visit(Overloaded{
                          [&](const store::LookupSubscriptions& q) {
                              return subscriptions(session, translator, q.client, interrupt);
                          },
                          [&](const store::LookupRetained& q) {
                              return Retained{session, translator, interrupt}.run(q.filter);
                          },
                          [&](const FetchMessages& q) {
                              return Fetch{session, translator, q, interrupt}.run();
                          },
                      },
                      query);
}

}  // namespace keepmq::cassa
