#pragma once
// An application message, shared by all who deliver or store it.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "model/ids.hpp"
#include "model/message_id.hpp"

namespace keepmq {

/// The PUBLISH properties that travel with the message [MQTT 5.0, 3.3.2.3]. Empty text = absent,
/// except where an optional says otherwise.
struct MessageProperties {
    std::optional<std::uint8_t> payload_format_indicator;
    std::optional<std::uint32_t> message_expiry_interval;  ///< seconds from `Message::at`
    std::optional<std::string> content_type;
    std::optional<std::string> response_topic;
    std::optional<std::string> correlation_data;
    std::vector<std::pair<std::string, std::string>> user_properties;
};

struct Message {
    MessageId id;
    TopicName topic;
    std::string payload;  ///< bytes
    Qos qos = Qos::at_most_once;
    bool retain = false;  ///< RETAIN flag as published
    /// A one-to-many or one-to-one rule keeps this message, so it can be replayed and has a place
    /// in read positions. Set once, before the message is routed or when it was read from a store.
    bool stored = false;
    ClientId sender;
    std::string username;                                 ///< of the sender, may be empty
    std::string peerhost;                                 ///< of the sender, may be empty
    WallTime at;                                          ///< when the broker accepted it
    std::unique_ptr<const MessageProperties> properties;  ///< null when there are none

    /// Moment at which a message with a Message Expiry Interval ends to be deliverable.
    [[nodiscard]] std::optional<WallTime> expires_at() const {
        if (!properties || !properties->message_expiry_interval)
            return std::nullopt;
        return at + std::chrono::seconds{*properties->message_expiry_interval};
    }
};

using MessagePtr = std::shared_ptr<const Message>;

}  // namespace keepmq
