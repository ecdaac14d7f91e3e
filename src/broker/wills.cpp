// Lifecycle: will messages.

#include "broker/core.hpp"

namespace keepmq::broker {
namespace {

std::shared_ptr<Message> copy(const Message& from) {
    auto to = std::make_shared<Message>();
    to->topic = from.topic;
    to->payload = from.payload;
    to->qos = from.qos;
    to->retain = from.retain;
    to->sender = from.sender;
    to->username = from.username;
    to->peerhost = from.peerhost;
    if (from.properties)
        to->properties = std::make_unique<MessageProperties>(*from.properties);
    return to;
}

}  // namespace

std::unique_ptr<PendingWill> Lifecycle::make_will(const Session& session, const mqtt::Will& will) {
    auto message = std::make_shared<Message>();
    message->topic = TopicName{will.topic};
    message->payload = will.payload;
    message->qos = will.qos;        // [MQTT-3.1.2-12]
    message->retain = will.retain;  // [MQTT-3.1.2-14, MQTT-3.1.2-15]
    message->sender = session.client;
    message->username = session.user();
    message->peerhost = session.peerhost;
    message->properties = copy_properties(will.properties);
    return std::make_unique<PendingWill>(PendingWill{std::move(message), will.delay_interval});
}

void Lifecycle::drop_will(Session& session) {
    if (session.will && session.kept != 0)
        core_.journal.add(WillGone{session.kept});
    session.will.reset();
}

void Lifecycle::keep_will(const Session& session, Now now) {
    if (session.kept == 0 || !session.will)
        return;
    WillKept kept{session.kept, session.will->message, session.will->delay, std::nullopt};
    if (const auto due = session.will->due)
        kept.due = now.wall + std::chrono::duration_cast<Micros>(*due - now.steady);
    core_.journal.add(std::move(kept));
}

void Lifecycle::restore(Session& session, const WillKept& kept, Now now) {
    session.will = std::make_unique<PendingWill>(PendingWill{copy(*kept.message), kept.delay, {}});
    session.will->due = now.steady + (kept.due ? SteadyTime::duration{*kept.due - now.wall}
                                               : std::chrono::seconds{kept.delay});
    if (!kept.due)
        keep_will(session, now);
    arm(session);
}

/// Once; afterwards the session has no will [MQTT-3.1.2-10].
void Lifecycle::publish_will(Session& session, Now now) {
    if (!session.will)
        return;
    // The one that is kept may be on its way to the disk: it does not change any more.
    auto message =
        session.kept != 0 ? copy(*session.will->message) : std::move(session.will->message);
    drop_will(session);
    core_.stamp(*message, now);
    Published published{std::move(message), Ticket{}, ConnectionId{}};
    published.elsewhere = core_.peers && core_.peers->is_elsewhere(*published.message);
    core_.effects.emplace_back(std::move(published));
}

}  // namespace keepmq::broker
