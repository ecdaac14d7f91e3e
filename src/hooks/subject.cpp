#include "hooks/subject.hpp"

#include <variant>

namespace keepmq::hooks {
namespace {

template <class Happened>
Subject about(const Happened& event) {
    Subject subject;
    subject.client = event.who.client.view();
    subject.username = event.who.username;
    subject.peerhost = event.who.peerhost;
    subject.at = event.at;
    return subject;
}

template <class Happened>
Subject about_delivery(const Happened& event) {
    Subject subject = about(event);
    subject.topic = event.message->topic.view();
    subject.qos = static_cast<int>(event.qos);
    subject.message = event.message.get();
    return subject;
}

}  // namespace

Subject subject_of(const ClientConnected& event) {
    return about(event);
}

Subject subject_of(const ClientDisconnected& event) {
    Subject subject = about(event);
    subject.reason = event.reason;
    return subject;
}

Subject subject_of(const SessionCreated& event) {
    return about(event);
}

Subject subject_of(const SessionResumed& event) {
    return about(event);
}

Subject subject_of(const SessionTerminated& event) {
    Subject subject = about(event);
    subject.reason = event.reason;
    return subject;
}

Subject subject_of(const SessionSubscribed& event) {
    Subject subject = about(event);
    subject.topic = event.filter.view();
    subject.qos = static_cast<int>(event.qos);
    return subject;
}

Subject subject_of(const SessionUnsubscribed& event) {
    Subject subject = about(event);
    subject.topic = event.filter.view();
    return subject;
}

Subject subject_of(const Message& message) {
    Subject subject;
    subject.client = message.sender.view();
    subject.username = message.username;
    subject.peerhost = message.peerhost;
    subject.topic = message.topic.view();
    subject.qos = static_cast<int>(message.qos);
    subject.message = &message;
    subject.at = message.at;
    return subject;
}

Subject subject_of(const MessagePublish& event) {
    return subject_of(*event.message);
}

Subject subject_of(const MessageDelivered& event) {
    return about_delivery(event);
}

Subject subject_of(const MessageAcked& event) {
    return about_delivery(event);
}

Subject subject_of(const Event& event) {
    return std::visit([](const auto& happened) { return subject_of(happened); }, event);
}

}  // namespace keepmq::hooks
