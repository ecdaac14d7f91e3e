#include "backends/redis/batch.hpp"

#include <fmt/format.h>

#include <iterator>
#include <map>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "backends/redis/errors.hpp"
#include "backends/redis/translate.hpp"
#include "store/refusals.hpp"

namespace keepmq::redis {
namespace {

using store::errc;
using store::Failure;
using store::Op;

/// Three exchanges at most: what has to be known first, the writes, and what they make superfluous.
/// What leads to the messages of a topic is written once for all that stand together.
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

    std::vector<store::Connection::Refused> take_refused() { return store::refused_of(refusals_); }

  private:
    std::optional<Failure> ask();
    std::optional<Failure> write();
    std::optional<Failure> tidy_up();
    [[nodiscard]] bool knows(std::size_t i) const;
    void remember(std::size_t i);
    [[nodiscard]] std::optional<Failure> judge(std::size_t i,
                                               std::size_t command,
                                               const Answer& answer);

    using Places = std::vector<std::size_t>;  ///< in the batch
    struct Unlisted {
        Listing listing;
        Places ops;
    };
    /// By topic: messages that are in the commands, without their indexes.
    using UnlistedTopics = std::map<std::string_view, Unlisted>;

    /// Commands that stand together; all of them belong to each of the operations.
    struct Slot {
        std::size_t commands;
        std::size_t ops;           ///< so many of owners_
        bool lists_older = false;  ///< the last one is older_messages()
    };

    void add(std::size_t i);
    void add_slot(std::size_t first_command, std::span<const std::size_t> ops);
    void list_later(std::size_t i, const store::StoreMessage& op);
    void list_before(const Op& op);
    void list(const UnlistedTopics& topics);
    void leave_over(const Op& op, const Answer& older);

    Servers& servers_;
    std::span<const Op* const> ops_;
    store::Attempt attempt_;
    std::vector<Known> known_;
    std::vector<std::optional<Failure>> refusals_;
    std::unordered_set<MessageId> stored_;  ///< by this batch, so far
    std::unordered_map<std::string_view, MessageId> newest_;
    Commands commands_;
    std::vector<Slot> slots_;
    Places owners_;  ///< of the slots, one after the other
    UnlistedTopics unlisted_;
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

void Batch::add_slot(std::size_t first_command, std::span<const std::size_t> ops) {
    slots_.push_back({commands_.size() - first_command, ops.size()});
    owners_.insert(owners_.end(), ops.begin(), ops.end());
}

void Batch::list_later(std::size_t i, const store::StoreMessage& op) {
    const auto topic = op.message->topic.view();
    auto& [listing, ops] = unlisted_[topic];
    listing.topic = topic;
    listing.ids.push_back(op.message->id.to_string());
    listing.time_to_live = op.time_to_live;
    ops.push_back(i);
}

void Batch::list(const UnlistedTopics& topics) {
    if (topics.empty())
        return;
    std::vector<std::string_view> names;
    Places all;
    for (const auto& [topic, unlisted] : topics) {
        const auto first = commands_.size();
        write_index(unlisted.listing, commands_);
        add_slot(first, unlisted.ops);
        names.push_back(topic);
        all.insert(all.end(), unlisted.ops.begin(), unlisted.ops.end());
    }
    commands_.push_back(catalogue_of(names));
    add_slot(commands_.size() - 1, all);
}

/// What reads an index, or takes something out of it, comes after what stands before it.
void Batch::list_before(const Op& op) {
    const auto* const removal = std::get_if<store::RemoveMessage>(&op);
    const auto* const store = std::get_if<store::StoreMessage>(&op);
    if (removal != nullptr || store != nullptr) {
        UnlistedTopics one;
        one.insert(unlisted_.extract(removal != nullptr ? removal->topic.view()
                                                        : store->message->topic.view()));
        list(one);
    } else if (std::holds_alternative<store::Execute>(op)) {
        list(std::exchange(unlisted_, {}));
    }
}

void Batch::add(std::size_t i) {
    const auto& op = *ops_[i];
    const auto* const store = std::get_if<store::StoreMessage>(&op);
    if (store != nullptr && store->keep == store::Keep::all) {
        const auto first = commands_.size();
        write_content(*store, attempt_, commands_);
        add_slot(first, {&i, 1});
        return list_later(i, *store);
    }
    list_before(op);
    const auto first = commands_.size();
    auto translated = translate(op, attempt_, known_[i]);
    std::move(translated.begin(), translated.end(), std::back_inserter(commands_));
    if (store != nullptr)
        commands_.push_back(older_messages(*store));
    add_slot(first, {&i, 1});
    slots_.back().lists_older = store != nullptr;
}

void Batch::leave_over(const Op& op, const Answer& older) {
    const auto& topic = std::get<store::StoreMessage>(op).message->topic;
    for (const auto& id : older.list) {
        auto removal = remove_message(topic.view(), id.text);
        std::move(removal.begin(), removal.end(), std::back_inserter(leftovers_));
    }
}

std::optional<Failure> Batch::write() {
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
        add(i);
    }
    list(unlisted_);
    if (commands_.empty())
        return std::nullopt;
    auto exchange = servers_.write(commands_);
    if (auto* const failure = std::get_if<Failure>(&exchange))
        return std::move(*failure);
    std::span<const Answer> answers = std::get<Answers>(exchange);
    std::span<const std::size_t> owners = owners_;
    for (const auto& slot : slots_) {
        for (const auto op : owners.first(slot.ops))
            for (std::size_t k = 0; k < slot.commands; ++k)
                if (auto failure = judge(op, k, answers[k]))
                    return failure;
        if (slot.lists_older)
            leave_over(*ops_[owners.front()], answers[slot.commands - 1]);
        owners = owners.subspan(slot.ops);
        answers = answers.subspan(slot.commands);
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
