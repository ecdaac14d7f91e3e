#include <gmock/gmock.h>

#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "admin/figures.hpp"
#include "admin/tests/server_fixture.hpp"

namespace keepmq::admin {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Prometheus : public ServerTest {};

TEST_F(Prometheus, ShowsEverything) {
    const auto answer = get("/metrics");
    EXPECT_EQ(answer.status, 200);
    EXPECT_THAT(answer.headers, HasSubstr("Content-Type: text/plain; version=0.0.4"));
    for (const auto* line : {
             "# HELP keepmq_messages_received_total PUBLISH packets from clients.\n",
             "# TYPE keepmq_messages_received_total counter\nkeepmq_messages_received_total 42\n",
             "\nkeepmq_messages_dropped_total{reason=\"queue_full\"} 3\n",
             "\nkeepmq_build_info{version=\"0.1.0\",node=\"keepmq@127.0.0.1\"} 1\n",
             "\nkeepmq_uptime_seconds 93784\n",
             "\nkeepmq_listener_connections{listener=\"tcp:external\",address=\"0.0.0.0:1883\"} "
             "2\n",
             "\nkeepmq_pool_committed_total{kind=\"sqlite\",pool=\"pool1\"} 9\n",
             "\nkeepmq_pool_state{kind=\"sqlite\",pool=\"pool1\",state=\"running\"} 1\n",
             "\nkeepmq_pool_state{kind=\"sqlite\",pool=\"pool1\",state=\"degraded\"} 0\n",
             "\nkeepmq_pool_lane_depth{kind=\"sqlite\",pool=\"pool1\",lane=\"1\"} 4\n",
             "\nkeepmq_pool_commit_seconds{kind=\"sqlite\",pool=\"pool1\",quantile=\"0.99\"} "
             "0.002048\n",
             "\nkeepmq_rule_hits_total{plugin=\"emqx_backend_sqlite\",rule=\"sqlite "
             "message.publish.1\",pool=\"pool1\"} 11\n",
             "\nkeepmq_dead_letters 1\n",
         })
        EXPECT_THAT(answer.body, HasSubstr(line));
}

TEST_F(Prometheus, WhatSurvivesARestartIsShownWhenAnythingDoes) {
    EXPECT_THAT(get("/metrics").body, Not(HasSubstr("keepmq_sessions_backlog")));
    source.the_status.persistence.on = true;
    source.the_status.persistence.backlog = 12;
    source.the_status.persistence.commit_micros_p99 = 2048;
    const auto body = get("/metrics").body;
    for (const auto& figure : persistence_figures())
        EXPECT_THAT(body, HasSubstr('\n' + std::string{figure.metric} + ' '));
    EXPECT_THAT(body, HasSubstr("\nkeepmq_sessions_backlog 12\n"));
    EXPECT_THAT(body, HasSubstr("\nkeepmq_sessions_commit_seconds{quantile=\"0.99\"} 0.002048\n"));
}

TEST_F(Prometheus, EveryFigureHasASample) {
    const auto body = get("/metrics").body;
    for (const auto& figure : broker_figures()) {
        const auto label =
            figure.reason.empty() ? "" : "{reason=\"" + std::string{figure.reason} + "\"}";
        EXPECT_THAT(body, HasSubstr('\n' + std::string{figure.metric} + label + ' '));
    }
    for (const auto& figure : pool_figures())
        EXPECT_THAT(body, HasSubstr('\n' + std::string{figure.metric} + '{'));
    for (const auto& figure : rule_figures())
        EXPECT_THAT(body, HasSubstr('\n' + std::string{figure.metric} + '{'));
}

TEST_F(Prometheus, FiguresAreDescribedOnce) {
    broker::Stats marked;
    for (const auto& figure : broker_figures()) ++(marked.*figure.member);
    for (const auto& figure : broker_figures()) EXPECT_EQ(marked.*figure.member, 1U) << figure.name;
}

TEST_F(Prometheus, TextIsWellFormed) {
    source.all_rules[0].name = "a\"b\\c\nd";
    const auto body = get("/metrics").body;
    const std::regex sample{
        R"re(^([a-z_]+)(\{[a-z_]+="([^"\\]|\\.)*"(,[a-z_]+="([^"\\]|\\.)*")*\})? -?[0-9.e+-]+$)re"};
    std::istringstream lines{body};
    std::map<std::string, int> types;
    std::set<std::string> samples;
    std::string current;
    for (std::string line; std::getline(lines, line);) {
        std::smatch match;
        if (line.starts_with("# TYPE ")) {
            current = line.substr(7, line.find(' ', 7) - 7);
            EXPECT_EQ(++types[current], 1) << line;
            EXPECT_EQ(current.ends_with("_total"), line.ends_with(" counter")) << line;
        } else if (!line.starts_with("# HELP ")) {
            ASSERT_TRUE(std::regex_match(line, match, sample)) << line;
            EXPECT_EQ(match[1], current) << "samples of a metric stand together";
            EXPECT_TRUE(current.starts_with("keepmq_")) << line;
            EXPECT_TRUE(samples.insert(line.substr(0, line.rfind(' '))).second) << line;
        }
    }
    EXPECT_GT(types.size(), 40U);
}

}  // namespace
}  // namespace keepmq::admin
