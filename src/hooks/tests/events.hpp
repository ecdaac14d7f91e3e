#pragma once
// Events to feed rules with.

#include <memory>

#include "model/event.hpp"

namespace keepmq::hooks {

/// 2026-01-31 12:00:00.123456 UTC
inline constexpr WallTime at_noon{Micros{1'769'860'800'123'456}};

inline ClientInfo some_client(const char* id = "c1") {
    return {ClientId{id}, "ada", "10.0.0.9"};
}

inline std::shared_ptr<Message> some_message(const char* topic = "a/b",
                                             Qos qos = Qos::at_least_once) {
    auto message = std::make_shared<Message>();
    message->id = MessageId{1'769'860'800'123'456, 7};
    message->topic = TopicName{topic};
    message->payload = "hello";
    message->qos = qos;
    message->sender = ClientId{"publisher"};
    message->username = "ada";
    message->peerhost = "10.0.0.9";
    message->at = at_noon;
    return message;
}

}  // namespace keepmq::hooks
