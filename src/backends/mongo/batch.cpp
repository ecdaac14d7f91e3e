#include "backends/mongo/batch.hpp"

#include <algorithm>
#include <string>
#include <unordered_set>
#include <utility>

#include "backends/mongo/custom.hpp"
#include "backends/mongo/errors.hpp"
#include "backends/mongo/records.hpp"
#include "store/refusals.hpp"

namespace keepmq::mongo {
namespace {

using store::errc;
using store::Failure;
using store::PayloadForm;
using store::StoreMessage;

/// A list of so many texts is asked for at a time.
constexpr std::size_t most_asked = 1000;
/// Another program may use the counter's numbers, but not for ever.
constexpr int most_clashes = 10;

class BatchWriter {
  public:
    BatchWriter(Connection& connection, Numbers& numbers, Batch ops, store::Attempt attempt)
        : connection_{connection}, numbers_{numbers}, ops_{ops}, attempt_{attempt} {
        refusals_.resize(ops.size());
    }

    std::optional<Failure> run() {
        if (auto failure = ask())
            return failure;
        if (auto failure = insert_messages())
            return failure;
        for (auto writes : {removals(ops_, known_),
                            positions(ops_, known_),
                            retained(ops_, known_),
                            presence(ops_)})
            if (auto failure = write(std::move(writes)))
                return failure;
        return insert_custom();
    }

    std::vector<store::Connection::Refused> take_refused() { return store::refused_of(refusals_); }

  private:
    struct Insert {
        std::size_t op;
        PayloadForm form;
    };
    using Inserts = std::vector<Insert>;

    std::optional<Failure> ask();
    std::optional<Failure> look_up(std::span<const std::string> msgids);
    std::optional<Failure> look_up_newest(const Find& find, std::int64_t& newest);

    std::optional<Failure> insert_messages();
    std::optional<Failure> insert_round(Inserts& inserts, int& clashes);
    std::variant<std::optional<Refusal>, Failure> insert_until_refused(const Writes& writes);
    std::optional<Failure> tell_clash(Inserts& inserts, int& clashes);
    std::optional<Failure> give_way(Inserts& inserts, const Refusal& refusal);

    std::optional<Failure> insert_custom();
    std::optional<Failure> write(Writes writes);
    void refuse(const Write& write, const Failure& failure);

    [[nodiscard]] const StoreMessage& message_of(const Insert& insert) const {
        return std::get<StoreMessage>(*ops_[insert.op]);
    }
    [[nodiscard]] std::string msgid_of(const Insert& insert) const {
        return message_of(insert).message->id.to_string();
    }

