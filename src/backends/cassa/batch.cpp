#include "backends/cassa/batch.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/overloaded.hpp"
#include "model/topic.hpp"
#include "sql/columns.hpp"

namespace keepmq::cassa {
namespace {

using store::Failure;
using store::Op;

/// Messages of one topic go as one mutation, up to so many bytes.
constexpr std::size_t largest_group = std::size_t{1} << 20U;

std::string key_of(std::string_view first, std::string_view second) {
    return std::string{first}.append(1, '\0').append(second);
}

WallTime in_milliseconds(WallTime time) {
    return std::chrono::floor<std::chrono::milliseconds>(time);
}

/// Asks at once for all that the operations have to know, goes through them in order with what each
/// leaves behind for the next, and sends the writes that come of it at once. Their timestamps keep
/// the order.
class Batch {
  public:
    Batch(Session& session,
          const Translator& translator,
          std::span<const Op* const> ops,
          store::Attempt attempt,
          const Interrupt& interrupt)
        : session_{session},
          translator_{translator},
          ops_{ops},
          repeated_{attempt == store::Attempt::after_unknown_outcome},
          interrupt_{interrupt} {}

    std::optional<Failure> run() {
        if (auto failure = ask())
            return failure;
        for (std::size_t i = 0; i < ops_.size(); ++i)
            std::visit([&](const auto& op) { plan(i, op); }, *ops_[i]);
        return send();
    }

    [[nodiscard]] const std::map<std::size_t, Failure>& refused() const { return refused_; }

  private:
    enum class About : std::uint8_t { connected, position, retained, newest, stored };
    using Question = std::pair<About, std::string>;

    /// What is sent for which operations: one for each command, or one for all.
    struct Write {
        Request request;
        std::vector<std::size_t> ops;
        std::size_t wave = 0;
    };
    struct Group {
        std::size_t write;
        std::size_t bytes;
    };

    std::optional<Failure> ask();
    void ask(About about, std::string key, Command command);
    [[nodiscard]] const sql::Rows* known(About about, const std::string& key) const;
    [[nodiscard]] std::string first_cell(About about, const std::string& key) const;
    [[nodiscard]] bool is_stored(std::string_view topic, const MessageId& id) const;
    [[nodiscard]] std::string newest_of(const std::string& topic) const;
    [[nodiscard]] std::optional<std::string>& position(std::string_view client,
                                                       std::string_view filter);

    void ask_for(const store::ClientOffline& op);
    void ask_for(const store::StoreMessage& op);
    void ask_for(const store::StoreRetained& op);
    void ask_for(const store::DeleteRetained& op);
    void ask_for(const store::InitCursor& op);
    void ask_for(const store::AdvanceCursor& op);
    void ask_for(const auto& /*op*/) {}

    void plan(std::size_t i, const store::ClientOnline& op);
    void plan(std::size_t i, const store::ClientOffline& op);
    void plan(std::size_t i, const store::StoreMessage& op);
    void plan(std::size_t i, const store::StoreRetained& op);
    void plan(std::size_t i, const store::DeleteRetained& op);
    void plan(std::size_t i, const store::InitCursor& op);
    void plan(std::size_t i, const store::AdvanceCursor& op);
    void plan(std::size_t i, const store::DeleteCursor& op);
    void plan(std::size_t i, const store::RemoveMessage& op);
    void plan(std::size_t i, const store::Execute& op);
    void add(std::size_t i, Command command);
    void supersede(std::size_t i, std::string_view topic);

    std::optional<Failure> send();
    std::optional<Failure> send_wave(std::vector<Write*> writes);
    std::optional<Failure> judge(const Write& write, Failure failure, std::vector<Write>& again);

    Session& session_;
    const Translator& translator_;
    std::span<const Op* const> ops_;
    bool repeated_;
    const Interrupt& interrupt_;

    std::vector<Command> questions_;
    std::map<Question, std::size_t> asked_;
    std::vector<sql::Rows> answers_;

