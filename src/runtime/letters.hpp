#pragma once
// What one shard writes to another. A shard reads its letters in the order in which they were
// posted, whoever wrote them: what follows from a letter comes behind it.

#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "broker/effects.hpp"
#include "model/message.hpp"
#include "mqtt/packets.hpp"
#include "runtime/listener_port.hpp"
#include "store/pool.hpp"

namespace keepmq::runtime {

/// Where an Answer goes. Token 0: nobody waits.
struct Reply {
    std::size_t shard = 0;
    store::Token token = 0;
};

/// A connection moves to the home shard of its client.
struct Newcomer {
    Descriptor socket;
    boost::asio::ip::tcp protocol = boost::asio::ip::tcp::v4();
    std::string received;
    Place place;
};

/// The topic's owner takes the message: identity, rules, retained store, and its place in the order
/// of the topic. Always answered.
struct HandOver {
    std::shared_ptr<Message> message;
    Reply reply;
    bool again = false;     ///< see broker::Published
    bool repeated = false;  ///< it has its identity
    bool repeatable = false;
    std::uint64_t session = 0;
    std::uint16_t packet_id = 0;
};

/// To the sessions of the shard that match, and to the shared groups that were chosen.
struct Part {
    MessagePtr message;
    std::vector<std::uint64_t> groups;
    Reply reply;
    bool repeatable = false;  ///< see broker::Published; Unrepeatable follows
    bool leased = false;      ///< the letter holds a lease
};

/// To a member of one shared group.
struct Placement {
    MessagePtr message;
    std::uint64_t group = 0;
    Reply reply;
    bool repeatable = false;  ///< as in Part
};

struct Answer {
    store::Token token = 0;
    mqtt::ReasonCode reason = mqtt::ReasonCode::success;  ///< an error: it is not durable
    bool more = false;    ///< one more answer will come with this token; this one is none
    bool routed = false;  ///< all shards have the message, the stores not yet: this one is none
    MessageId id;         ///< of a message that was handed over
};

struct FindRetained {
    TopicFilter filter;
    std::size_t shard = 0;  ///< that asks
    broker::FenceId fence{};
};
struct RetainedFound {
    broker::FenceId fence{};
    std::vector<MessagePtr> messages;
};

/// Messages that were repeatable and are not any more. All shards get it.
struct Unrepeatable {
    std::vector<MessageId> messages;
};

/// Answered when all that the shard gave to pools before was also posted to those who want it.
struct Mark {
    Reply reply;
};

using Letter = std::variant<Newcomer,
                            HandOver,
                            Part,
                            Placement,
                            Answer,
                            Unrepeatable,
                            FindRetained,
                            RetainedFound,
                            Mark>;

/// About what a letter keeps in memory besides itself.
[[nodiscard]] inline std::size_t weight_of(const Letter& letter) {
    if (const auto* part = std::get_if<Part>(&letter))
        return part->message->payload.size();
    if (const auto* given = std::get_if<HandOver>(&letter))
        return given->message->payload.size();
    return 0;
}

}  // namespace keepmq::runtime