    Connection& connection_;
    Numbers& numbers_;
    Batch ops_;
    store::Attempt attempt_;
    Known known_;
    std::vector<std::optional<Failure>> refusals_;
};

// --- what has to be known -----------------------------------------------------------------------

std::optional<Failure> BatchWriter::look_up(std::span<const std::string> msgids) {
    for (std::size_t at = 0; at < msgids.size(); at += most_asked) {
        auto found = connection_.find(
            find_ids(msgids.subspan(at, std::min(most_asked, msgids.size() - at))));
        if (auto* const failure = std::get_if<Failure>(&found))
            return std::move(*failure);
        for (const auto& document : std::get<std::vector<std::string>>(found))
            if (const auto msgid = find(document, "msgid"))
                known_.ids[std::string{msgid->value}] = number_of(document);
    }
    return std::nullopt;
}

std::optional<Failure> BatchWriter::look_up_newest(const Find& find, std::int64_t& newest) {
    auto found = newest_id(connection_, find);
    if (auto* const failure = std::get_if<Failure>(&found))
        return std::move(*failure);
    newest = std::get<std::int64_t>(found);
    return std::nullopt;
}

std::optional<Failure> BatchWriter::ask() {
    const auto asked = questions(ops_, attempt_);
    if (auto failure = look_up(asked.msgids))
        return failure;
    const std::span<const std::string> topics = asked.retained_topics;
    for (std::size_t at = 0; at < topics.size(); at += most_asked) {
        auto found = connection_.find(
            find_retained(topics.subspan(at, std::min(most_asked, topics.size() - at))));
        if (auto* const failure = std::get_if<Failure>(&found))
            return std::move(*failure);
        for (const auto& document : std::get<std::vector<std::string>>(found)) {
            const auto topic = find(document, "topic");
            const auto msgid = find(document, "msgid");
            if (topic && msgid)
                known_.retained[std::string{topic->value}] = msgid->value;
        }
    }
    for (const auto& topic : asked.newest_of)
        if (auto failure = look_up_newest(find_newest(topic), known_.newest[topic]))
            return failure;
    return asked.newest_of_all ? look_up_newest(find_newest_of_all(), known_.newest_of_all)
                               : std::nullopt;
}

// --- messages -----------------------------------------------------------------------------------

std::optional<Failure> BatchWriter::insert_messages() {
    Inserts inserts;
    std::unordered_set<MessageId> seen;
    for (std::size_t i = 0; i < ops_.size(); ++i) {
        const auto* const store = std::get_if<StoreMessage>(ops_[i]);
        if (store == nullptr || !seen.insert(store->message->id).second ||
            known_.ids.contains(store->message->id.to_string()))
            continue;
        inserts.push_back({i, store->form});
    }
    int clashes = 0;
    while (!inserts.empty())
        if (auto failure = insert_round(inserts, clashes))
            return failure;
    return std::nullopt;
}

/// Inserts up to the first message that is refused. What stands behind it comes in the next round,
/// under new numbers: the order of the numbers is that of the batch.
std::optional<Failure> BatchWriter::insert_round(Inserts& inserts, int& clashes) {
    // The counter moves just before the insert: what another broker inserts meanwhile has other
    // numbers, and nearly the same age.
    auto taken = numbers_.take(connection_, inserts.size());
    if (auto* const failure = std::get_if<Failure>(&taken))
        return std::move(*failure);
    const auto first = std::get<std::int64_t>(taken);
    Writes writes{std::string{collections::messages}, Sequence::ordered};
    for (std::size_t i = 0; i < inserts.size(); ++i)
        writes.list.push_back(
            {Write::Kind::insert,
             {},
             to_document(
                 message_of(inserts[i]), first + static_cast<std::int64_t>(i), inserts[i].form),
             {inserts[i].op}});
    auto refused = insert_until_refused(writes);
    if (auto* const failure = std::get_if<Failure>(&refused))
        return std::move(*failure);
    const auto& refusal = std::get<std::optional<Refusal>>(refused);
    const auto done = refusal ? refusal->index : inserts.size();
    for (std::size_t i = 0; i < done; ++i)
        known_.ids[msgid_of(inserts[i])] = first + static_cast<std::int64_t>(i);
    inserts.erase(inserts.begin(), inserts.begin() + static_cast<std::ptrdiff_t>(done));
    if (!refusal)
        return std::nullopt;
    return refusal->code == duplicate_key ? tell_clash(inserts, clashes)
                                          : give_way(inserts, *refusal);
}

std::variant<std::optional<Refusal>, Failure> BatchWriter::insert_until_refused(
    const Writes& writes) {
    auto written = connection_.write(writes);
    if (auto* const failure = std::get_if<Failure>(&written))
        return std::move(*failure);
    auto& refusals = std::get<std::vector<Refusal>>(written);
    if (refusals.empty())
        return std::nullopt;
    if (!store::is_permanent(refusals.front().failure.code))
        return std::move(refusals.front().failure);
    return std::move(refusals.front());
}

/// The first of these is there already, or another message has its number.
std::optional<Failure> BatchWriter::tell_clash(Inserts& inserts, int& clashes) {
    const std::vector<std::string> msgid{msgid_of(inserts.front())};
    if (auto failure = look_up(msgid))
        return failure;
    if (known_.ids.contains(msgid.front())) {
        inserts.erase(inserts.begin());
        return std::nullopt;
    }
    if (++clashes == most_clashes)
        return Failure{errc::busy, "another program takes the numbers of mqtt_counters"};
    return numbers_.skip_used(connection_);
}

/// A JSON payload that a document of this server cannot hold is kept as bytes.
std::optional<Failure> BatchWriter::give_way(Inserts& inserts, const Refusal& refusal) {
    auto& first = inserts.front();
    if (first.form == PayloadForm::document) {
        first.form = PayloadForm::bytes;
        return std::nullopt;
    }
    refusals_[first.op] = refusal.failure;
    inserts.erase(inserts.begin());
    return std::nullopt;
}

// --- everything else ----------------------------------------------------------------------------

void BatchWriter::refuse(const Write& write, const Failure& failure) {
    for (const auto op : write.ops)
        if (!refusals_[op])
            refusals_[op] = failure;
}

/// What stands behind a refused write of an ordered list has not been tried.
std::optional<Failure> BatchWriter::write(Writes writes) {
    while (!writes.list.empty()) {
        auto written = connection_.write(writes);
        if (auto* const failure = std::get_if<Failure>(&written))
            return std::move(*failure);
        const auto& refusals = std::get<std::vector<Refusal>>(written);
        std::size_t done = writes.list.size();
        for (const auto& one : refusals) {
            // Two brokers made the same document at the same moment: the second time it is there.
            const bool is_race =
                one.code == duplicate_key && writes.list[one.index].kind != Write::Kind::insert;
            if (is_race)
                return Failure{errc::busy, one.failure.text};
            if (!store::is_permanent(one.failure.code))
                return one.failure;
            refuse(writes.list[one.index], one.failure);
            if (writes.sequence == Sequence::ordered)
                done = one.index + 1;
        }
        writes.list.erase(writes.list.begin(),
                          writes.list.begin() + static_cast<std::ptrdiff_t>(done));
    }
    return std::nullopt;
}

std::optional<Failure> BatchWriter::insert_custom() {
    Writes writes{{}, Sequence::any};
    for (std::size_t i = 0; i < ops_.size(); ++i) {
        const auto* const execute = std::get_if<store::Execute>(ops_[i]);
        if (execute == nullptr)
            continue;
        std::span<const store::Value> values = execute->values;
        for (const auto& statement : execute->statements->list) {
            auto bound = bind_document(statement, values.first(statement.parameters()));
            values = values.subspan(statement.parameters());
            if (auto* const failure = std::get_if<Failure>(&bound)) {
                refusals_[i] = std::move(*failure);
                break;
            }
            auto& custom = std::get<CustomDocument>(bound);
            if (custom.collection != writes.collection) {
                if (auto failure = write(std::exchange(writes, {custom.collection, Sequence::any})))
                    return failure;
            }
            writes.list.push_back({Write::Kind::insert, {}, std::move(custom.document), {i}});
        }
    }
    return write(std::move(writes));
}

}  // namespace

std::optional<Failure> write_batch(Connection& connection,
                                   Numbers& numbers,
                                   Batch batch,
                                   store::Attempt attempt,
                                   std::vector<store::Connection::Refused>& refused) {
    BatchWriter writer{connection, numbers, batch, attempt};
    auto failure = writer.run();
    if (!failure)
        refused = writer.take_refused();
    return failure;
}

}  // namespace keepmq::mongo
