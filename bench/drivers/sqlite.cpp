// One transaction for each batch, in the way of our settings.

#include <sqlite3.h>

#include "drivers.hpp"

namespace drivers {
namespace {

void bind_text(sqlite3_stmt* statement, int at, std::string_view text) {
    sqlite3_bind_text(statement, at, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
}

}  // namespace

Insert open_sqlite(const Target& target) {
    sqlite3* opened = nullptr;
    const int code = sqlite3_open(target.host.c_str(), &opened);
    const std::shared_ptr<sqlite3> database{opened, sqlite3_close};
    require(code == SQLITE_OK, sqlite3_errmsg(opened));
    const auto run = [opened](const char* sql) {
        require(sqlite3_exec(opened, sql, nullptr, nullptr, nullptr) == SQLITE_OK,
                sqlite3_errmsg(opened));
    };
    sqlite3_busy_timeout(opened, 5000);
    run("pragma journal_mode = wal; pragma synchronous = full; pragma cache_size = -32768;"
        "pragma wal_autocheckpoint = 4096");
    sqlite3_stmt* prepared = nullptr;
    sqlite3_prepare_v2(opened,
                       "insert into mqtt_msg (msgid, topic, sender, qos, retain, payload, arrived) "
                       "values (?, ?, ?, ?, ?, ?, ?) on conflict do nothing",
                       -1,
                       &prepared,
                       nullptr);
    require(prepared != nullptr, sqlite3_errmsg(opened));
    const std::shared_ptr<sqlite3_stmt> statement{
        prepared, [database](sqlite3_stmt* each) { sqlite3_finalize(each); }};
    return [statement, prepared, opened, run](Rows rows) {
        run("begin immediate");
        for (const auto& row : rows) {
            bind_text(prepared, 1, row.msgid);
            bind_text(prepared, 2, row.topic);
            bind_text(prepared, 3, row.sender);
            sqlite3_bind_int64(prepared, 4, qos);
            sqlite3_bind_int64(prepared, 5, retain);
            sqlite3_bind_blob(prepared,
                              6,
                              row.payload.data(),
                              static_cast<int>(row.payload.size()),
                              SQLITE_STATIC);
            bind_text(prepared, 7, row.arrived);
            require(sqlite3_step(prepared) == SQLITE_DONE, sqlite3_errmsg(opened));
            sqlite3_reset(prepared);
        }
        run("commit");
    };
}

}  // namespace drivers
