#include "backends/mysql/errors.hpp"

#include <algorithm>
#include <initializer_list>

namespace keepmq::mysql {
namespace {

using store::errc;

bool is_one_of(unsigned code, std::initializer_list<unsigned> codes) {
    return std::find(codes.begin(), codes.end(), code) != codes.end();
}

constexpr unsigned duplicate_entry = 1062;

errc to_errc_of_state(std::string_view sqlstate, Author author) {
    const auto kind = sqlstate.substr(0, 2);
    if (kind == "22" || kind == "23" || kind == "45")
        return errc::bad_value;
    if (kind == "42")
        return author == Author::user ? errc::bad_statement : errc::schema_mismatch;
    if (kind == "08")
        return errc::connection_lost;
    if (kind == "28")
        return errc::access_denied;
    return errc::busy;
}

}  // namespace

errc to_errc(unsigned code, std::string_view sqlstate, Author author) {
    // Client library: server gone, lost. Server: shutdown, network, connection killed.
    if (is_one_of(code, {2000, 2006, 2013, 2014, 2026, 2027, 2055, 1053, 1077, 1079,
                         1080, 1152, 1158, 1159, 1160, 1161, 1184, 1927, 3169, 4031}))
        return errc::connection_lost;
    // Lock wait, deadlock, out of memory or connections, table definition just changed.
    if (is_one_of(code,
                  {1020, 1037, 1038, 1040, 1041, 1203, 1205, 1213, 1226, 1412, 1615, 3058, 3572}))
        return errc::busy;
    // max_execution_time, max_statement_time, killed query.
    if (is_one_of(code, {1317, 1969, 3024}))
        return errc::timed_out;
    // Disk full, write error, table full, read-only.
    if (is_one_of(code, {1021, 1026, 1114, 1290, 1792, 1836, 3100}))
        return errc::storage_full;
    if (is_one_of(code, {1044, 1045, 1049, 1130, 1698}))
        return errc::access_denied;
    // Null, no default, wrong or truncated value, out of range, packet too large, constraints, a
    // character that the column's character set has not.
    if (is_one_of(code, {1048, duplicate_entry,
                         1118, 1153,
                         1210, 1216,
                         1217, 1263,
                         1264, 1265,
                         1292, 1300,
                         1301, 1364,
                         1365, 1366,
                         1367, 1406,
                         1411, 1416,
                         1441, 1451,
                         1452, 1525,
                         1644, 1690,
                         1977, 3140,
                         3819, 3854,
                         3988, 4025}))
        return errc::bad_value;
    // No such table, column, routine, variable; grammar; no right to the table; wrong collations.
    if (is_one_of(code,
                  {1054,
                   1064,
                   1136,
                   1142,
                   1143,
                   1146,
                   1193,
                   1227,
                   1267,
                   1270,
                   1271,
                   1295,
                   1305,
                   1318,
                   1370}))
        return author == Author::user ? errc::bad_statement : errc::schema_mismatch;
    return to_errc_of_state(sqlstate, author);
}

errc to_errc_of_connect(unsigned code, std::string_view sqlstate) {
    // TLS, unknown authentication method, plug-in that cannot be loaded.
    if (is_one_of(code, {1044, 1045, 1049, 1130, 1251, 1698, 2026, 2049, 2054, 2058, 2059, 2061}))
        return errc::access_denied;
    if (is_one_of(code, {1040, 1129, 1203, 1226}))
        return errc::busy;
    return sqlstate.starts_with("28") ? errc::access_denied : errc::unreachable;
}

bool is_duplicate(unsigned code) {
    return code == duplicate_entry;
}

}  // namespace keepmq::mysql
