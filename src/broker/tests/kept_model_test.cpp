// Random lives of clients; then a second broker gets what a disk would hold, and both must do the
// same from there on.

#include <algorithm>
#include <array>
#include <random>

#include "broker/tests/disk.hpp"
#include "broker/tests/harness.hpp"

namespace keepmq::broker::testing {
namespace {

class Lives {
  public:
    explicit Lives(std::uint64_t seed) : random_{seed} {
        world_.broker.restore({}, world_.now);
        clients_.resize(names.size());
    }

    void act(int steps) {
        for (int i = 0; i < steps; ++i) step();
    }

    /// The rows of the disk when everything is on it.
    const Disk& commit() {
        disk_.write(world_.broker);
        world_.broker.on_committed(world_.broker.changes_made());
        world_.run();
        if (disk_.write(world_.broker) != 0)
            world_.broker.on_committed(world_.broker.changes_made());
        return disk_;
    }
    void lose_all() {
        for (auto*& client : clients_) {
            if (client)
                client->lose();
            client = nullptr;
        }
    }

    static std::vector<std::string> state(World& world) {
        std::vector<std::string> all;
        world.broker.each_session([&](const SessionSnapshot& s) {
            if (s.expiry_interval != 0)
                all.push_back(s.client.str() + " queued " + std::to_string(s.queued) +
                              " in flight " + std::to_string(s.inflight) + " awaiting " +
                              std::to_string(s.awaiting_rel) + " expiry " +
                              std::to_string(s.expiry_interval));
            return true;
        });
        world.broker.each_subscription(nullptr, [&](const SubscriptionSnapshot& s) {
            if (s.client.view().starts_with("lasting"))
                all.push_back(s.client.str() + " has " + s.filter + ' ' +
                              std::to_string(static_cast<int>(s.qos)) +
                              (s.no_local ? " no_local" : "") +
                              (s.retain_as_published ? " rap" : ""));
            return true;
        });
        world.broker.each_retained("#", [&](const Message& m) {
            all.push_back("retained " + m.topic.str() + '=' + m.payload);
            return true;
        });
        std::ranges::sort(all);
        return all;
    }

    /// Each client comes back and takes what there is.
    static std::vector<std::string> harvest(World& world) {
        std::vector<std::string> all;
        for (const auto name : names) {
            if (!name.starts_with("lasting"))
                continue;
            auto& client = world.open();
            client.send(connect_packet(name, v5, false, 600));
            for (int round = 0; round < 50; ++round) {
                std::vector<Change> changes;
                world.broker.swap_changes(changes);
                world.broker.on_committed(world.broker.changes_made());
                world.run();
                for (const auto& line : client.said())
                    // Later ones answer a PUBREC with whatever identifier that message got.
                    if (round == 0 && !line.starts_with("PUBLISH"))
                        all.push_back(std::string{name} + ' ' + line);
                auto got = client.messages();
                if (got.empty())
                    break;
                for (const auto& m : got) {
                    // A new identifier is free to choose, one in use is not.
                    all.push_back(std::string{name} + " <- " + m.topic + ' ' + m.payload +
                                  (m.dup ? " dup " + std::to_string(m.packet_id) : "") +
                                  (m.retain ? " retain" : ""));
                    if (m.qos == Qos::at_least_once)
                        client.puback(m.packet_id);
                    else
                        client.pubrec(m.packet_id);
                }
            }
        }
        return all;
    }

    World world_;

  private:
    static constexpr std::array<std::string_view, 5> names{
        "lasting_a", "lasting_b", "lasting_c", "clean_a", "clean_b"};
    static constexpr std::array<std::string_view, 4> topics{"a", "b", "c/d", "c/e"};
    static constexpr std::array<std::string_view, 6> filters{
        "a", "b", "c/#", "#", "+", "$share/g/c/+"};

    std::size_t any(std::size_t below) { return random_() % below; }

    void step() {
        const auto who = any(names.size());
        Client*& client = clients_[who];
        if (!client || client->closed) {
            const bool lasting = names[who].starts_with("lasting");
            auto packet =
                connect_packet(names[who], v5, !lasting || any(12) == 0, lasting ? 600 : 0);
            packet.receive_maximum = static_cast<std::uint16_t>(2 + any(4));
            client = &world_.connect(packet);
            return;
        }
        const auto id = static_cast<mqtt::PacketId>(1 + any(4));
        switch (any(14)) {
            case 0:
                client->lose();
                client = nullptr;
                break;
            case 1:
                client->disconnect();
                client = nullptr;
                break;
            case 2:
            case 3:
                client->subscribe(filters[any(filters.size())], static_cast<int>(any(3)));
                break;
            case 4:
                client->unsubscribe(filters[any(filters.size())]);
                break;
            case 5:
                client->puback(id);
                break;
            case 6:
                client->pubrec(id, any(5) == 0 ? ReasonCode::quota_exceeded : ReasonCode::success);
                break;
            case 7:
                client->pubcomp(id);
                break;
            case 8:
                client->pubrel(id);
                break;
            case 9:
                commit();
                break;
            case 10:
                world_.advance(1s);
                break;
            default:
                client->publish(topics[any(topics.size())],
                                any(6) == 0 ? "" : std::to_string(++made_),
                                static_cast<int>(any(3)),
                                static_cast<mqtt::PacketId>(1 + any(6)),
                                any(4) == 0);
        }
        if (client && !client->closed)
            client->take();
    }

    std::mt19937_64 random_;
    Disk disk_;
    std::vector<Client*> clients_;
    int made_ = 0;
};

class RandomLives : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(RandomLives, GoOnAfterARestart) {
    for (std::uint64_t i = 0; i < 40; ++i) {
        const auto seed = GetParam() * 1000 + i;
        SCOPED_TRACE("seed " + std::to_string(seed));
        Lives lives{seed};
        lives.act(static_cast<int>(20 + seed % 150));
        World killed;
        killed.now = lives.world_.now;
        killed.broker.restore(lives.commit().content(), killed.now);
        EXPECT_EQ(Lives::state(killed), Lives::state(lives.world_));

        lives.lose_all();
        World reborn;
        reborn.now = lives.world_.now;
        reborn.broker.restore(lives.commit().content(), reborn.now);
        EXPECT_EQ(Lives::state(reborn), Lives::state(lives.world_));
        EXPECT_EQ(Lives::harvest(reborn), Lives::harvest(lives.world_));
        if (HasFailure())
            return;
    }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomLives, ::testing::Range<std::uint64_t>(1, 11));

}  // namespace
}  // namespace keepmq::broker::testing
