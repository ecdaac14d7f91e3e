#pragma once
// A broker in this process on a database in memory that can be told to misbehave.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "base/testing/temp_dir.hpp"
#include "runtime/node.hpp"
#include "runtime/tests/client.hpp"
#include "store/testing/memory_backend.hpp"

namespace keepmq::runtime::test {

/// Where databases that have no commands may send them.
class NoCommands final : public store::ChannelSink {
  public:
    void on_command(store::ChannelCommand /*command*/) override {
        ADD_FAILURE() << "no command was expected";
    }
};

inline void write_file(const std::string& path, const std::string& content) {
    std::filesystem::create_directories(std::filesystem::path{path}.parent_path());
    std::ofstream{path, std::ios::trunc} << content;
}

inline std::string read_file(const std::string& path) {
    std::ifstream in{path};
    return {std::istreambuf_iterator<char>{in}, {}};
}

/// The kind `memory`: its pools are on `memory_database()`, made anew by each test.
[[nodiscard]] const store::BackendDescriptor& memory_descriptor();
[[nodiscard]] std::shared_ptr<store::testing::MemoryDatabase>& memory_database();

/// `backend.memory.hook.<hook> = {..., "action": {"function": ...}}`; `more` is JSON behind the
/// action.
[[nodiscard]] std::string rule(std::string_view hook,
                               std::string_view function,
                               std::string_view filter = "#",
                               std::string_view more = "");

/// Payloads of all StoreMessage operations that were committed, in order.
[[nodiscard]] std::vector<std::string> committed_payloads();

/// False after a long time.
[[nodiscard]] inline bool until(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline)
            return false;
        std::this_thread::yield();
    }
    return true;
}

class NodeTest : public ::testing::Test {
  protected:
    NodeTest();
    ~NodeTest() override;

    /// The rules of the plugin; before `start` or for a reload.
    void rules(const std::string& lines) const;
    void start();
    void stop() { node.reset(); }

    /// Nothing can be spooled: a file is where the folder should be. Before `start`.
    void break_spool() const { write_file(dir.file("data/spool"), "in the way"); }

    [[nodiscard]] std::uint16_t port() const;
    [[nodiscard]] admin::PoolStatus pool() const { return node->pools().at(0); }

    TempDir dir;
    std::shared_ptr<store::testing::MemoryDatabase> database =
        std::make_shared<store::testing::MemoryDatabase>();
    Registry registry{&memory_descriptor()};
    config::Settings settings;
    Diagnostics diagnostics;
    std::unique_ptr<Node> node;
};

}  // namespace keepmq::runtime::test
