#include "backends/mongo/translate.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "backends/mongo/records.hpp"
#include "model/topic.hpp"
#include "sql/params.hpp"

namespace keepmq::mongo {
namespace {

using store::AdvanceCursor;
using store::DeleteCursor;
using store::InitCursor;
using store::RemoveMessage;
using store::StoreMessage;
using store::StoreRetained;

constexpr std::string_view counter_of_messages = "mqtt_msg";

std::int64_t seconds_of(WallTime time) {
    return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

std::int64_t micros_of(WallTime time) {
    return time.time_since_epoch().count();
}

Document one(std::string_view name, std::int64_t value) {
    return Document{}.integer(name, value);
}

Document one(std::string_view name, std::string_view value) {
    return Document{}.text(name, value);
}

Document one_of(std::span<const std::string> values) {
    Document list;
    for (std::size_t i = 0; i < values.size(); ++i) list.text(std::to_string(i), values[i]);
    return Document{}.array("$in", list);
}

bool wants_newest(const InitCursor& op) {
    return op.from == store::FetchFrom::latest || has_wildcard(op.filter.view());
}

std::optional<std::int64_t> id_of(const Known& known, const MessageId& id) {
    if (const auto row = sql::row_of(id))
        return row;
    const auto found = known.ids.find(id.to_string());
    return found == known.ids.end() ? std::nullopt : std::optional{found->second};
}

/// What becomes of one read position in a batch.
struct Move {
    std::string_view client;
    std::string_view topic;
    bool deleted = false;
    std::optional<std::int64_t> begins;
    std::optional<std::int64_t> advances;
    std::vector<std::size_t> ops;
};

class Moves {
  public:
    Moves(Batch batch, const Known& known) : batch_{batch}, known_{known} { find_bounds(); }

    std::vector<Move> all() {
        for (std::size_t i = 0; i < batch_.size(); ++i) take(i);
        return std::move(moves_);
    }

  private:
    /// The ids of messages that come after an InitCursor in the batch: a batch that is repeated may
    /// find them stored already.
    void find_bounds() {
        bounds_.resize(batch_.size());
        std::map<std::string_view, std::int64_t> later;
        auto later_of_all = std::numeric_limits<std::int64_t>::max();
        for (std::size_t i = batch_.size(); i-- > 0;) {
            if (const auto* const store = std::get_if<StoreMessage>(batch_[i])) {
                if (const auto id = id_of(known_, store->message->id)) {
                    later[store->message->topic.view()] = *id;
                    later_of_all = std::min(later_of_all, *id);
                }
            } else if (const auto* const init = std::get_if<InitCursor>(batch_[i])) {
                const auto found = later.find(init->filter.view());
                bounds_[i] = has_wildcard(init->filter.view()) ? later_of_all
                             : found == later.end() ? std::numeric_limits<std::int64_t>::max()
                                                    : found->second;
            }
        }
    }

    Move& move_of(std::string_view client, std::string_view topic, std::size_t op) {
        const auto [place, is_new] = places_.try_emplace({client, topic}, moves_.size());
        if (is_new)
            moves_.push_back({client, topic, false, {}, {}, {}});
        auto& move = moves_[place->second];
        move.ops.push_back(op);
        return move;
    }

    [[nodiscard]] std::int64_t newest_before(const InitCursor& op, std::size_t place) const {
        std::int64_t newest = known_.newest_of_all;
        if (has_wildcard(op.filter.view())) {
            newest = std::max(newest, stored_);
        } else {
            const auto in_store = known_.newest.find(op.filter.view());
            const auto in_batch = stored_of_.find(op.filter.view());
            newest = std::max(in_store == known_.newest.end() ? 0 : in_store->second,
                              in_batch == stored_of_.end() ? 0 : in_batch->second);
        }
        return std::min(newest, bounds_[place] - 1);
    }

    void take(std::size_t i) {
        if (const auto* const store = std::get_if<StoreMessage>(batch_[i])) {
            if (const auto id = id_of(known_, store->message->id)) {
                stored_ = std::max(stored_, *id);
                auto& of_topic = stored_of_[store->message->topic.view()];
                of_topic = std::max(of_topic, *id);
            }
        } else if (const auto* const init = std::get_if<InitCursor>(batch_[i])) {
            auto& move = move_of(init->client.view(), init->filter.view(), i);
            if (!move.begins && !move.advances)
                move.begins = wants_newest(*init) ? newest_before(*init, i) : 0;
        } else if (const auto* const advance = std::get_if<AdvanceCursor>(batch_[i])) {
            const auto id = id_of(known_, advance->id);
            if (!id)
                return;
            auto& move = move_of(advance->client.view(), advance->topic.view(), i);
            move.advances = std::max(move.advances.value_or(0), *id);
        } else if (const auto* const removal = std::get_if<DeleteCursor>(batch_[i])) {
            auto& move = move_of(removal->client.view(), removal->filter.view(), i);
            move.deleted = true;
            move.begins.reset();
            move.advances.reset();
        }
    }

    Batch batch_;
    const Known& known_;
    std::vector<std::int64_t> bounds_;
    std::int64_t stored_ = 0;  ///< newest `_id` of the batch so far
    std::map<std::string_view, std::int64_t> stored_of_;
    std::map<std::pair<std::string_view, std::string_view>, std::size_t> places_;
    std::vector<Move> moves_;
};

}  // namespace

// --- what has to be known -----------------------------------------------------------------------

Questions questions(Batch batch, store::Attempt attempt) {
    Questions asked;
    std::map<MessageId, bool> stored;
    for (const auto* const op : batch) {
        if (const auto* const store = std::get_if<StoreMessage>(op)) {
            stored[store->message->id] = true;
            if (attempt == store::Attempt::after_unknown_outcome)
                asked.msgids.push_back(store->message->id.to_string());
        } else if (const auto* const advance = std::get_if<AdvanceCursor>(op)) {
            if (!sql::row_of(advance->id) && !stored.contains(advance->id))
                asked.msgids.push_back(advance->id.to_string());
        } else if (const auto* const init = std::get_if<InitCursor>(op)) {
            if (has_wildcard(init->filter.view()))
                asked.newest_of_all = true;
            else if (wants_newest(*init))
                asked.newest_of.push_back(init->filter.str());
        } else if (const auto* const retain = std::get_if<StoreRetained>(op)) {
            asked.retained_topics.push_back(retain->message->topic.str());
        }
    }
    for (auto* const list : {&asked.msgids, &asked.retained_topics, &asked.newest_of}) {
        std::ranges::sort(*list);
        list->erase(std::unique(list->begin(), list->end()), list->end());
    }
    return asked;
}

Find find_ids(std::span<const std::string> msgids) {
    return {.collection = collections::messages,
            .filter = Document{}.child("msgid", one_of(msgids)).child("_id", one("$gte", 0)),
            .fields = one("msgid", 1)};
}

Find find_retained(std::span<const std::string> topics) {
    return {.collection = collections::retained,
            .filter = Document{}.child("topic", one_of(topics)),
            .fields = Document{}.integer("topic", 1).integer("msgid", 1)};
}

Find find_newest(std::string_view topic) {
    return {.collection = collections::messages,
            .filter = Document{}.text("topic", topic).child("_id", one("$gte", 0)),
            .sort = one("_id", -1),
            .fields = one("_id", 1),
            .limit = 1};
}

Find find_newest_of_all() {
    return {.collection = collections::messages,
            .filter = Document{}.child("_id", one("$gte", 0)),
            .sort = one("_id", -1),
            .fields = one("_id", 1),
            .limit = 1};
}

Document take_ids(std::size_t count) {
    return Document{}
        .text("findAndModify", collections::counters)
        .child("query", one("_id", counter_of_messages))
        .child("update", Document{}.child("$inc", one("seq", static_cast<std::int64_t>(count))))
        .boolean("new", true);
}

Writes counter_after(std::int64_t newest) {
    return {std::string{collections::counters},
            Sequence::ordered,
            {{Write::Kind::upsert,
              one("_id", counter_of_messages),
              Document{}.child("$max", one("seq", newest))}}};
}

// --- writes -------------------------------------------------------------------------------------

Writes removals(Batch batch, const Known& known) {
    Writes writes{std::string{collections::messages}, Sequence::ordered};
    for (std::size_t i = 0; i < batch.size(); ++i) {
        if (const auto* const store = std::get_if<StoreMessage>(batch[i])) {
            const auto id = id_of(known, store->message->id);
            if (store->keep == store::Keep::latest && id)
                writes.list.push_back(
                    {Write::Kind::remove_all,
                     Document{}
                         .text("topic", store->message->topic.view())
                         .child("_id", Document{}.integer("$gte", 0).integer("$lt", *id)),
                     {},
                     {i}});
        } else if (const auto* const removal = std::get_if<RemoveMessage>(batch[i])) {
            Document filter;
            if (const auto row = sql::row_of(removal->id))
                filter.integer("_id", *row);
            else
                filter.text("msgid", removal->id.to_string());
            filter.text("topic", removal->topic.view());
            writes.list.push_back({Write::Kind::remove_one, std::move(filter), {}, {i}});
        }
    }
    return writes;
}

Writes positions(Batch batch, const Known& known) {
    Writes writes{std::string{collections::positions}, Sequence::ordered};
    const auto moves = Moves{batch, known}.all();
    const auto filter = [](const Move& move) {
        return Document{}.text("clientid", move.client).text("topic", move.topic);
    };
    for (const auto& move : moves)
        if (move.deleted)
            writes.list.push_back({Write::Kind::remove_all, filter(move), {}, move.ops});
    for (const auto& move : moves) {
        if (move.begins)
            writes.list.push_back({Write::Kind::upsert,
                                   filter(move),
                                   Document{}.child("$setOnInsert", one("mongo_id", *move.begins)),
                                   move.ops});
        if (move.advances)
            writes.list.push_back({Write::Kind::upsert,
                                   filter(move),
                                   Document{}.child("$max", one("mongo_id", *move.advances)),
                                   move.ops});
    }
    return writes;
}

Writes retained(Batch batch, const Known& known) {
    struct Fate {
        bool deleted = false;
        const StoreRetained* newest = nullptr;
        std::vector<std::size_t> ops;
    };
    std::map<std::string_view, Fate> fates;
    for (std::size_t i = 0; i < batch.size(); ++i) {
        if (const auto* const store = std::get_if<StoreRetained>(batch[i])) {
            auto& fate = fates[store->message->topic.view()];
            if (fate.newest == nullptr || fate.newest->message->id <= store->message->id)
                fate.newest = store;
            fate.ops.push_back(i);
        } else if (const auto* const removal = std::get_if<store::DeleteRetained>(batch[i])) {
            fates[removal->topic.view()] = {true, nullptr, {i}};
        }
    }
    Writes writes{std::string{collections::retained}, Sequence::ordered};
    for (const auto& [topic, fate] : fates) {
        if (fate.deleted)
            writes.list.push_back({Write::Kind::remove_all, one("topic", topic), {}, fate.ops});
        if (fate.newest == nullptr)
            continue;
        const auto there = known.retained.find(topic);
        const auto id =
            there == known.retained.end() ? std::nullopt : MessageId::parse(there->second);
        if (fate.deleted || !id || *id <= fate.newest->message->id)
            writes.list.push_back({Write::Kind::replace,
                                   one("topic", topic),
                                   to_document(*fate.newest, fate.newest->form),
                                   fate.ops});
    }
    return writes;
}

Writes presence(Batch batch) {
    Writes writes{std::string{collections::clients}, Sequence::ordered};
    for (std::size_t i = 0; i < batch.size(); ++i) {
        if (const auto* const online = std::get_if<store::ClientOnline>(batch[i])) {
            auto fields = Document{}
                              .integer("state", 1)
                              .text("node", online->node)
                              .integer("online_at", seconds_of(online->at))
                              .integer("online_us", micros_of(online->at))
                              .null("offline_at");
            writes.list.push_back({Write::Kind::upsert,
                                   one("clientid", online->client.view()),
                                   Document{}.child("$set", fields),
                                   {i}});
        } else if (const auto* const offline = std::get_if<store::ClientOffline>(batch[i])) {
            // A row that shows a newer connect stays. EMQ X's rows have whole seconds only.
            const auto connected = micros_of(offline->connected_at);
            Document alternatives;
            alternatives.child("0", Document{}.child("online_us", one("$lte", connected)));
            alternatives.child(
                "1",
                Document{}
                    .child("online_us", Document{}.boolean("$exists", false))
                    .child("online_at", one("$lte", seconds_of(offline->connected_at))));
            alternatives.child("2", Document{}.null("online_at"));
            auto fields =
                Document{}.integer("state", 0).integer("offline_at", seconds_of(offline->at));
            writes.list.push_back(
                {Write::Kind::update,
                 Document{}.text("clientid", offline->client.view()).array("$or", alternatives),
                 Document{}.child("$set", fields),
                 {i}});
            fields.text("node", offline->node)
                .integer("online_at", seconds_of(offline->connected_at))
                .integer("online_us", connected);
            writes.list.push_back({Write::Kind::upsert,
                                   one("clientid", offline->client.view()),
                                   Document{}.child("$setOnInsert", fields),
                                   {i}});
        }
    }
    return writes;
}

}  // namespace keepmq::mongo
