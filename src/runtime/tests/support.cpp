#include "runtime/tests/support.hpp"

#include <charconv>
#include <cstdlib>

namespace keepmq::runtime::test {
namespace {

std::unique_ptr<store::Backend> configure(const store::PoolConf& conf, Diagnostics& diagnostics) {
    if (const auto broken = conf.entries.find("broken"); broken != conf.entries.end()) {
        diagnostics.error(broken->second.origin, "broken", "this pool is broken");
        return nullptr;
    }
    return std::make_unique<store::testing::MemoryBackend>(memory_database(), 2, 1);
}

}  // namespace

const store::BackendDescriptor& memory_descriptor() {
    static const store::BackendDescriptor descriptor{
        .kind = "memory",
        .pool_kind = "memory",
        .plugin = "emqx_backend_memory",
        .description = "a database in memory",
        .statement_member = "sql",
        .pool_properties = {"server", "broken"},
        .configure = configure,
    };
    return descriptor;
}

std::shared_ptr<store::testing::MemoryDatabase>& memory_database() {
    static std::shared_ptr<store::testing::MemoryDatabase> database;
    return database;
}

std::string rule(std::string_view hook,
                 std::string_view function,
                 std::string_view filter,
                 std::string_view more) {
    const bool has_topic =
        hook.starts_with("message.") || hook.find("subscribed") != std::string_view::npos;
    std::string line = "backend.memory.hook." + std::string{hook} + " = {";
    if (has_topic)
        line += "\"topic\": \"" + std::string{filter} + "\", ";
    line += "\"action\": {\"function\": \"" + std::string{function} + "\"}, \"pool\": \"pool1\"";
    if (!more.empty())
        line += ", " + std::string{more};
    return line + "}\n";
}

std::vector<std::string> committed_payloads() {
    std::vector<std::string> payloads;
    for (const auto& write : memory_database()->writes()) {
        if (write.failure)
            continue;
        for (const auto& op : write.ops)
            if (const auto* stored = std::get_if<store::StoreMessage>(&op))
                payloads.push_back(stored->message->payload);
    }
    return payloads;
}

NodeTest::NodeTest() {
    memory_database() = database;
    settings.conf_file = dir.file("keepmq.conf");
    settings.node.data_dir = dir.file("data");
    settings.plugins.etc_dir = dir.file("plugins");
    settings.plugins.loaded = {"emqx_backend_memory"};
    settings.listeners = {{"external", {"127.0.0.1", 0, {}}, 1000}};
    settings.mqtt.sys_interval = std::chrono::seconds{0};
    if (const char* shards = std::getenv("KEEPMQ_SHARDS"))
        settings.node.shards = static_cast<std::size_t>(std::atoi(shards));
    rules(rule("message.publish.1", "on_message_publish"));
}

NodeTest::~NodeTest() {
    database->release_writes();
    database->come_back();
    node.reset();
    memory_database().reset();
}

void NodeTest::rules(const std::string& lines) const {
    write_file(dir.file("plugins/emqx_backend_memory.conf"),
               "backend.memory.pool1.server = here\n" + lines);
}

void NodeTest::start() {
    node = Node::start(settings, registry, diagnostics);
    for (const auto& each : diagnostics.all()) ADD_FAILURE() << each.to_string();
    ASSERT_TRUE(node);
    ASSERT_EQ(settings.plugins.loaded.size(), node->pools().size());
}

std::uint16_t NodeTest::port() const {
    const auto address = node->status().listeners.at(0).address;
    const auto colon = address.rfind(':');
    std::uint16_t number = 0;
    std::from_chars(address.data() + colon + 1, address.data() + address.size(), number);
    return number;
}

}  // namespace keepmq::runtime::test
