#include "backends/redis/tidier.hpp"

#include <algorithm>

#include "backends/redis/keys.hpp"
#include "backends/redis/translate.hpp"

namespace keepmq::redis {
namespace {

constexpr std::chrono::seconds pause{1};
constexpr std::string_view topics_each_time = "100";

/// The keys of these topics, asked for by `EXISTS`; the positions of those that are missing.
std::vector<std::string> missing(Servers& servers,
                                 const std::vector<std::string>& topics,
                                 std::string (*key_of)(std::string_view)) {
    Commands commands;
    for (const auto& topic : topics) commands.push_back({{"EXISTS", key_of(topic)}});
    auto exchange = servers.read(commands);
    std::vector<std::string> gone;
    const auto* const answers = std::get_if<Answers>(&exchange);
    if (answers == nullptr)
        return gone;
    for (std::size_t i = 0; i < topics.size(); ++i) {
        const auto& answer = (*answers)[i];
        if (answer.kind == Answer::Kind::integer && answer.integer == 0)
            gone.push_back(topics[i]);
    }
    return gone;
}

}  // namespace

Tidier::Tidier(Servers& servers)
    : servers_{servers},
      catalogues_{Catalogue{topics_key, index_key}, Catalogue{retained_topics_key, retained_key}} {}

void Tidier::work(std::chrono::steady_clock::time_point now) {
    if (now < next_)
        return;
    next_ = now + pause;
    for (auto& catalogue : catalogues_) look(catalogue);
}

void Tidier::look(Catalogue& catalogue) {
    auto exchange = servers_.read({{{"ZSCAN",
                                     std::string{catalogue.key},
                                     catalogue.cursor,
                                     "COUNT",
                                     std::string{topics_each_time}}}});
    const auto* const answers = std::get_if<Answers>(&exchange);
    if (answers == nullptr || answers->front().list.size() != 2)
        return;
    const auto& found = answers->front().list;
    catalogue.cursor = found[0].text;
    std::vector<std::string> topics;
    for (std::size_t i = 0; i < found[1].list.size(); i += 2)
        topics.push_back(found[1].list[i].text);
    if (topics.empty())
        return;
    const auto gone = missing(servers_, topics, catalogue.key_of);
    if (!gone.empty())
        forget(catalogue, gone);
}

void Tidier::forget(const Catalogue& catalogue, const std::vector<std::string>& topics) {
    Commands commands;
    for (const auto& topic : topics) {
        if (servers_.has_one_keyspace())
            commands.push_back(forget_topic(catalogue.key_of(topic), catalogue.key, topic));
        else
            commands.push_back({{"ZREM", std::string{catalogue.key}, topic}, Wave::catalogue});
    }
    if (!std::holds_alternative<Answers>(servers_.write(commands)) || servers_.has_one_keyspace())
        return;
    const auto still_gone = missing(servers_, topics, catalogue.key_of);
    Commands back;
    for (const auto& topic : topics)
        if (std::find(still_gone.begin(), still_gone.end(), topic) == still_gone.end())
            back.push_back({{"ZADD", std::string{catalogue.key}, "0", topic}, Wave::catalogue});
    if (!back.empty())
        static_cast<void>(servers_.write(back));
}

}  // namespace keepmq::redis