    // What the operations so far have changed.
    std::unordered_set<MessageId> stored_here_;
    std::unordered_map<std::string, MessageId> newest_here_;
    std::unordered_map<std::string, std::optional<std::string>> positions_;
    std::unordered_map<std::string, std::string> retained_;
    std::unordered_map<std::string, WallTime> connected_;

    std::vector<Write> writes_;
    std::unordered_map<std::string, Group> groups_;  ///< by topic: where a message can be added
    std::size_t wave_ = 0;
    std::map<std::size_t, Failure> refused_;
};

// --- questions ----------------------------------------------------------------------------------

void Batch::ask(About about, std::string key, Command command) {
    if (asked_.try_emplace({about, std::move(key)}, questions_.size()).second)
        questions_.push_back(std::move(command));
}

void Batch::ask_for(const store::ClientOffline& op) {
    ask(About::connected, op.client.str(), translator_.connected_of(op.client));
}

void Batch::ask_for(const store::StoreMessage& op) {
    const auto& message = *op.message;
    if (repeated_)
        ask(About::stored,
            key_of(message.topic.view(), message.id.to_string()),
            Translator::stored(message.topic.view(), message.id));
    stored_here_.insert(message.id);
}

void Batch::ask_for(const store::StoreRetained& op) {
    const auto& topic = op.message->topic;
    ask(About::retained, topic.str(), Translator::retained_id_of(topic.view()));
}

void Batch::ask_for(const store::DeleteRetained& op) {
    if (!translator_.layout().retained_body)
        ask(About::retained, op.topic.str(), Translator::retained_id_of(op.topic.view()));
}

void Batch::ask_for(const store::InitCursor& op) {
    const auto filter = op.filter.view();
    ask(About::position,
        key_of(op.client.view(), filter),
        translator_.position_of(op.client.view(), filter));
    if (op.from == store::FetchFrom::latest && !has_wildcard(filter))
        ask(About::newest, op.filter.str(), Translator::newest_of(filter));
}

void Batch::ask_for(const store::AdvanceCursor& op) {
    const auto topic = op.topic.view();
    ask(About::position,
        key_of(op.client.view(), topic),
        translator_.position_of(op.client.view(), topic));
    if (!stored_here_.contains(op.id))
        ask(About::stored, key_of(topic, op.id.to_string()), Translator::stored(topic, op.id));
}

std::optional<Failure> Batch::ask() {
    for (const auto* op : ops_) std::visit([&](const auto& one) { ask_for(one); }, *op);
    stored_here_.clear();
    auto answers = session_.run(std::move(questions_), interrupt_);
    for (auto& answer : answers) {
        if (auto* const failure = std::get_if<Failure>(&answer))
            return std::move(*failure);
        answers_.push_back(std::get<sql::Rows>(std::move(answer)));
    }
    return std::nullopt;
}

/// Null if there is no such row.
const sql::Rows* Batch::known(About about, const std::string& key) const {
    const auto found = asked_.find({about, key});
    if (found == asked_.end() || answers_[found->second].size() == 0)
        return nullptr;
    return &answers_[found->second];
}

std::string Batch::first_cell(About about, const std::string& key) const {
    const auto* const row = known(about, key);
    return row == nullptr ? std::string{} : std::string{row->bytes(0, 0)};
}

bool Batch::is_stored(std::string_view topic, const MessageId& id) const {
    return stored_here_.contains(id) ||
           (!asked_.empty() && known(About::stored, key_of(topic, id.to_string())) != nullptr);
}

std::string Batch::newest_of(const std::string& topic) const {
    auto newest = first_cell(About::newest, topic);
    if (const auto here = newest_here_.find(topic); here != newest_here_.end())
        newest = std::max(newest, here->second.to_string());
    return newest;
}

std::optional<std::string>& Batch::position(std::string_view client, std::string_view filter) {
    auto key = key_of(client, filter);
    const auto found = positions_.find(key);
    if (found != positions_.end())
        return found->second;
    const auto* const row = known(About::position, key);
    auto stored = row == nullptr ? std::nullopt : std::optional{std::string{row->bytes(0, 0)}};
    return positions_.emplace(std::move(key), std::move(stored)).first->second;
}

// --- writes -------------------------------------------------------------------------------------

void Batch::add(std::size_t i, Command command) {
    Write write{{}, {i}, wave_};
    write.request.commands.push_back(std::move(command));
    writes_.push_back(std::move(write));
}

void Batch::plan(std::size_t i, const store::ClientOnline& op) {
    connected_[op.client.str()] = in_milliseconds(op.at);
    add(i, translator_.online(op));
}

void Batch::plan(std::size_t i, const store::ClientOffline& op) {
    auto connected = connected_.find(op.client.str());
    if (connected == connected_.end()) {
        const auto stored = sql::parse_time(first_cell(About::connected, op.client.str()));
        connected = connected_.emplace(op.client.str(), stored.value_or(WallTime{})).first;
    }
    if (connected->second <= in_milliseconds(op.connected_at))
        add(i, translator_.offline(op));
}

void Batch::plan(std::size_t i, const store::StoreMessage& op) {
    const auto& message = *op.message;
    if (!is_stored(message.topic.view(), message.id)) {
        const auto bytes = message.payload.size() + message.topic.view().size();
        auto group = groups_.find(message.topic.str());
        if (group == groups_.end() || group->second.bytes + bytes > largest_group) {
            // One after the other, so that nobody sees a later message without an earlier one.
            const auto wave =
                group == groups_.end() ? wave_ : writes_[group->second.write].wave + 1;
            add(i, translator_.store_message(message, op.time_to_live));
            writes_.back().wave = wave;
            groups_[message.topic.str()] = {writes_.size() - 1, bytes};
        } else {
            auto& write = writes_[group->second.write];
            write.request.commands.push_back(translator_.store_message(message, op.time_to_live));
            write.ops.push_back(i);
            group->second.bytes += bytes;
        }
    }
    stored_here_.insert(message.id);
    auto& newest = newest_here_[message.topic.str()];
    newest = std::max(newest, message.id);
    if (op.keep == store::Keep::latest) {
        groups_.erase(message.topic.str());
        add(i, Translator::delete_older(message));
    }
}

/// EMQ X's table has the id only, and the message is one of msg, stored or not.
void Batch::supersede(std::size_t i, std::string_view topic) {
    const auto& id = retained_[std::string{topic}];
    if (translator_.layout().retained_body || id.empty())
        return;
    add(i, Translator::delete_superseded(topic, id));
    writes_.back().wave = wave_ + 1;
}

void Batch::plan(std::size_t i, const store::StoreRetained& op) {
    const auto& topic = op.message->topic;
    const auto id = op.message->id.to_string();
    const auto found =
        retained_.try_emplace(topic.str(), first_cell(About::retained, topic.str())).first;
    if (found->second > id)
        return;
    if (found->second != id)
        supersede(i, topic.view());
    found->second = id;
    for (auto& command : translator_.store_retained(op)) add(i, std::move(command));
}

void Batch::plan(std::size_t i, const store::DeleteRetained& op) {
    retained_.try_emplace(op.topic.str(), first_cell(About::retained, op.topic.str()));
    supersede(i, op.topic.view());
    retained_[op.topic.str()].clear();
    add(i, Translator::delete_retained(op.topic.view()));
}

/// A filter with wildcards starts at the time of the subscription: ids begin with their time, and
/// all that is published later has a greater one.
void Batch::plan(std::size_t i, const store::InitCursor& op) {
    auto& stored = position(op.client.view(), op.filter.view());
    if (stored)
        return;
    if (has_wildcard(op.filter.view()))
        stored =
            MessageId{static_cast<std::uint64_t>(op.at.time_since_epoch().count()), 0}.to_string();
    else if (op.from == store::FetchFrom::earliest)
        stored.emplace();
    else
        stored = newest_of(op.filter.str());
    add(i, translator_.set_position(op.client.view(), op.filter.view(), *stored));
}

void Batch::plan(std::size_t i, const store::AdvanceCursor& op) {
    if (!is_stored(op.topic.view(), op.id))
        return;
    const auto id = op.id.to_string();
    auto& stored = position(op.client.view(), op.topic.view());
    if (stored && *stored >= id)
        return;
    stored = id;
    add(i, translator_.set_position(op.client.view(), op.topic.view(), id));
}

void Batch::plan(std::size_t i, const store::DeleteCursor& op) {
    position(op.client.view(), op.filter.view()).reset();
    add(i, translator_.delete_position(op));
}

void Batch::plan(std::size_t i, const store::RemoveMessage& op) {
    groups_.erase(op.topic.str());
    add(i, Translator::remove_message(op));
}

/// Several plain writes are one batch. Anything else depends on what was before it: alone.
void Batch::plan(std::size_t i, const store::Execute& op) {
    std::vector<Command> commands;
    auto value = op.values.begin();
    bool plain = true;
    for (const auto& statement : op.statements->list) {
        Command command{join(statement), {}};
        for (std::size_t k = 0; k < statement.parameters() && value != op.values.end(); ++k)
            command.params.push_back(to_param(*value++));
        plain = plain && is_plain_write(command.cql);
        commands.push_back(std::move(command));
    }
    if (plain) {
        writes_.push_back({{std::move(commands), Author::user, true}, {i}, wave_});
        return;
    }
    groups_.clear();
    for (const auto& write : writes_) wave_ = std::max(wave_, write.wave);
    for (auto& command : commands) {
        add(i, std::move(command));
        writes_.back().request.author = Author::user;
        writes_.back().wave = ++wave_;
    }
    ++wave_;
}

// --- sending ------------------------------------------------------------------------------------

/// An error that concerns some operations alone refuses them; any other fails the batch.
std::optional<Failure> Batch::judge(const Write& write,
                                    Failure failure,
                                    std::vector<Write>& again) {
    if (!store::is_permanent(failure.code))
        return failure;
    if (write.ops.size() > 1) {
        // One message of the group is refused: each on its own.
        for (std::size_t k = 0; k < write.ops.size(); ++k)
            again.push_back(
                {{{write.request.commands[k]}, write.request.author}, {write.ops[k]}, write.wave});
        return std::nullopt;
    }
    if (const auto* const users = std::get_if<store::Execute>(ops_[write.ops.front()]))
        failure.text += " in: " + users->statements->list.front().source;
    refused_.try_emplace(write.ops.front(), std::move(failure));
    return std::nullopt;
}

std::optional<Failure> Batch::send_wave(std::vector<Write*> writes) {
    std::vector<Request> requests;
    requests.reserve(writes.size());
    for (auto* write : writes) requests.push_back(std::move(write->request));
    auto answers = session_.run(requests, interrupt_);
    for (std::size_t k = 0; k < writes.size(); ++k) writes[k]->request = std::move(requests[k]);
    std::vector<Write> again;
    for (std::size_t k = 0; k < answers.size(); ++k)
        if (auto* const failure = std::get_if<Failure>(&answers[k]))
            if (auto fatal = judge(*writes[k], std::move(*failure), again))
                return fatal;
    if (again.empty())
        return std::nullopt;
    std::vector<Write*> pointers;
    pointers.reserve(again.size());
    for (auto& write : again) pointers.push_back(&write);
    return send_wave(std::move(pointers));
}

std::optional<Failure> Batch::send() {
    std::map<std::size_t, std::vector<Write*>> waves;
    for (auto& write : writes_) waves[write.wave].push_back(&write);
    for (auto& [wave, writes] : waves) {
        // The rest of an operation that was refused.
        std::erase_if(writes, [&](const Write* write) {
            return write->ops.size() == 1 && refused_.contains(write->ops.front());
        });
        if (auto failure = send_wave(std::move(writes)))
            return failure;
    }
    return std::nullopt;
}

}  // namespace

std::optional<Failure> write_batch(Session& session,
                                   const Translator& translator,
                                   std::span<const Op* const> ops,
                                   store::Attempt attempt,
                                   const Interrupt& interrupt,
                                   std::vector<store::Connection::Refused>& refused) {
    Batch batch{session, translator, ops, attempt, interrupt};
    auto failure = batch.run();
    if (!failure)
        for (const auto& [index, why] : batch.refused()) refused.push_back({index, why});
    return failure;
}

}  // namespace keepmq::cassa
