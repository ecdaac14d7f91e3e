// Start, shut-down, and looking in from outside.

#include "runtime/tests/support.hpp"

namespace keepmq::runtime::test {
namespace {

using mqtt::ProtocolVersion;
using testing::ElementsAre;
using testing::HasSubstr;

class LifeTest : public NodeTest {
  protected:
    [[nodiscard]] std::string messages() const {
        std::string text;
        for (const auto& each : diagnostics.all()) text += each.to_string() + '\n';
        return text;
    }
};

TEST_F(LifeTest, OneBrokerForADataFolder) {
    start();
    EXPECT_FALSE(Node::start(settings, registry, diagnostics));
    EXPECT_THAT(messages(), HasSubstr("another broker"));
}

TEST_F(LifeTest, AnAddressInUseIsSaid) {
    start();
    auto second = settings;
    second.node.data_dir = dir.file("second");
    second.listeners[0].endpoint.port = port();
    EXPECT_FALSE(Node::start(second, registry, diagnostics));
    EXPECT_THAT(messages(), HasSubstr("cannot listen"));
}

TEST_F(LifeTest, APluginWithAnErrorStaysOut) {
    rules(rule("message.publish.1", "on_nothing"));
    node = Node::start(settings, registry, diagnostics);
    ASSERT_TRUE(node);
    EXPECT_THAT(node->pools(), testing::IsEmpty());
    EXPECT_THAT(node->plugins().at(0).error, HasSubstr("emqx_backend_memory.conf:2"));
    rules(rule("message.publish.1", "on_message_publish"));
    EXPECT_TRUE(node->load_plugin("memory").ok);
    EXPECT_EQ("", node->plugins().at(0).error);
}

TEST_F(LifeTest, LoadedPluginsAreRemembered) {
    start();
    ASSERT_TRUE(node->unload_plugin("memory").ok);
    stop();
    node = Node::start(settings, registry, diagnostics);
    ASSERT_TRUE(node);
    EXPECT_FALSE(node->plugins().at(0).active) << "the settings hold for the first start only";
}

/// A second kind of database, whose file has a mistake.
class MistakeTest : public LifeTest {
  protected:
    MistakeTest() {
        other.kind = other.pool_kind = "other";
        other.plugin = "emqx_backend_other";
        registry.push_back(&other);
        settings.plugins.loaded = {"emqx_backend_other", "emqx_backend_memory"};
        write_other("on_nothing");
    }
    ~MistakeTest() override { node.reset(); }

    void write_other(const std::string& function) const {
        write_file(dir.file("plugins/emqx_backend_other.conf"),
                   "backend.other.pool1.server = here\n"
                   "backend.other.hook.client.connected.1 = {\"action\": {\"function\": \"" +
                       function + "\"}, \"pool\": \"pool1\"}\n");
    }

    void start_without_other() {
        node = Node::start(settings, registry, diagnostics);
        ASSERT_TRUE(node);
        ASSERT_TRUE(node->plugins().at(0).active);
        ASSERT_FALSE(node->plugins().at(1).active);
    }

