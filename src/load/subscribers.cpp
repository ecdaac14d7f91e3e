#include "load/subscribers.hpp"

#include <set>

#include "model/topic.hpp"

namespace keepmq::load {

std::vector<std::uint64_t> copies_of(std::span<const std::string> topics,
                                     std::span<const std::string> filters) {
    std::vector<std::uint64_t> copies(topics.size());
    std::set<std::string_view> groups;
    for (const auto& each : filters) {
        const auto shared = split_shared(each);
        // All that is before the filter: members of a group with one filter share its messages.
        if (!shared.group.empty() && !groups.insert(each).second)
            continue;
        for (std::size_t i = 0; i < topics.size(); ++i)
            copies[i] += filter_matches(shared.filter, topics[i]) ? 1 : 0;
    }
    return copies;
}

void Subscribers::on_frame(Member& member, const Frame& frame, Micros now) {
    if (frame.type == FrameType::pubrel) {
        append_ack(FrameType::pubcomp, frame.packet_id, member.client.out());
        swarm_.touch(member);
        return;
    }
    if (frame.type != FrameType::publish)
        return;
    const auto stamp = Stamp::read(frame.payload);
    if (stamp && stamp->due < since_) {
        ++stale_;
    } else {
        ++received_;
        if (stamp)
            latencies_.record(now - stamp->due);
        if (stamp && on_message_)
            on_message_(member, *stamp);
    }
    if (frame.qos == Qos::at_most_once)
        return;
    append_ack(frame.qos == Qos::at_least_once ? FrameType::puback : FrameType::pubrec,
               frame.packet_id,
               member.client.out());
    swarm_.touch(member);
}

}  // namespace keepmq::load
