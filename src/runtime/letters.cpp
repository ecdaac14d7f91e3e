// What shards do for each other: connections that move, messages that cross, answers.

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "model/topic.hpp"
#include "runtime/shard.hpp"

namespace keepmq::runtime {

namespace asio = boost::asio;

void Shard::join(Siblings& siblings, std::size_t index) {
    exchange_ = std::make_unique<Exchange>(
        siblings,
        index,
        Exchange::Ways{[this] { asio::post(loop_, [this] { take_letters(); }); },
                       [this](std::string_view topic) { return is_stored(topic); }});
    broker_.join(*exchange_, siblings.leases, index, siblings.count);
}

std::size_t Shard::take_letters() {
    if (!exchange_)
        return 0;
    exchange_->take(letters_);
    now_ = read_clocks();
    for (auto& letter : letters_) {
        std::visit([this](auto& each) { read(each); }, letter);
        carry_out();
    }
    const auto count = letters_.size();
    letters_.clear();
    if (!paused_.empty())
        resume_paused();
    carry_out();
    return count;
}

bool Shard::others_have_room() const {
    return !exchange_ ||
           (exchange_->has_room() && exchange_->handed_over() < settings_.store.queue_limit);
}

bool Shard::is_stored(std::string_view topic) const {
    return publish_listened_ && std::ranges::any_of(plugins_, [&](const PluginPtr& plugin) {
               return plugin->rules().wants_publish(topic);
           });
}

// --- connections -------------------------------------------------------------------------------

void Shard::bring_home(asio::ip::tcp::socket socket,
                       Place place,
                       std::string received,
                       std::string_view client) {
    now_ = read_clocks();
    ErrorCode error;
    const auto local = socket.local_endpoint(error);
    if (!accepting_ || error)
        return;
    // One whose identifier we assign, or who says nothing sensible, stays.
    const auto home = client.empty() ? exchange_->index() : exchange_->shard_of(client);
    if (home == exchange_->index()) {
        welcome(std::move(socket), std::move(place), std::move(received));
        return;
    }
    const auto descriptor = socket.release(error);
    if (error)
        return;
    exchange_->send(
        home,
        Newcomer{Descriptor{descriptor}, local.protocol(), std::move(received), std::move(place)});
}

void Shard::read(Newcomer& letter) {
    asio::ip::tcp::socket socket{loop_};
    ErrorCode error;
    const auto descriptor = letter.socket.release();
    socket.assign(letter.protocol, descriptor, error);
    if (error)
        static_cast<void>(Descriptor{descriptor});  // closes it
    else if (accepting_)
        welcome(std::move(socket), std::move(letter.place), std::move(letter.received));
}

// --- messages ----------------------------------------------------------------------------------

void Shard::hand_over(broker::Published& effect) {
    const auto topic = effect.message->topic.view();
    const auto owner = exchange_->shard_of(topic);
    const auto token = pending_.add(HandedOver{.ticket = effect.ticket,
                                               .topic = Exchange::hash_of(topic),
                                               .repeatable = effect.repeatable});
    exchange_->sets_out(topic);
    // The owner does not know the connection: what it must not overrun is looked at here.
    const bool room =
        sessions_have_room() && std::ranges::all_of(plugins_, [this](const PluginPtr& plugin) {
            for (std::size_t i = 0; i < plugin->pool_count(); ++i)
                if (!has_room(plugin, i))
                    return false;
            return true;
        });
    if (!room || (effect.ticket != Ticket{} && !broker_.accepts_more(effect.from)))
        pause(effect.from);
    exchange_->send(owner,
                    HandOver{std::move(effect.message),
                             {exchange_->index(), token},
                             effect.again,
                             effect.repeated,
                             effect.repeatable,
                             effect.session,
                             effect.packet_id});
}

void Shard::read(HandOver& letter) {
    auto& message = letter.message;
    if (!letter.repeated)
        broker_.stamp(*message, now_);
    broker::Published effect{.message = message,
                             .again = letter.again,
                             .repeated = letter.repeated,
                             .repeatable = letter.repeatable};
    if (letter.session != 0)
        broker_.keep_identity(letter.session, letter.packet_id, message->id);
    if (letter.session != 0 || letter.repeated)
        effect.after = broker_.changes_made();
    publish_in_order(effect, letter.reply);
}

/// Live copies may not overtake the write: what their readers do to the row would come before it.
void Shard::publish_in_order(broker::Published& effect, Reply reply) {
    const bool waits = !gate_.is_durable(effect.after) || gate_.is_closed();
    if (!waits || !is_stored(effect.message->topic.view())) {
        publish(effect, reply);
        return;
    }
    gate_.close_until(effect.after);
    Gate::Work refuse;
    if (!gate_.is_durable(effect.after))
        refuse = [this, ticket = effect.ticket, id = effect.message->id, reply] {
            conclude({.ticket = ticket,
                      .reason = mqtt::ReasonCode::quota_exceeded,
                      .reply = reply,
                      .id = id});
        };
    gate_.add(
        [this, moved = std::make_shared<broker::Published>(std::move(effect)), reply] {
            gate_.pass([&] { publish(*moved, reply); });
        },
        std::move(refuse));
}

store::Token Shard::spread(const MessagePtr& message, const PublishWait& wait, store::Token token) {
    if (!exchange_) {
        broker_.route(message, now_, wait.ticket);
        return token;
    }
    const bool awaits =
        (wait.ticket != Ticket{} || wait.reply.token != 0) && message->qos != Qos::at_most_once;
    const auto expect = [&]() -> Reply {
        if (!awaits)
            return {};
        if (token == 0)
            token = pending_.add(wait);
        auto& open = std::get<PublishWait>(*pending_.find(token));
        ++open.open;
        ++open.shards;
        open.wide = true;
        return {exchange_->index(), token};
    };
    if (wait.repeatable)
        hand_over_changes();  // its identity: no delivery elsewhere may be durable before it
    auto& leases = exchange_->leases();
    const bool leased = message->stored && leases.on();
    auto& audience = exchange_->audience_of(*message, broker_.limits().shared_strategy);
    for (auto& other : audience.others) {
        if (leased)
            leases.take(message->id);
        exchange_->send(other.shard,
                        Part{message,
                             std::move(other.groups),
                             other.lasting || wait.repeatable ? expect() : Reply{},
                             wait.repeatable,
                             leased});
    }
    const auto before = broker_.changes_made();
    const broker::Routing routing{wait.repeatable, audience.others.empty()};
    for (const auto group : broker_.route_here(message, audience.groups, routing, now_))
        place_elsewhere(Placement{message, group, expect(), wait.repeatable});
    const bool changed = broker_.changes_made() != before;
    const bool wide = token != 0 && std::get<PublishWait>(*pending_.find(token)).wide;
    if (wait.ticket != Ticket{} && !wide) {
        broker_.routed(wait.ticket, changed);  // in one transaction with the deliveries
        if (wait.repeatable)
            broker_.unrepeatable(message->id, now_);
    } else if (awaits && (changed || wait.repeatable)) {
        answer_after(before, expect());
    }
    return token;
}

void Shard::read(Part& letter) {
    const auto before = broker_.changes_made();
    for (const auto group :
         broker_.route_here(letter.message, letter.groups, {letter.repeatable, false}, now_)) {
        if (letter.reply.token != 0)
            exchange_->send(letter.reply.shard, Answer{.token = letter.reply.token, .more = true});
        place_elsewhere(Placement{letter.message, group, letter.reply, letter.repeatable});
    }
    if (letter.leased)
        exchange_->leases().give_back(letter.message->id);
    answer_after(before, letter.reply);
}

void Shard::place_elsewhere(Placement placement) {
    const auto shard = exchange_->groups().choose(
        placement.group, placement.message->sender.view(), broker_.limits().shared_strategy);
    if (shard) {
        exchange_->send(*shard, std::move(placement));
        return;
    }
    broker_.count_unplaced();
    answer(placement.reply);
}

void Shard::read(Placement& letter) {
    const auto before = broker_.changes_made();
    if (broker_.place(letter.message, letter.group, letter.repeatable, now_))
        answer_after(before, letter.reply);
    else
        place_elsewhere(std::move(letter));
}

void Shard::run(broker::Unplaced& effect) {
    Reply reply;
    if (effect.delivery != 0)
        reply = {exchange_->index(), pending_.add(Orphan{effect.delivery})};
    place_elsewhere(Placement{effect.message, effect.group, reply});
}

void Shard::place(const MessagePtr& message, std::uint64_t group, std::uint64_t delivery) {
    broker_.place(message, group, false, now_);
    broker_.forget_delivery(delivery);
}

void Shard::publish_internal(TopicName topic, std::string payload) {
    const auto message =
        broker_.make_internal(std::move(topic), std::move(payload), Qos::at_most_once, true, now_);
    static_cast<void>(spread(message, {}, 0));
}

// --- answers -----------------------------------------------------------------------------------

void Shard::answer(Reply reply, mqtt::ReasonCode reason) {
    if (reply.token != 0)
        exchange_->send(reply.shard, Answer{.token = reply.token, .reason = reason});
}

void Shard::answer_after(std::uint64_t before, Reply reply) {
    if (reply.token != 0 && broker_.changes_made() != before)
        owed_.push_back({broker_.changes_made(), reply});
    else
        answer(reply);
}

void Shard::pay(std::uint64_t committed) {
    while (!owed_.empty() && owed_.front().after <= committed) {
        answer(owed_.front().reply);
        owed_.pop_front();
    }
}

void Shard::read(Answer& letter) {
    auto* wait = pending_.find(letter.token);
    if (wait == nullptr)
        return;
    if (auto* publish = std::get_if<PublishWait>(wait)) {
        if (letter.more) {
            ++publish->open;
            ++publish->shards;
            return;
        }
        --publish->shards;
        if (publish->shards == 0 && publish->open > 1 && !is_error(letter.reason))
            say_routed(*publish);
        one_done(letter.token, *publish, letter.reason);
    } else if (auto* page = std::get_if<PageWait>(wait)) {
        if (--page->open > 0)
            return;
        auto found = std::move(*page);
        pending_.erase(letter.token);
        broker_.on_fetched(found.fence, std::move(found.page), std::move(found.next), now_);
    } else if (auto* handed = std::get_if<HandedOver>(wait)) {
        broker_.identified(handed->ticket, letter.id);
        if (letter.routed) {
            handed->routed = true;
            broker_.routed(handed->ticket, false);
            say_unrepeatable(letter.id);
            return;
        }
        const auto handed_over = *handed;
        pending_.erase(letter.token);
        exchange_->came_back(handed_over.topic);
        conclude({.ticket = handed_over.ticket,
                  .reason = letter.reason,
                  .id = letter.id,
                  .wide = !handed_over.routed && !is_error(letter.reason),
                  .repeatable = handed_over.repeatable});
    } else if (const auto* orphan = std::get_if<Orphan>(wait)) {
        const auto delivery = orphan->delivery;
        pending_.erase(letter.token);
        broker_.forget_delivery(delivery);
    }
}

/// The exchange of a repeatable message goes on without the stores, which may take their time.
void Shard::say_routed(PublishWait& wait) {
    if (!wait.repeatable || is_error(wait.reason))
        return;
    wait.repeatable = false;
    if (wait.reply.token != 0) {
        exchange_->send(wait.reply.shard,
                        Answer{.token = wait.reply.token, .routed = true, .id = wait.id});
        return;
    }
    wait.wide = false;
    broker_.routed(wait.ticket, false);
    say_unrepeatable(wait.id);
}

void Shard::say_unrepeatable(MessageId id) {
    endings_.push_back({broker_.changes_made(), id});
    if (gate_.is_durable(endings_.back().after))
        say_unrepeatable_to_all(gate_.committed());
}

void Shard::say_unrepeatable_to_all(std::uint64_t committed) {
    Unrepeatable letter;
    for (; !endings_.empty() && endings_.front().after <= committed; endings_.pop_front())
        letter.messages.push_back(endings_.front().id);
    if (letter.messages.empty())
        return;
    for (std::size_t shard = 0; shard < exchange_->shards(); ++shard)
        exchange_->send(shard, letter);
}

void Shard::read(Unrepeatable& letter) {
    for (const auto id : letter.messages) broker_.unrepeatable(id, now_);
}

// --- retained and stored messages --------------------------------------------------------------

std::size_t Shard::count_owners(const TopicFilter& filter) const {
    if (has_wildcard(filter.view()))
        return exchange_->shards() - 1;
    return exchange_->owns(filter.view()) ? 0 : 1;
}

/// All other shards that may own a topic of the filter.
void Shard::ask_owners(const TopicFilter& filter, const std::function<Letter()>& make) {
    const bool all = has_wildcard(filter.view());
    for (std::size_t shard = 0; shard < exchange_->shards(); ++shard)
        if (shard != exchange_->index() && (all || exchange_->shard_of(filter.view()) == shard))
            exchange_->send(shard, make());
}

void Shard::read(FindRetained& letter) {
    exchange_->send(letter.shard,
                    RetainedFound{letter.fence, broker_.find_retained(letter.filter.view(), now_)});
}

void Shard::read(RetainedFound& letter) {
    broker_.on_retained_found(letter.fence, std::move(letter.messages), now_);
}

void Shard::on_page(const FetchWait& wait, store::MessagePage& page) {
    PageWait found{wait.fence, std::move(page.messages), std::nullopt, count_owners(wait.filter)};
    if (page.next)
        found.next = std::move(page.next->token);
    if (found.open == 0) {
        broker_.on_fetched(found.fence, std::move(found.page), std::move(found.next), now_);
        return;
    }
    const auto token = pending_.add(std::move(found));
    ask_owners(wait.filter, [&] { return Mark{{exchange_->index(), token}}; });
}

void Shard::read(Mark& letter) {
    take_outcomes();
    answer(letter.reply);
}

}  // namespace keepmq::runtime