    store::BackendDescriptor other = memory_descriptor();
};

TEST_F(MistakeTest, APluginThatStayedOutIsNotForgotten) {
    start_without_other();
    EXPECT_EQ("emqx_backend_other\nemqx_backend_memory\n",
              read_file(dir.file("data/loaded_plugins")));
    stop();
    write_other("on_client_connected");
    start();
}

TEST_F(MistakeTest, AReloadTriesItAgain) {
    start_without_other();
    node->reload(settings);
    EXPECT_FALSE(node->plugins().at(1).active);
    write_other("on_client_connected");
    node->reload(settings);
    EXPECT_TRUE(node->plugins().at(1).active);
}

TEST_F(MistakeTest, UnloadingForgetsIt) {
    start_without_other();
    EXPECT_TRUE(node->unload_plugin("other").ok);
    EXPECT_EQ("emqx_backend_memory\n", read_file(dir.file("data/loaded_plugins")));
    EXPECT_EQ("", node->plugins().at(1).error);
    EXPECT_FALSE(node->unload_plugin("other").ok);
}

TEST_F(MistakeTest, OneThatThisProgramLacksIsNotForgotten) {
    registry.pop_back();
    write_file(dir.file("data/loaded_plugins"), "emqx_backend_other\nemqx_backend_memory\n");
    node = Node::start(settings, registry, diagnostics);
    ASSERT_TRUE(node);
    EXPECT_THAT(messages(), HasSubstr(dir.file("data/loaded_plugins")));
    EXPECT_THAT(messages(), HasSubstr("emqx_backend_other is not part of this program"));
    EXPECT_TRUE(node->reload_plugin("memory").ok);
    ASSERT_TRUE(node->unload_plugin("memory").ok);
    EXPECT_EQ("emqx_backend_other\n", read_file(dir.file("data/loaded_plugins")));
}

TEST_F(LifeTest, IdsGoOnAfterARestart) {
    start();
    {
        Client client{port()};
        client.connect("c");
        client.publish("t", "1", 1, 1);
        ASSERT_EQ("PUBACK 1 00", client.take());
    }
    EXPECT_TRUE(node->shut_down());
    stop();
    const auto floor = read_file(dir.file("data/id_floor"));
    const auto stored = std::get<store::StoreMessage>(database->writes().at(0).ops.at(0));
    EXPECT_EQ(std::to_string(stored.message->id.time().time_since_epoch().count()) + '\n', floor);
    // As if the clock had gone back by a year meanwhile.
    const auto later = std::to_string(std::stoll(floor) + 31'536'000'000'000) + '\n';
    write_file(dir.file("data/id_floor"), later);
    start();
    Client client{port()};
    client.connect("c");
    client.publish("t", "2", 1, 2);
    ASSERT_EQ("PUBACK 2 00", client.take());
    const auto second = std::get<store::StoreMessage>(database->writes().at(1).ops.at(0));
    EXPECT_GE(second.message->id.time().time_since_epoch().count(), std::stoll(later));
}

TEST_F(LifeTest, AShutDownSaysGoodbyeAndDrains) {
    start();
    Client modern{port()};
    modern.connect("modern");
    Client older{port(), ProtocolVersion::v3_1_1};
    older.connect("older");
    modern.publish("t", "1", 1, 1);
    ASSERT_EQ("PUBACK 1 00", modern.take());
    EXPECT_TRUE(node->shut_down());
    EXPECT_EQ("DISCONNECT 8b", modern.take());
    EXPECT_EQ("CLOSED", modern.take());
    EXPECT_EQ("CLOSED", older.take());
    EXPECT_TRUE(node->shut_down()) << "a second one is nothing";
}

TEST_F(LifeTest, AShutDownWithALostWriteIsNotClean) {
    settings.store.shutdown_deadline = std::chrono::milliseconds{50};
    break_spool();
    start();
    Client client{port()};
    client.connect("c");
    database->go_down();
    client.publish("t", "1", 1, 1);
    ASSERT_TRUE(until([&] { return pool().queued == 1; }));
    EXPECT_FALSE(node->shut_down());
    EXPECT_NE("PUBACK 1 00", client.take());
}

/// The admin interface lives a little longer than the broker.
TEST_F(LifeTest, QuestionsAfterTheShutDownAreAnswered) {
    start();
    node->shut_down();
    EXPECT_EQ(0U, node->stats().connections);
    EXPECT_EQ(settings.node.name, node->status().node);
    EXPECT_EQ(0U, node->sessions("", false, 0, 0).total);
    EXPECT_FALSE(node->kick("nobody"));
    EXPECT_EQ(1U, node->plugins().size());
    EXPECT_FALSE(node->load_plugin("memory").ok);
    EXPECT_FALSE(node->reload_plugin("memory").ok);
    EXPECT_FALSE(node->unload_plugin("memory").ok);
    node->housekeeping();
    node->reload(settings);
}

TEST_F(LifeTest, PortsAreToldAsJson) {
    start();
    EXPECT_EQ("{\"tcp:external@127.0.0.1:" + std::to_string(port()) +
                  "\":" + std::to_string(port()) + "}",
              node->listeners_json());
}

TEST_F(LifeTest, AListenerHasALimit) {
    settings.listeners[0].max_connections = 2;
    start();
    Client one{port()};
    one.connect("one");
    {
        Client two{port()};
        two.connect("two");
        Client three{port()};
        EXPECT_EQ("CLOSED", three.connect("three"));
        EXPECT_EQ(2U, node->status().listeners.at(0).connections);
    }
    ASSERT_TRUE(until([&] { return node->stats().connections == 1; }));
    Client again{port()};
    EXPECT_EQ("CONNACK 00", again.connect("again"));
}

TEST_F(LifeTest, IllegalBytesEndTheConnectionOnly) {
    start();
    Client good{port()};
    good.connect("good");
    Client bad{port()};
    bad.connect("bad");
    bad.send_bytes({"\x00\x00", 2});
    EXPECT_EQ("DISCONNECT 81", bad.take());
    EXPECT_EQ("CLOSED", bad.take());
    EXPECT_THAT(good.take_all_so_far(), testing::IsEmpty());
    EXPECT_TRUE(until([&] { return node->status().listeners.at(0).connections == 1; }));
}

TEST_F(LifeTest, ASecondConnectionTakesTheSessionOver) {
    start();
    Client first{port()};
    first.connect("c", false);
    first.subscribe("t", 1);
    ASSERT_EQ("SUBACK 1 01", first.take());
    Client second{port()};
    EXPECT_EQ("CONNACK 00", second.connect("c", false));
    EXPECT_EQ("DISCONNECT 8e", first.take());
    EXPECT_EQ("CLOSED", first.take());
    second.publish("t", "x", 1, 1);
    EXPECT_THAT(second.take(2), testing::UnorderedElementsAre("PUBLISH t x", "PUBACK 1 00"));
}

TEST_F(LifeTest, TheAdminSeesAndActs) {
    start();
    Client client{port()};
    client.connect("c");
    client.publish("r", "kept", 1, 1, true);
    ASSERT_EQ("PUBACK 1 00", client.take());
    EXPECT_EQ("c", node->sessions("", true, 0, 10).items.at(0).client.view());
    EXPECT_EQ(0U, node->sessions("nobody", false, 0, 10).total);
    EXPECT_EQ("kept", node->retained("#", 0, 10).items.at(0).payload);

    EXPECT_TRUE(node->subscribe("c", "a/#", 1).ok);
    EXPECT_FALSE(node->subscribe("nobody", "a/#", 1).ok);
    client.publish("a/b", "x", 0);
    EXPECT_EQ("PUBLISH a/b x", client.take());
    EXPECT_EQ("a/#", node->subscriptions("", 0, 10).items.at(0).filter);
    EXPECT_TRUE(node->unsubscribe("c", "a/#").ok);
    EXPECT_EQ(0U, node->subscriptions("c", 0, 10).total);

    EXPECT_TRUE(node->kick("c"));
    EXPECT_FALSE(node->kick("c"));
    EXPECT_EQ("DISCONNECT 98", client.take());
    const auto rule = node->rules().at(0);
    EXPECT_EQ(1U, rule.committed);
    EXPECT_EQ("on_message_publish", rule.action);
}

TEST_F(LifeTest, PagesOfSessionsAreCut) {
    start();
    std::vector<std::unique_ptr<Client>> clients;
    for (const auto* id : {"d", "a", "c", "b"}) {
        clients.push_back(std::make_unique<Client>(port()));
        clients.back()->connect(id);
    }
    const auto page = node->sessions("", false, 1, 2);
    EXPECT_EQ(4U, page.total);
    ASSERT_EQ(2U, page.items.size());
    EXPECT_EQ("b", page.items[0].client.view());
    EXPECT_EQ("c", page.items[1].client.view());
    EXPECT_TRUE(node->sessions("", false, 9, 2).items.empty());
}

TEST_F(LifeTest, SysTopicsArePublished) {
    settings.mqtt.sys_interval = std::chrono::seconds{60};
    start();
    node->housekeeping();
    Client client{port()};
    client.connect("c");
    client.subscribe("$SYS/brokers", 0);
    EXPECT_THAT(client.take(2),
                ElementsAre("SUBACK 1 00", "PUBLISH $SYS/brokers " + settings.node.name));
}

TEST_F(LifeTest, NewSettingsHoldForNewPackets) {
    start();
    Client client{port()};
    client.connect("c");
    auto changed = settings;
    changed.mqtt.max_qos_allowed = Qos::at_most_once;
    node->reload(changed);
    Client other{port()};
    other.connect("other");
    other.publish("t", "x", 1, 1);
    EXPECT_EQ("DISCONNECT 9b", other.take());
}

/// A reader that does not read is dropped when too much waits for it, and its socket goes as well.
TEST_F(LifeTest, ASlowReaderIsDropped) {
    settings.mqtt.max_outgoing_buffer = 100'000;
    settings.mqtt.max_mqueue_len = 10;
    start();
    Client slow{port()};
    slow.connect("slow");
    slow.subscribe("t", 0);
    ASSERT_EQ("SUBACK 1 00", slow.take());
    Client client{port()};
    client.connect("c");
    const std::string payload(50'000, 'x');
    for (int i = 0; i < 400; ++i) client.publish("t", payload, 0);
    EXPECT_THAT(client.take_all_so_far(), testing::IsEmpty());
    EXPECT_TRUE(node->kick("slow") || node->stats().connections == 1);
    EXPECT_TRUE(until([&] { return node->status().listeners.at(0).connections == 1; }));
}

}  // namespace
}  // namespace keepmq::runtime::test
