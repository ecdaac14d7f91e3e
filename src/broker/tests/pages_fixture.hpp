#pragma once
// A client that subscribes to what is stored, and a publisher. Most fetches are answered by hand.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/tests/harness.hpp"

namespace keepmq::broker::testing {

struct Pages : ::testing::Test {
    explicit Pages(const Limits& limits = {}) : world{limits} {
        world.auto_plan = false;
        world.stored = true;
    }

    /// Subscribes and asks for what is stored.
    void subscribe(Client& who,
                   std::string_view filter,
                   const ReplayPlan& plan = fetch_plan(),
                   int qos = 1) {
        who.subscribe(filter, qos);
        world.plan(plan);
        who.take();
    }
    MessagePtr live(std::string_view topic, std::string_view payload, int qos = 1) {
        publisher.publish(topic, payload, qos, ++last_id);
        return world.published.back();
    }
    static std::vector<MessagePtr> numbers(std::string_view topic, int from, int to) {
        std::vector<MessagePtr> all;
        for (int i = from; i <= to; ++i)
            all.push_back(stored_message(topic, std::to_string(i), static_cast<std::uint64_t>(i)));
        return all;
    }
    /// `topic:number` of each move since the last call.
    std::vector<std::string> moves() {
        std::vector<std::string> all;
        for (const auto& move : std::exchange(world.positions, {}))
            all.push_back(move.topic.str() + ":" + name(move.id));
        return all;
    }
    /// Messages of `live` are named by their payload, others by their number.
    std::string name(MessageId id) const {
        for (const auto& message : world.published) {
            if (message->id == id)
                return message->payload;
        }
        return std::to_string(id.high());
    }

    World world;
    Client& client = world.connect(connect_packet("c", v5, true, 1'000));
    Client& publisher = world.connect("p");
    mqtt::PacketId last_id = 0;
};

}  // namespace keepmq::broker::testing
