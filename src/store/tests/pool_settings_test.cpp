#include "store/pool_settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/testing/words.hpp"

namespace keepmq::store::testing {
namespace {

struct Settings {
    std::string pool;
    std::string data_dir;
    std::size_t lanes = 2;
    Tls tls;
    std::chrono::milliseconds connect_timeout{1};
    std::chrono::milliseconds read_timeout{1};

    static std::vector<std::string_view> names() { return with_network_settings({"pool_size"}); }
    void fill(PoolConfReader& read) {
        read.number("pool_size", 1, 8, lanes);
        read.tls(tls);
        read.timeouts(connect_timeout, read_timeout);
    }
};

class ConfiguredBackend final : public Backend {
  public:
    explicit ConfiguredBackend(const Settings& settings) : lanes_{settings.lanes} {}

    std::unique_ptr<Connection> connect(Role /*role*/) const override { return nullptr; }
    std::size_t lanes() const override { return lanes_; }
    std::size_t readers() const override { return 1; }
    std::string durability() const override { return {}; }
    std::string schema_script() const override { return {}; }
    SchemaReport check_schema() const override { return {}; }
    std::optional<Failure> create_schema() const override { return {}; }
    bool auto_create_schema() const override { return false; }
    std::optional<Failure> try_statement(const Statement& /*statement*/) const override {
        return {};
    }
    std::string placeholder(std::size_t /*index*/) const override { return {}; }

  private:
    std::size_t lanes_;
};

const BackendDescriptor descriptor{
    .kind = "memory",
    .pool_kind = "memory",
    .plugin = "emqx_backend_memory",
    .description = "",
    .statement_member = "",
    .pool_properties = Settings::names(),
    .configure = configure<ConfiguredBackend, Settings>,
};

TEST(PoolSettings, AreFilledFromTheLinesOfAFile) {
    const auto settings = settings_of<Settings>(
        pool_conf(descriptor, {{"pool_size", "3"}, {"ssl", "on"}, {"read_timeout", "2s"}}, "/srv"));
    EXPECT_EQ("pool1", settings.pool);
    EXPECT_EQ("/srv", settings.data_dir);
    EXPECT_EQ(3U, settings.lanes);
    EXPECT_TRUE(settings.tls.enabled);
    EXPECT_EQ(std::chrono::milliseconds{1}, settings.connect_timeout);
    EXPECT_EQ(std::chrono::seconds{2}, settings.read_timeout);
}

TEST(PoolSettings, MakeABackendUnlessOneIsRefused) {
    EXPECT_EQ(4U, make_backend(descriptor, pool_conf(descriptor, {{"pool_size", "4"}}))->lanes());
    Diagnostics diagnostics;
    EXPECT_EQ(nullptr,
              descriptor.configure(pool_conf(descriptor, {{"pool_size", "9"}}), diagnostics));
    EXPECT_TRUE(diagnostics.has_errors());
}

TEST(PoolSettings, AreCheckedAlike) {
    expect_shared_settings_are_checked(descriptor);
}

}  // namespace
}  // namespace keepmq::store::testing
