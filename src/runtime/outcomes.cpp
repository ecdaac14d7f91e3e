// Outcomes of the pools on their way back to the broker.

#include <boost/asio/post.hpp>

#include "base/log.hpp"
#include "runtime/shard.hpp"

namespace keepmq::runtime {
namespace {

const Log log{"rules"};

bool is_durable(const store::Outcome& outcome) {
    return outcome.fate != store::Fate::refused;
}

}  // namespace

void Shard::completed(std::vector<store::Completed>&& batch) {
    if (outcomes_.put_all(std::move(batch)))
        boost::asio::post(loop_, [this] { take_outcomes(); });
}

void Shard::take_outcomes() {
    std::vector<store::Completed> batch;
    outcomes_.take(batch);
    now_ = read_clocks();
    for (auto& done : batch) {
        on_outcome(done);
        carry_out();
    }
    if (!paused_.empty())
        resume_paused();
    carry_out();
}

void Shard::on_outcome(store::Completed& done) {
    auto* wait = pending_.find(done.token);
    if (wait == nullptr)
        return;
    auto& outcome = done.outcome;
    if (auto* publish = std::get_if<PublishWait>(wait)) {
        one_done(done.token,
                 *publish,
                 is_durable(outcome) ? mqtt::ReasonCode::success
                                     : mqtt::ReasonCode::implementation_specific_error);
        return;
    }
    const Wait taken = std::move(*wait);
    pending_.erase(done.token);
    if (ask_successor(taken, outcome))
        return;
    if (const auto* subscribe = std::get_if<SubscribeWait>(&taken)) {
        broker_.on_subscribe_write(subscribe->fence, is_durable(outcome), now_);
    } else if (const auto* retained = std::get_if<RetainedWait>(&taken)) {
        auto* page = std::get_if<store::MessagePage>(&outcome.reply);
        broker_.on_retained_found(
            retained->fence, page ? std::move(page->messages) : std::vector<MessagePtr>{}, now_);
    } else if (const auto* fetch = std::get_if<FetchWait>(&taken)) {
        auto* page = std::get_if<store::MessagePage>(&outcome.reply);
        std::optional<std::string> next;
        if (page && page->next && !exchange_)
            next = std::move(page->next->token);
        if (const auto source = fetches_.find(static_cast<std::uint64_t>(fetch->fence));
            source != fetches_.end())
            source->second.asked = 0;
        if (page && exchange_)
            on_page(*fetch, *page);
        else if (page)
            broker_.on_fetched(fetch->fence, std::move(page->messages), std::move(next), now_);
        else
            broker_.on_fetch_failed(fetch->fence, now_);
    } else if (const auto* lookup = std::get_if<LookupWait>(&taken)) {
        on_lookup(lookup->client, outcome);
    }
}

void Shard::one_done(store::Token token, mqtt::ReasonCode reason) {
    auto* wait = pending_.find(token);
    if (auto* publish = wait == nullptr ? nullptr : std::get_if<PublishWait>(wait))
        one_done(token, *publish, reason);
}

void Shard::one_done(store::Token token, PublishWait& wait, mqtt::ReasonCode reason) {
    if (is_error(reason))
        wait.reason = reason;
    if (--wait.open > 0)
        return;
    if (const auto message = std::exchange(wait.deliver, nullptr);
        message && !is_error(wait.reason)) {
        // The place may move. NOLINTNEXTLINE(performance-unnecessary-copy-initialization)
        const PublishWait copy = wait;
        token = spread(message, copy, token);
        if (std::get<PublishWait>(*pending_.find(token)).open > 0)
            return;
    }
    const auto settled = std::get<PublishWait>(std::move(*pending_.find(token)));
    pending_.erase(token);
    conclude(settled);
}

void Shard::on_lookup(const ClientId& client, store::Outcome& outcome) {
    auto* rows = std::get_if<std::vector<store::StoredSubscription>>(&outcome.reply);
    if (rows == nullptr)
        return;
    std::vector<broker::Provisioned> subscriptions;
    for (auto& row : *rows) {
        if (row.filter.empty())
            continue;
        if (row.qos < 0 || row.qos > 2) {
            log.warn("stored subscription skipped client={} topic={} qos={}: not 0, 1 or 2",
                     escaped(client.view()),
                     escaped(row.filter.view()),
                     row.qos);
            continue;
        }
        subscriptions.push_back({std::move(row.filter), static_cast<Qos>(row.qos)});
    }
    broker_.subscribe_on_behalf(client, subscriptions, now_);
}

}  // namespace keepmq::runtime
