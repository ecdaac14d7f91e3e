#include "backends/pgsql/errors.hpp"

#include <gtest/gtest.h>

namespace keepmq::pgsql {
namespace {

using store::errc;

TEST(Errors, DecideWhatHappensNext) {
    const auto ours = [](std::string_view code) { return to_errc(code, Author::keepmq); };
    EXPECT_EQ(errc::bad_value, ours("22001"));  // too long
    EXPECT_EQ(errc::bad_value, ours("23505"));  // unique
    EXPECT_EQ(errc::bad_value, ours("54000"));  // index row too large
    EXPECT_EQ(errc::bad_value, ours("P0001"));  // raised by a trigger
    EXPECT_EQ(errc::schema_mismatch, ours("42P01"));
    EXPECT_EQ(errc::schema_mismatch, ours("42703"));
    EXPECT_EQ(errc::access_denied, ours("42501"));
    EXPECT_EQ(errc::access_denied, ours("28P01"));
    EXPECT_EQ(errc::access_denied, ours("3D000"));
    EXPECT_EQ(errc::busy, ours("40P01"));
    EXPECT_EQ(errc::busy, ours("55P03"));
    EXPECT_EQ(errc::busy, ours("53300"));
    EXPECT_EQ(errc::storage_full, ours("53100"));
    EXPECT_EQ(errc::storage_full, ours("25006"));
    EXPECT_EQ(errc::timed_out, ours("57014"));
    EXPECT_EQ(errc::connection_lost, ours("57P01"));
    EXPECT_EQ(errc::connection_lost, ours("08006"));
    EXPECT_EQ(errc::unreachable, ours("57P03"));
    EXPECT_EQ(errc::busy, ours("XX000"));
}

TEST(Errors, MistakesOfUsersStatementsArePermanent) {
    for (const auto* code : {"42P01", "42601", "42501", "42P18", "0A000", "25001", "2D000"})
        EXPECT_EQ(errc::bad_statement, to_errc(code, Author::user)) << code;
    EXPECT_EQ(errc::bad_value, to_errc("22P02", Author::user));
    EXPECT_EQ(errc::busy, to_errc("40001", Author::user));
}

TEST(Errors, OfConnectingAreReadFromTheText) {
    const auto denied = failure_of_connect(
        "connection to server at \"127.0.0.1\", port 5432 failed: FATAL:  28P01: password "
        "authentication failed for user \"u\"\nLOCATION:  auth_failed, auth.c:326\n");
    EXPECT_EQ(errc::access_denied, denied.code);
    EXPECT_EQ(
        "connection to server at \"127.0.0.1\", port 5432 failed: FATAL:  password authentication "
        "failed for user \"u\"",
        denied.text);
    const auto refused = failure_of_connect(
        "connection to server at \"127.0.0.1\", port 1 failed: Connection refused\n\tIs the server "
        "running on that host and accepting TCP/IP connections?\n");
    EXPECT_EQ(errc::unreachable, refused.code);
    EXPECT_EQ(
        "connection to server at \"127.0.0.1\", port 1 failed: Connection refused Is the server "
        "running on that host and accepting TCP/IP connections?",
        refused.text);
    EXPECT_EQ(errc::unreachable, failure_of_connect("").code);
    EXPECT_EQ(errc::unreachable,
              failure_of_connect("FATAL:  57P01: terminating connection\n").code);
}

}  // namespace
}  // namespace keepmq::pgsql
