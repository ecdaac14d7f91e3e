#include "backends/mysql/errors.hpp"

#include <gtest/gtest.h>

namespace keepmq::mysql::test {
namespace {

using store::errc;

struct Case {
    unsigned code;
    const char* sqlstate;
    errc ours;
    errc users;
};

TEST(Errors, DecideWhatHappensNext) {
    const Case cases[] = {
        {1406, "22001", errc::bad_value, errc::bad_value},            // too long
        {1366, "HY000", errc::bad_value, errc::bad_value},            // wrong value
        {1048, "23000", errc::bad_value, errc::bad_value},            // null
        {1264, "22003", errc::bad_value, errc::bad_value},            // out of range
        {1977, "HY000", errc::bad_value, errc::bad_value},            // character set, MariaDB
        {3988, "HY000", errc::bad_value, errc::bad_value},            // character set, MySQL
        {1062, "23000", errc::bad_value, errc::bad_value},            // duplicate
        {3819, "HY000", errc::bad_value, errc::bad_value},            // check constraint, MySQL
        {4025, "23000", errc::bad_value, errc::bad_value},            // check constraint, MariaDB
        {1644, "45000", errc::bad_value, errc::bad_value},            // signal of a trigger
        {1064, "42000", errc::schema_mismatch, errc::bad_statement},  // grammar
        {1054, "42S22", errc::schema_mismatch, errc::bad_statement},  // no such column
        {1146, "42S02", errc::schema_mismatch, errc::bad_statement},  // no such table
        {1142, "42000", errc::schema_mismatch, errc::bad_statement},  // no right to the table
        {1045, "28000", errc::access_denied, errc::access_denied},
        {1049, "42000", errc::access_denied, errc::access_denied},
        {1205, "HY000", errc::busy, errc::busy},  // lock wait
        {1213, "40001", errc::busy, errc::busy},  // deadlock
        {1040, "08004", errc::busy, errc::busy},  // too many connections
        {1203, "42000", errc::busy, errc::busy},  // too many connections of the user
        {2006, "HY000", errc::connection_lost, errc::connection_lost},
        {2013, "HY000", errc::connection_lost, errc::connection_lost},
        {1053, "08S01", errc::connection_lost, errc::connection_lost},
        {1927, "70100", errc::connection_lost, errc::connection_lost},
        {1021, "HY000", errc::storage_full, errc::storage_full},
        {1114, "HY000", errc::storage_full, errc::storage_full},
        {1290, "HY000", errc::storage_full, errc::storage_full},
        {1836, "HY000", errc::storage_full, errc::storage_full},
        {3024, "HY000", errc::timed_out, errc::timed_out},
        {1969, "70100", errc::timed_out, errc::timed_out},
    };
    for (const auto& one : cases) {
        EXPECT_EQ(one.ours, to_errc(one.code, one.sqlstate, Author::keepmq)) << one.code;
        EXPECT_EQ(one.users, to_errc(one.code, one.sqlstate, Author::user)) << one.code;
    }
}

TEST(Errors, UnknownOnesGoByTheirClassAndAreNotFinalInDoubt) {
    EXPECT_EQ(errc::bad_value, to_errc(9999, "22000", Author::user));
    EXPECT_EQ(errc::bad_value, to_errc(9999, "23000", Author::keepmq));
    EXPECT_EQ(errc::bad_statement, to_errc(9999, "42000", Author::user));
    EXPECT_EQ(errc::schema_mismatch, to_errc(9999, "42000", Author::keepmq));
    EXPECT_EQ(errc::connection_lost, to_errc(9999, "08S01", Author::user));
    EXPECT_EQ(errc::busy, to_errc(9999, "HY000", Author::user));
    EXPECT_EQ(errc::busy, to_errc(9999, "", Author::user));
}

TEST(Errors, WhileConnectingTellRefusedFromUnreachable) {
    for (const unsigned code : {2002U, 2003U, 2005U, 2012U, 2013U})
        EXPECT_EQ(errc::unreachable, to_errc_of_connect(code, "HY000")) << code;
    EXPECT_EQ(errc::unreachable, to_errc_of_connect(1053, "08S01"));
    EXPECT_EQ(errc::access_denied, to_errc_of_connect(1045, "28000"));
    EXPECT_EQ(errc::access_denied, to_errc_of_connect(1044, "42000"));
    EXPECT_EQ(errc::access_denied, to_errc_of_connect(1049, "42000"));
    EXPECT_EQ(errc::access_denied, to_errc_of_connect(1698, "28000"));
    EXPECT_EQ(errc::access_denied, to_errc_of_connect(2026, "HY000"));  // TLS
    EXPECT_EQ(errc::busy, to_errc_of_connect(1040, "08004"));
}

}  // namespace
}  // namespace keepmq::mysql::test
