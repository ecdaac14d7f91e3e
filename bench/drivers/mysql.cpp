// One insert for each batch: MariaDB takes arrays, MySQL many VALUES.

#include <mysql.h>

#include <array>
#include <vector>

#include "drivers.hpp"

namespace drivers {
namespace {

constexpr std::size_t columns_of_row = 7;

// The library takes pointers to what it only reads.
template <class T>
void* pointer_to(const T* value) {
    return const_cast<void*>(static_cast<const void*>(value));
}

const std::array<std::string Row::*, columns_of_row> text_columns{
    &Row::msgid, &Row::topic, &Row::sender, nullptr, nullptr, &Row::payload, &Row::arrived};

MYSQL_BIND bind_of(std::size_t column) {
    MYSQL_BIND bind{};
    bind.buffer_type = text_columns[column] == nullptr         ? MYSQL_TYPE_LONGLONG
                       : text_columns[column] == &Row::payload ? MYSQL_TYPE_BLOB
                                                               : MYSQL_TYPE_STRING;
    return bind;
}

void insert_arrays(MYSQL_STMT* statement, Rows rows) {
    std::array<std::vector<const char*>, columns_of_row> texts;
    std::array<std::vector<unsigned long>, columns_of_row> lengths;
    std::array<std::vector<std::int64_t>, columns_of_row> numbers;
    std::array<MYSQL_BIND, columns_of_row> binds{};
    for (std::size_t i = 0; i < columns_of_row; ++i) {
        binds[i] = bind_of(i);
        if (text_columns[i] == nullptr) {
            numbers[i].assign(rows.size(), i == 3 ? qos : retain);
            binds[i].buffer = numbers[i].data();
            continue;
        }
        for (const auto& row : rows) {
            texts[i].push_back((row.*text_columns[i]).data());
            lengths[i].push_back((row.*text_columns[i]).size());
        }
        binds[i].buffer = texts[i].data();
        binds[i].length = lengths[i].data();
    }
    const auto count = static_cast<unsigned>(rows.size());
    mysql_stmt_attr_set(statement, STMT_ATTR_ARRAY_SIZE, &count);
    mysql_stmt_bind_param(statement, binds.data());
    require(mysql_stmt_execute(statement) == 0, mysql_stmt_error(statement));
}

void insert_values(MYSQL_STMT* statement, Rows rows) {
    std::vector<MYSQL_BIND> binds;
    binds.reserve(rows.size() * columns_of_row);
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < columns_of_row; ++i) {
            auto& bind = binds.emplace_back(bind_of(i));
            if (text_columns[i] == nullptr) {
                bind.buffer = pointer_to(i == 3 ? &qos : &retain);
                continue;
            }
            bind.buffer = pointer_to((row.*text_columns[i]).data());
            bind.buffer_length = (row.*text_columns[i]).size();
        }
    }
    mysql_stmt_bind_param(statement, binds.data());
    require(mysql_stmt_execute(statement) == 0, mysql_stmt_error(statement));
}

}  // namespace

Insert open_mysql(const Target& target) {
    const std::shared_ptr<MYSQL> connection{mysql_init(nullptr), mysql_close};
    auto* const handle = connection.get();
    require(mysql_real_connect(
                handle, target.host.c_str(), "mqtt", "mqtt", "mqtt", target.port, nullptr, 0) !=
                nullptr,
            mysql_error(handle));
    require(mysql_query(handle, "set session transaction isolation level read committed") == 0,
            mysql_error(handle));
    const bool arrays = mariadb_connection(handle) != 0;
    std::string sql =
        "insert into mqtt_msg (msgid, topic, sender, qos, retain, payload, arrived) values ";
    for (std::size_t i = 0; i < (arrays ? 1 : target.batch); ++i)
        sql += i == 0 ? "(?, ?, ?, ?, ?, ?, ?)" : ", (?, ?, ?, ?, ?, ?, ?)";
    const std::shared_ptr<MYSQL_STMT> statement{
        mysql_stmt_init(handle), [connection](MYSQL_STMT* each) { mysql_stmt_close(each); }};
    require(mysql_stmt_prepare(statement.get(), sql.data(), sql.size()) == 0, mysql_error(handle));
    return [statement, arrays](Rows rows) {
        arrays ? insert_arrays(statement.get(), rows) : insert_values(statement.get(), rows);
    };
}

}  // namespace drivers
