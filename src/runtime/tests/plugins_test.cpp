// Loading, unloading and reloading a plugin under connected clients.

#include <future>

#include "runtime/tests/support.hpp"

namespace keepmq::runtime::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class PluginsTest : public NodeTest {
  protected:
    [[nodiscard]] std::string loaded_file() const {
        return read_file(dir.file("data/loaded_plugins"));
    }
};

TEST_F(PluginsTest, UnloadAndLoadWithConnectedClients) {
    start();
    Client client{port()};
    client.connect("c");
    client.publish("t", "1", 1, 1);
    ASSERT_EQ("PUBACK 1 00", client.take());

    const auto unloaded = node->unload_plugin("emqx_backend_memory");
    EXPECT_TRUE(unloaded.ok);
    EXPECT_EQ("Plugin emqx_backend_memory unloaded successfully.", unloaded.message);
    EXPECT_EQ("", loaded_file());
    client.publish("t", "2", 1, 2);
    EXPECT_EQ("PUBACK 2 00", client.take());
    EXPECT_FALSE(node->plugins().at(0).active);

    EXPECT_EQ("Plugin emqx_backend_memory loaded successfully.",
              node->load_plugin("emqx_backend_memory").message);
    EXPECT_EQ("emqx_backend_memory\n", loaded_file());
    client.publish("t", "3", 1, 3);
    EXPECT_EQ("PUBACK 3 00", client.take());
    EXPECT_THAT(committed_payloads(), ElementsAre("1", "3"));
}

TEST_F(PluginsTest, UnloadWaitsForWhatIsUnderWay) {
    start();
    Client client{port()};
    client.connect("c");
    database->hold_writes();
    client.publish("t", "1", 1, 1);
    ASSERT_TRUE(database->await_held_writes(1));
    auto unloading = std::async(std::launch::async, [&] { return node->unload_plugin("memory"); });
    EXPECT_THAT(client.take_all_so_far(), IsEmpty());
    database->release_writes();
    EXPECT_TRUE(unloading.get().ok);
    EXPECT_EQ("PUBACK 1 00", client.take());
    EXPECT_THAT(committed_payloads(), ElementsAre("1"));
}

TEST_F(PluginsTest, WhatCannotBeWrittenInTimeIsRefused) {
    settings.store.shutdown_deadline = std::chrono::milliseconds{50};
    start();
    Client client{port()};
    client.connect("c");
    database->go_down();
    client.publish("t", "1", 1, 1);
    ASSERT_TRUE(until([&] { return pool().queued == 1; }));
    EXPECT_TRUE(node->unload_plugin("memory").ok);
    EXPECT_EQ("PUBACK 1 83", client.take());
}

TEST_F(PluginsTest, SaysWhatCannotBeDone) {
    start();
    EXPECT_EQ("Plugin nobody not found.", node->load_plugin("nobody").message);
    EXPECT_EQ("Plugin nobody not found.", node->reload_plugin("nobody").message);
    EXPECT_EQ("Plugin emqx_backend_memory is already loaded.", node->load_plugin("memory").message);
    ASSERT_TRUE(node->unload_plugin("memory").ok);
    EXPECT_EQ("Plugin memory is not loaded.", node->unload_plugin("memory").message);
    EXPECT_TRUE(node->reload_plugin("memory").ok) << "reload also loads";
    EXPECT_TRUE(node->plugins().at(0).active);
}

TEST_F(PluginsTest, AReloadWithAnErrorKeepsTheOldRules) {
    start();
    rules(rule("message.publish.1", "on_nothing"));
    const auto done = node->reload_plugin("memory");
    EXPECT_FALSE(done.ok);
    EXPECT_THAT(done.message, HasSubstr("emqx_backend_memory.conf:2"));
    EXPECT_THAT(done.message, HasSubstr("goes on with its old configuration"));
    Client client{port()};
    client.connect("c");
    client.publish("t", "1", 1, 1);
    EXPECT_EQ("PUBACK 1 00", client.take());
    EXPECT_THAT(committed_payloads(), ElementsAre("1"));
}

TEST_F(PluginsTest, AReloadTakesTheNewRules) {
    start();
    Client client{port()};
    client.connect("c");
    rules(rule("message.publish.1", "on_message_publish", "new/#"));
    ASSERT_TRUE(node->reload_plugin("memory").ok);
    client.publish("old/t", "1", 1, 1);
    client.publish("new/t", "2", 1, 2);
    EXPECT_THAT(client.take(2), ElementsAre("PUBACK 1 00", "PUBACK 2 00"));
    EXPECT_THAT(committed_payloads(), ElementsAre("2"));
}

