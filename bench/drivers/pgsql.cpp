// PostgreSQL: one insert of arrays for each batch.

#include <fmt/format.h>
#include <libpq-fe.h>

#include <array>
#include <vector>

#include "drivers.hpp"

namespace drivers {
namespace {

/// An array in the binary form of PostgreSQL.
class PgArray {
  public:
    PgArray(std::uint32_t type, std::size_t count) {
        for (const auto word : {1U, 0U, type, static_cast<std::uint32_t>(count), 1U}) put(word, 4);
    }
    void add(std::string_view bytes) {
        put(bytes.size(), 4);
        bytes_.append(bytes);
    }
    void add(std::int64_t number) {
        put(8, 4);
        put(static_cast<std::uint64_t>(number), 8);
    }
    [[nodiscard]] const std::string& bytes() const { return bytes_; }

  private:
    void put(std::uint64_t value, unsigned size) {
        while (size-- > 0) bytes_.push_back(static_cast<char>((value >> (8 * size)) & 0xFF));
    }
    std::string bytes_;
};

constexpr std::uint32_t bytea_oid = 17, int8_oid = 20, text_oid = 25;

}  // namespace

Insert open_pgsql(const Target& target) {
    const auto where = fmt::format(
        "host={} port={} user=mqtt password=mqtt dbname=mqtt", target.host, target.port);
    const std::shared_ptr<PGconn> connection{PQconnectdb(where.c_str()), PQfinish};
    using Result = std::unique_ptr<PGresult, decltype(&PQclear)>;
    const auto check = [connection](PGresult* result) {
        require(PQresultStatus(Result{result, PQclear}.get()) == PGRES_COMMAND_OK,
                PQerrorMessage(connection.get()));
    };
    require(PQstatus(connection.get()) == CONNECTION_OK, PQerrorMessage(connection.get()));
    check(PQprepare(connection.get(),
                    "insert",
                    "insert into mqtt_msg (msgid, topic, sender, qos, retain, payload, arrived) "
                    "select m.msgid, m.topic, m.sender, m.qos, m.retain, m.payload, "
                    "m.arrived::timestamp from unnest($1::text[], $2::text[], $3::text[], "
                    "$4::bigint[], $5::bigint[], $6::bytea[], $7::text[]) "
                    "as m (msgid, topic, sender, qos, retain, payload, arrived) "
                    "on conflict do nothing",
                    0,
                    nullptr));
    return [connection, check](Rows rows) {
        std::vector<PgArray> columns;
        for (const auto type :
             {text_oid, text_oid, text_oid, int8_oid, int8_oid, bytea_oid, text_oid})
            columns.emplace_back(type, rows.size());
        for (const auto& row : rows) {
            columns[0].add(row.msgid);
            columns[1].add(row.topic);
            columns[2].add(row.sender);
            columns[3].add(qos);
            columns[4].add(retain);
            columns[5].add(row.payload);
            columns[6].add(row.arrived);
        }
        std::array<const char*, 7> values{};
        std::array<int, 7> lengths{}, formats{};
        for (std::size_t i = 0; i < columns.size(); ++i) {
            values[i] = columns[i].bytes().data();
            lengths[i] = static_cast<int>(columns[i].bytes().size());
            formats[i] = 1;
        }
        check(PQexecPrepared(connection.get(),
                             "insert",
                             static_cast<int>(columns.size()),
                             values.data(),
                             lengths.data(),
                             formats.data(),
                             0));
    };
}

}  // namespace drivers
