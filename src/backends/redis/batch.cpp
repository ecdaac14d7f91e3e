#include "backends/redis/batch.hpp"

#include <fmt/format.h>

#include <iterator>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "backends/redis/errors.hpp"
#include "backends/redis/translate.hpp"

namespace keepmq::redis {
namespace {

using store::errc;
using store::Failure;
using store::Op;

/// Three exchanges at most: what has to be known first, the writes, and what they make superfluous.
class Batch {
  public:
    Batch(Servers& servers, std::span<const Op* const> ops, store::Attempt attempt)
        : servers_{servers}, ops_{ops}, attempt_{attempt}, known_(ops.size()) {
        refusals_.resize(ops.size());
    }

    std::optional<Failure> run() {
        if (auto failure = ask())
            return failure;
        if (auto failure = write())
            return failure;
        return tidy_up();
    }

    std::vector<store::Connection::Refused> take_refused() {
        std::vector<store::Connection::Refused> all;
        for (std::size_t i = 0; i < refusals_.size(); ++i)
            if (refusals_[i])
                all.push_back({i, *std::move(refusals_[i])});
        return all;
    }

  private:
    std::optional<Failure> ask();
    std::optional<Failure> write();
    std::optional<Failure> tidy_up();
    [[nodiscard]] bool knows(std::size_t i) const;
    void remember(std::size_t i);
    [[nodiscard]] std::optional<Failure> judge(std::size_t i,
                                               std::size_t command,
                                               const Answer& answer);

    struct Slot {
        std::size_t op;
        std::size_t commands;
        bool lists_older;  ///< the last one is older_messages()
    };

    Servers& servers_;
    std::span<const Op* const> ops_;
    store::Attempt attempt_;
    std::vector<Known> known_;
    std::vector<std::optional<Failure>> refusals_;
    std::unordered_set<MessageId> stored_;  ///< by this batch, so far
    std::unordered_map<std::string_view, MessageId> newest_;
    Commands leftovers_;
};

/// An error that concerns this operation alone refuses it; any other fails the batch.
std::optional<Failure> Batch::judge(std::size_t i, std::size_t command, const Answer& answer) {
    if (!answer.is_error())
        return std::nullopt;
    auto failure = to_failure(answer);
    const auto* const users = std::get_if<store::Execute>(ops_[i]);
    // A command that this user may not run is the fault of the rule, not of the pool.
    if (users != nullptr && answer.text.starts_with("NOPERM"))
        failure.code = errc::bad_statement;
    if (!store::is_permanent(failure.code))
        return failure;
    if (users != nullptr)
        failure.text += fmt::format(" in: {}", users->statements->list[command].source);
    if (!refusals_[i])
        refusals_[i] = std::move(failure);
    return std::nullopt;
}

void Batch::remember(std::size_t i) {
    if (const auto* const store = std::get_if<store::StoreMessage>(ops_[i])) {
        stored_.insert(store->message->id);
        auto& newest = newest_[store->message->topic.view()];
        newest = std::max(newest, store->message->id);
    }
}

/// Whether this batch itself has the answer to the question of its operation.
bool Batch::knows(std::size_t i) const {
    const auto* const advance = std::get_if<store::AdvanceCursor>(ops_[i]);
    return advance != nullptr && stored_.contains(advance->id);
}

std::optional<Failure> Batch::ask() {
    Commands questions;
    std::vector<std::size_t> askers;
    for (std::size_t i = 0; i < ops_.size(); ++i) {
        if (auto asked = knows(i) ? std::nullopt : question(*ops_[i])) {
            questions.push_back(*std::move(asked));
            askers.push_back(i);
        }
        remember(i);
    }
    if (questions.empty())
        return std::nullopt;
    auto exchange = servers_.read(questions);
    if (auto* const failure = std::get_if<Failure>(&exchange))
        return std::move(*failure);
    const auto& answers = std::get<Answers>(exchange);
    for (std::size_t k = 0; k < askers.size(); ++k) {
        if (auto failure = judge(askers[k], 0, answers[k]))
            return failure;
        if (!answers[k].is_error())
            known_[askers[k]] = understand(*ops_[askers[k]], answers[k]);
    }
    return std::nullopt;
}

std::optional<Failure> Batch::write() {
    Commands commands;
    std::vector<Slot> slots;
    newest_.clear();
    for (std::size_t i = 0; i < ops_.size(); ++i) {
        if (refusals_[i])
            continue;
        if (const auto* const init = std::get_if<store::InitCursor>(ops_[i])) {
            const auto found = newest_.find(init->filter.view());
            if (found != newest_.end())
                known_[i].newest = std::max(known_[i].newest, found->second.to_string());
        }
        remember(i);
        auto translated = translate(*ops_[i], attempt_, known_[i]);
        const auto* const store = std::get_if<store::StoreMessage>(ops_[i]);
        const bool latest = store != nullptr && store->keep == store::Keep::latest;
        if (latest)
            translated.push_back(older_messages(*store));
        slots.push_back({i, translated.size(), latest});
        std::move(translated.begin(), translated.end(), std::back_inserter(commands));
    }
    if (commands.empty())
        return std::nullopt;
    auto exchange = servers_.write(commands);
    if (auto* const failure = std::get_if<Failure>(&exchange))
        return std::move(*failure);
    const auto& answers = std::get<Answers>(exchange);
    std::size_t at = 0;
    for (const auto& slot : slots) {
        for (std::size_t k = 0; k < slot.commands; ++k)
            if (auto failure = judge(slot.op, k, answers[at + k]))
                return failure;
        at += slot.commands;
        if (!slot.lists_older)
            continue;
        const auto& topic = std::get<store::StoreMessage>(*ops_[slot.op]).message->topic;
        for (const auto& id : answers[at - 1].list) {
            auto removal = remove_message(topic.view(), id.text);
            std::move(removal.begin(), removal.end(), std::back_inserter(leftovers_));
        }
    }
    return std::nullopt;
}

std::optional<Failure> Batch::tidy_up() {
    if (leftovers_.empty())
        return std::nullopt;
    auto exchange = servers_.write(leftovers_);
    if (auto* const failure = std::get_if<Failure>(&exchange))
        return std::move(*failure);
    for (const auto& answer : std::get<Answers>(exchange))
        if (answer.is_error() && !store::is_permanent(classify(answer.text)))
            return to_failure(answer);
    return std::nullopt;
}

}  // namespace

std::optional<Failure> write_batch(Servers& servers,
                                   std::span<const Op* const> ops,
                                   store::Attempt attempt,
                                   std::vector<store::Connection::Refused>& refused) {
    Batch batch{servers, ops, attempt};
    auto failure = batch.run();
    if (!failure)
        refused = batch.take_refused();
    return failure;
}

}  // namespace keepmq::redis
