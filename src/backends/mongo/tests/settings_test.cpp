// Settings of a pool, and what the driver is told of them. A replica set and shards need servers
// that tests do not have, so this is where their settings are looked at.

#include "backends/mongo/settings.hpp"

#include "backends/mongo/tests/support.hpp"

namespace keepmq::mongo::test {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

Settings read(Properties properties) {
    return settings_of<Settings>(pool_conf(descriptor(), properties));
}

std::string uri(Properties properties) {
    return uri_of(read(properties));
}

std::vector<std::string> problems(Properties properties) {
    return store::testing::problems(descriptor(), pool_conf(descriptor(), properties));
}

TEST(Settings, DefaultsAreThoseOfEmqx) {
    const auto settings = read({});
    EXPECT_EQ(settings.pool_size, 8U);
    EXPECT_EQ(settings.database, "mqtt");
    EXPECT_TRUE(settings.safe);
    EXPECT_FALSE(settings.reads_secondary);
    EXPECT_THAT(uri({}),
                AllOf(StartsWith("mongodb://127.0.0.1:27017/mqtt?"),
                      HasSubstr("directConnection=true"),
                      HasSubstr("readPreference=primary&"),
                      HasSubstr("w=majority"),
                      HasSubstr("journal=true"),
                      Not(HasSubstr("authSource"))));
}

TEST(Settings, TypesBecomeTopologies) {
    EXPECT_THAT(uri({{"type", "unknown"}, {"server", "a,b:1"}}),
                AllOf(StartsWith("mongodb://a:27017,b:1/"), HasSubstr("directConnection=false")));
    EXPECT_THAT(uri({{"type", "sharded"}, {"server", "a,[::1]:2"}}),
                AllOf(StartsWith("mongodb://a:27017,[::1]:2/"),
                      HasSubstr("directConnection=false"),
                      Not(HasSubstr("replicaSet"))));
    EXPECT_THAT(uri({{"type", "rs"}, {"rs_set_name", "my set"}, {"server", "a,b"}}),
                AllOf(HasSubstr("replicaSet=my%20set"), HasSubstr("directConnection=false")));
    // The name of a set says nothing where there is none.
    EXPECT_THAT(uri({{"rs_set_name", "testrs"}}), Not(HasSubstr("replicaSet")));
}

TEST(Settings, ANameOfServersIsLeftToTheDriver) {
    const auto text = uri({{"type", "rs"}, {"srv_record", "true"}, {"server", "c1.example.com"}});
    EXPECT_THAT(text,
                AllOf(StartsWith("mongodb+srv://c1.example.com/mqtt?"),
                      HasSubstr("tls=false"),  // ours is below the driver
                      Not(HasSubstr("directConnection"))));
    for (const char* wrong : {"c1.example.com:27017", "localhost", "a.b.c,d.e.f"})
        EXPECT_EQ(problems({{"type", "rs"}, {"srv_record", "true"}, {"server", wrong}}).size(), 1U);
    EXPECT_EQ(problems({{"srv_record", "true"}, {"server", "c1.example.com"}}).size(), 1U);
}

TEST(Settings, ModesOfReadingAndWriting) {
    EXPECT_THAT(uri({{"w_mode", "unsafe"}, {"r_mode", "slave_ok"}}),
                AllOf(HasSubstr("w=1"),
                      Not(HasSubstr("journal")),
                      HasSubstr("readPreference=secondaryPreferred")));
    EXPECT_THAT(uri({{"w_mode", "safe"}, {"r_mode", "master"}}),
                HasSubstr("readPreference=primary"));
}

TEST(Settings, TheLoginIsNotInTheConnectionString) {
    const Properties login{{"login", "us:er"}, {"password", "p@ss"}, {"auth_source", "my/db"}};
    const auto settings = read(login);
    EXPECT_EQ(settings.login, "us:er");
    EXPECT_EQ(settings.password, "p@ss");
    EXPECT_THAT(uri(login),
                AllOf(HasSubstr("authSource=my%2Fdb"),
                      Not(HasSubstr("us:er")),
                      Not(HasSubstr("ss&")),
                      Not(HasSubstr("p@ss"))));
    EXPECT_THAT(uri({{"login", "a"}, {"password", "b"}}), HasSubstr("authSource=admin"));
}

TEST(Settings, TopologyKeysBecomeThoseOfTheDriver) {
    const Properties shipped{{"topology.pool_size", "1"},
                             {"topology.max_overflow", "0"},
                             {"topology.overflow_ttl", "1000"},
                             {"topology.overflow_check_period", "1000"},
                             {"topology.local_threshold_ms", "1000"},
                             {"topology.connect_timeout_ms", "20000"},
                             {"topology.socket_timeout_ms", "100"},
                             {"topology.server_selection_timeout_ms", "30000"},
                             {"topology.wait_queue_timeout_ms", "1000"},
                             {"topology.heartbeat_frequency_ms", "10000"},
                             {"topology.min_heartbeat_frequency_ms", "1000"}};
    EXPECT_THAT(uri(shipped),
                AllOf(HasSubstr("connectTimeoutMS=20000"),
                      HasSubstr("socketTimeoutMS=5000"),  // 100 ms fail a busy server by accident
                      HasSubstr("serverSelectionTimeoutMS=30000"),
                      HasSubstr("localThresholdMS=1000"),
                      HasSubstr("heartbeatFrequencyMS=10000")));
    EXPECT_EQ(read(shipped).pool_size, 8U);
    // What was written for KeepMQ counts more than what was written for another driver.
    EXPECT_EQ(read({{"topology.socket_timeout_ms", "100"}, {"read_timeout", "1s"}}).read_timeout,
              1s);
}

TEST(Settings, SharedOnesAreChecked) {
    expect_shared_settings_are_checked(descriptor());
}

TEST(Settings, MistakesAreNamed) {
    for (const auto& [property, value] : {std::pair{"type", "cluster"},
                                          {"type", "rs"},
                                          {"server", "a:b"},
                                          {"server", "a,b"},
                                          {"c_pool_size", "0"},
                                          {"database", "a.b"},
                                          {"database", ""},
                                          {"login", "only"},
                                          {"password", "hidden"},
                                          {"w_mode", "majority"},
                                          {"r_mode", "primary"},
                                          {"srv_record", "maybe"},
                                          {"topology.connect_timeout_ms", "soon"}}) {
        const auto found = problems({{property, value}});
        ASSERT_EQ(found.size(), 1U) << property;
        EXPECT_THAT(found[0], HasSubstr(property));
        EXPECT_THAT(found[0], Not(HasSubstr("hidden")));
    }
}

}  // namespace
}  // namespace keepmq::mongo::test
