#include "sql/layout.hpp"

#include <gmock/gmock.h>

#include "sql/tests/support.hpp"

namespace keepmq::sql::test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Not;

TEST(Columns, ThatAreMissingAreNamed) {
    ScriptedDatabase database;
    database.will_answer(6,
                         {"mqtt_sub",
                          "clientid",
                          "varchar",
                          "64",
                          nullptr,
                          "utf8_general_ci",
                          "mqtt_sub",
                          "topic",
                          "text",
                          nullptr,
                          nullptr,
                          nullptr});
    const auto read = Columns::read(database, "database()");
    const auto& columns = std::get<Columns>(read);
    store::SchemaReport report;
    columns.report_missing(report);
    EXPECT_THAT(report.missing,
                AllOf(Contains("table mqtt_msg"),
                      Contains("column mqtt_sub.qos"),
                      Not(Contains("column mqtt_sub.topic")),
                      Not(Contains("table mqtt_sub"))));
    ASSERT_NE(nullptr, columns.find("mqtt_sub", "clientid"));
    EXPECT_EQ(64, columns.find("mqtt_sub", "clientid")->longest);
    EXPECT_EQ("utf8_general_ci", columns.find("mqtt_sub", "clientid")->collation);
}

TEST(Columns, TellWhatTablesOfOthersLack) {
    ScriptedDatabase database;
    database.will_answer(6,
                         {"mqtt_msg",
                          "payload",
                          "text",
                          nullptr,
                          nullptr,
                          nullptr,
                          "mqtt_msg",
                          "node",
                          "varchar",
                          "60",
                          nullptr,
                          nullptr,
                          "mqtt_msg",
                          "arrived",
                          "timestamp",
                          nullptr,
                          "0",
                          nullptr});
    const auto read = Columns::read(database, "database()");
    Layout layout;
    std::get<Columns>(read).describe(layout);
    EXPECT_TRUE(layout.message_node);
    EXPECT_FALSE(layout.message_properties);
    EXPECT_FALSE(layout.retained_node);
    EXPECT_TRUE(layout.text_payload);
    EXPECT_FALSE(layout.text_retained_payload);
    EXPECT_FALSE(layout.fractions_of_seconds);
}

}  // namespace
}  // namespace keepmq::sql::test
