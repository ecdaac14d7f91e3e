#include "load/options.hpp"

#include <gmock/gmock.h>

#include "load/bench_conn.hpp"
#include "load/bench_pub.hpp"
#include "load/bench_replay.hpp"
#include "load/bench_retain.hpp"

namespace keepmq::load {
namespace {

using ::testing::HasSubstr;

std::string parse(std::span<const Option> options, std::vector<std::string_view> words) {
    return parse_options(options, words);
}

TEST(BenchOptions, TakeLongShortAndJoinedForms) {
    PubSettings settings;
    const auto options = pub_options(settings);
    EXPECT_EQ(
        parse(options,
              {"-c", "7", "--qos=2", "-s", "128", "--rate", "2.5e3", "--seconds", "1.5", "-r"}),
        "");
    EXPECT_EQ(settings.publishers, 7U);
    EXPECT_EQ(settings.plan.qos, Qos::exactly_once);
    EXPECT_EQ(settings.plan.size, 128U);
    EXPECT_EQ(settings.plan.rate, 2500);
    EXPECT_EQ(settings.duration, std::chrono::milliseconds{1500});
    EXPECT_TRUE(settings.plan.retain);
}

TEST(BenchOptions, SayInOneLineWhatIsWrong) {
    PubSettings settings;
    const auto options = pub_options(settings);
    EXPECT_EQ(parse(options, {"--what", "1"}), "unknown option --what");
    EXPECT_EQ(parse(options, {"word"}), "one word too many: word");
    EXPECT_EQ(parse(options, {"--qos", "3"}), "--qos wants 0, 1 or 2, not \"3\"");
    EXPECT_EQ(parse(options, {"-s", "15"}), "-s wants a number from 16 to 268435000, not \"15\"");
    EXPECT_EQ(parse(options, {"--rate", "-1"}), "--rate wants a number greater than 0, not \"-1\"");
    EXPECT_EQ(parse(options, {"--seconds"}), "--seconds needs a value: SECONDS");
    EXPECT_EQ(parse(options, {"--retain=yes"}), "--retain takes no value");
    EXPECT_EQ(parse(options, {"-c", "12x"}), "-c wants a number from 0 to 1000000, not \"12x\"");
}

TEST(BenchOptions, OfAllCommandsAreKnown) {
    BenchSettings settings;
    const auto options = bench_options(settings);
    EXPECT_EQ(parse(options,
                    {"-h",
                     "broker",
                     "-p",
                     "2883",
                     "-u",
                     "name",
                     "-P",
                     "",
                     "-V",
                     "5",
                     "--json",
                     "-",
                     "--quiet"}),
              "");
    EXPECT_EQ(settings.host, "broker");
    EXPECT_EQ(settings.port, 2883U);
    EXPECT_EQ(settings.username, "name");
    EXPECT_EQ(settings.password, "");
    EXPECT_EQ(settings.version, mqtt::ProtocolVersion::v5);
    EXPECT_EQ(settings.json, "-");
    EXPECT_EQ(parse(options, {"-V", "mqttv311"}), "");
    EXPECT_EQ(settings.version, mqtt::ProtocolVersion::v3_1_1);
    EXPECT_THAT(parse(options, {"-V", "6"}), HasSubstr("3 (MQTT 3.1), 4 (3.1.1) or 5"));
    EXPECT_THAT(parse(options, {"-p", "65536"}), HasSubstr("1 to 65535"));
}

TEST(BenchOptions, HelpNamesEachOptionAndItsDefault) {
    PubSettings settings;
    const auto options = pub_options(settings);
    const auto help = options_help(options);
    for (const auto& each : options) EXPECT_THAT(help, HasSubstr("  " + each.names));
    EXPECT_THAT(help, HasSubstr("bytes of payload (64)"));
    EXPECT_THAT(help, HasSubstr("-q, --qos 0|1|2"));
}

TEST(PubSettings, TurnAnIntervalIntoARate) {
    PubSettings settings;
    settings.publishers = 20;
    settings.interval = 100;
    EXPECT_EQ(settings.check(), "");
    EXPECT_EQ(settings.plan.rate, 200);

    settings.interval = 10;
    EXPECT_THAT(settings.check(), HasSubstr("exclude each other"));
}

TEST(PubSettings, AreBoundedInTimeUnlessInCount) {
    PubSettings settings;
    EXPECT_EQ(settings.check(), "");
    EXPECT_EQ(settings.duration, std::chrono::seconds{5});

    PubSettings limited;
    limited.plan.limit = 10;
    EXPECT_EQ(limited.check(), "");
    EXPECT_EQ(limited.duration, std::chrono::seconds{0});

    PubSettings idle;
    idle.publishers = idle.subscribers = 0;
    EXPECT_THAT(idle.check(), HasSubstr("nothing to do"));
}

TEST(RetainSettings, SubscribeToWhatTheyPublish) {
    RetainSettings settings;
    settings.plan.topic = "a/%n/b/%n";
    EXPECT_EQ(settings.check(), "");
    EXPECT_EQ(settings.filter, "a/+/b/+");

    settings.plan.topic = "a/b";
    EXPECT_THAT(settings.check(), HasSubstr("%n"));
}

TEST(ReplaySettings, WantAQosThatWaits) {
    ReplaySettings settings;
    settings.plan.qos = Qos::at_most_once;
    EXPECT_THAT(settings.check(), HasSubstr("QoS 1 or 2"));
    settings.plan.qos = Qos::at_least_once;
    EXPECT_EQ(settings.check(), "");
    EXPECT_EQ(settings.plan.limit, 10'000U);
}

}  // namespace
}  // namespace keepmq::load