/// Publishes while the plugin is reloaded again and again: all is acknowledged, stored once, in
/// order.
TEST_F(PluginsTest, ReloadsKeepTheOrder) {
    start();
    Client client{port()};
    client.connect("c");
    std::atomic<bool> over{false};
    auto reloading = std::async(std::launch::async, [&] {
        int reloads = 0;
        while (!over.load()) {
            if (!node->reload_plugin("memory").ok)
                return -1;
            ++reloads;
        }
        return reloads;
    });
    constexpr int count = 3000;
    constexpr int window = 100;
    std::vector<std::string> expected;
    for (int i = 1; i <= count + window; ++i) {
        if (i <= count) {
            expected.push_back(std::to_string(i));
            client.publish("t", expected.back(), 1, static_cast<mqtt::PacketId>(i));
        }
        if (i > window) {
            ASSERT_EQ("PUBACK " + std::to_string(i - window) + " 00", client.take());
        }
    }
    over.store(true);
    EXPECT_GT(reloading.get(), 0);
    EXPECT_EQ(expected, committed_payloads());
}

// --- one shard, step by step --------------------------------------------------------------------

/// The steps of a reload as Node takes them, with the time between them in the hands of the test.
class ReloadTest : public PluginsTest {
  protected:
    ReloadTest() : shard{settings, MessageIdSource{1}, 1} {
        // Few, so that a queue is soon full.
        settings.store.queue_limit = 5;
        shard.set_settings(settings);
        EXPECT_FALSE(shard.add_listener("tcp:test", "127.0.0.1", 0, 100));
        letters = std::move(std::get<0>(store::DeadLetters::open(dir.file("letters.db"))));
        old = load();
        old->start(settings, *letters, commands);
        shard.start();
        shard.ask([&](Shard& s) {
            s.set_plugins({old});
            s.start_accepting();
        });
        client.emplace(shard.listeners()[0].listener->port());
        EXPECT_EQ("CONNACK 00", client->connect("c"));
    }
    ~ReloadTest() override {
        database->release_writes();
        for (const auto& plugin : {old, fresh})
            if (plugin && plugin->started())
                plugin->stop();
        shard.stop();
    }

    [[nodiscard]] PluginPtr load() {
        return Plugin::load(memory_descriptor(),
                            dir.file("plugins/emqx_backend_memory.conf"),
                            settings,
                            diagnostics);
    }
    void hold_fresh() {
        fresh = load();
        shard.ask([&](Shard& s) {
            s.hold(fresh, held);
            s.set_plugins({fresh});
        });
    }
    void switch_over() {
        EXPECT_TRUE(old->drain(std::chrono::steady_clock::now() + std::chrono::seconds{20}));
        old->stop();
        fresh->start(settings, *letters, commands);
        held->release();
        shard.ask([&](Shard& s) { s.release(fresh.get()); });
    }

    std::unique_ptr<store::DeadLetters> letters;
    NoCommands commands;
    PluginPtr old;
    PluginPtr fresh;
    std::shared_ptr<HeldWork> held = std::make_shared<HeldWork>();
    Shard shard;
    std::optional<Client> client;
};

TEST_F(ReloadTest, WhatComesMeanwhileWaitsForTheOldPools) {
    database->hold_writes();
    client->publish("t", "1", 1, 1);
    client->publish("t", "2", 1, 2);
    ASSERT_TRUE(database->await_held_writes(1));
    EXPECT_THAT(client->take_all_so_far(), IsEmpty());
    hold_fresh();
    client->publish("t", "3", 1, 3);
    client->publish("t", "4", 1, 4);
    EXPECT_THAT(client->take_all_so_far(), IsEmpty());
    database->release_writes();
    EXPECT_THAT(client->take(2), ElementsAre("PUBACK 1 00", "PUBACK 2 00"));
    EXPECT_THAT(client->take_all_so_far(), IsEmpty()) << "the others wait for the new pools";
    switch_over();
    EXPECT_THAT(client->take(2), ElementsAre("PUBACK 3 00", "PUBACK 4 00"));
    EXPECT_THAT(committed_payloads(), ElementsAre("1", "2", "3", "4"));
}

TEST_F(ReloadTest, APausedPublisherGoesOnAfterIt) {
    database->hold_writes();
    std::string bytes;
    for (mqtt::PacketId i = 1; i <= 20; ++i)
        bytes += publish_bytes("t", std::to_string(i), 1, i, mqtt::ProtocolVersion::v5);
    client->send_bytes(bytes);
    ASSERT_TRUE(
        until([&] { return shard.ask([](Shard& s) { return s.paused_connections(); }) == 1; }));
    hold_fresh();
    database->release_writes();
    switch_over();
    EXPECT_THAT(client->take(20), testing::SizeIs(20));
    EXPECT_EQ(20U, committed_payloads().size());
}

TEST_F(ReloadTest, WhatWaitsIsBounded) {
    hold_fresh();
    std::string bytes;
    for (mqtt::PacketId i = 1; i <= 20; ++i)
        bytes += publish_bytes("t", std::to_string(i), 1, i, mqtt::ProtocolVersion::v5);
    client->send_bytes(bytes);
    EXPECT_TRUE(
        until([&] { return shard.ask([](Shard& s) { return s.paused_connections(); }) == 1; }));
    switch_over();
    EXPECT_THAT(client->take(20), testing::SizeIs(20));
    EXPECT_EQ(20U, committed_payloads().size());
}

}  // namespace
}  // namespace keepmq::runtime::test
