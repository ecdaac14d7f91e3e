#include "runtime/plugin.hpp"

#include "runtime/tests/support.hpp"
#include "store/testing/memory_dead_letters.hpp"

namespace keepmq::runtime::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class PluginTest : public testing::Test {
  protected:
    PluginTest() { memory_database() = std::make_shared<store::testing::MemoryDatabase>(); }

    PluginPtr load(const std::string& content) {
        write_file(file, content);
        return Plugin::load(memory_descriptor(), file, settings, diagnostics);
    }
    [[nodiscard]] std::vector<std::string> errors() const {
        std::vector<std::string> texts;
        for (const auto& each : diagnostics.all())
            if (each.severity == Severity::error)
                texts.push_back(each.to_string());
        return texts;
    }

    TempDir dir;
    std::string file = dir.file("emqx_backend_memory.conf");
    config::Settings settings;
    Diagnostics diagnostics;
};

TEST_F(PluginTest, LoadsPoolsAndRules) {
    const auto plugin = load("backend.memory.pool1.server = a\nbackend.memory.pool2.server = b\n" +
                             rule("message.publish.1", "on_message_publish"));
    ASSERT_TRUE(plugin);
    EXPECT_TRUE(diagnostics.all().empty());
    EXPECT_EQ("emqx_backend_memory", plugin->name());
    EXPECT_EQ(2U, plugin->pool_count());
    EXPECT_EQ(1U, plugin->rules().rules().size());
    EXPECT_FALSE(plugin->started()) << "loading touches no database";
    EXPECT_EQ(0U, memory_database()->opens());
}

TEST_F(PluginTest, ReportsEveryErrorWithItsLine) {
    const auto plugin =
        load("backend.memory.pool1.broken = yes\n" + rule("message.publish.1", "on_nothing") +
             rule("message.publish.2", "on_message_publish", "a/#/b") +
             "backend.memory.hook.message.publish.3 = {not json}\n");
    EXPECT_FALSE(plugin);
    EXPECT_THAT(errors(), testing::SizeIs(testing::Ge(4U)));
    for (const auto* line : {":1: error", ":2: error", ":3: error", ":4: error"})
        EXPECT_THAT(errors(), testing::Contains(HasSubstr(file + line)));
}

TEST_F(PluginTest, AMissingFileIsAnError) {
    EXPECT_FALSE(
        Plugin::load(memory_descriptor(), dir.file("nowhere.conf"), settings, diagnostics));
    EXPECT_THAT(errors(), ElementsAre(HasSubstr("nowhere.conf")));
}

TEST_F(PluginTest, ARuleNeedsAPoolThatIsThere) {
    EXPECT_FALSE(load("backend.memory.pool2.server = a\n" +
                      rule("message.publish.1", "on_message_publish")));
    EXPECT_THAT(errors(), ElementsAre(HasSubstr("pool1")));
}

TEST_F(PluginTest, StartsDrainsAndStopsItsPools) {
    const auto plugin =
        load("backend.memory.pool1.server = a\n" + rule("message.publish.1", "on_message_publish"));
    ASSERT_TRUE(plugin);
    store::testing::MemoryDeadLetters dead_letters;
    settings.store.max_batch = 7;
    NoCommands commands;
    plugin->start(settings, dead_letters, commands);
    ASSERT_TRUE(plugin->started());
    EXPECT_EQ("pool1", plugin->pool(0).settings().name);
    EXPECT_EQ(7U, plugin->pool(0).settings().max_batch);
    plugin->pool(0).submit(store::ClientOnline{ClientId{"c"}, "n", {}}, {}, nullptr);
    EXPECT_TRUE(plugin->drain(std::chrono::steady_clock::now() + std::chrono::seconds{20}));
    EXPECT_TRUE(memory_database()->presence(ClientId{"c"}));
    plugin->stop();
    EXPECT_EQ(store::PoolState::stopped, plugin->pool(0).state());
}

TEST(FindBackend, ByPluginOrKind) {
    const Registry registry{&memory_descriptor()};
    EXPECT_EQ(&memory_descriptor(), find_backend(registry, "emqx_backend_memory"));
    EXPECT_EQ(&memory_descriptor(), find_backend(registry, "memory"));
    EXPECT_EQ(nullptr, find_backend(registry, "emqx_backend_redis"));
    EXPECT_EQ(nullptr, find_backend({}, "memory"));
}

}  // namespace
}  // namespace keepmq::runtime::test
