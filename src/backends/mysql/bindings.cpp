#include "backends/mysql/bindings.hpp"

#include "backends/mysql/database.hpp"
#include "base/overloaded.hpp"

namespace keepmq::mysql {
namespace {

using sql::BlobView;
using sql::Param;

/// Text and bytes of a value; nothing for numbers and NULL.
std::optional<std::string_view> bytes_of(const Param& param) {
    if (const auto* const text = std::get_if<std::string_view>(&param))
        return *text;
    if (const auto* const text = std::get_if<std::string>(&param))
        return *text;
    if (const auto* const blob = std::get_if<BlobView>(&param))
        return blob->bytes;
    return std::nullopt;
}

// The library takes pointers to what it only reads.
template <class T>
void* pointer_to(const T* value) {
    return const_cast<void*>(static_cast<const void*>(value));
}

const char* or_empty(const char* data) {
    return data == nullptr ? "" : data;
}

MYSQL_BIND to_bind(const Param& param) {
    MYSQL_BIND bind{};
    if (const auto bytes = bytes_of(param)) {
        bind.buffer_type =
            std::holds_alternative<BlobView>(param) ? MYSQL_TYPE_BLOB : MYSQL_TYPE_STRING;
        bind.buffer = pointer_to(or_empty(bytes->data()));
        bind.buffer_length = bytes->size();
    } else if (const auto* const number = std::get_if<std::int64_t>(&param)) {
        bind.buffer_type = MYSQL_TYPE_LONGLONG;
        bind.buffer = pointer_to(number);
    } else if (const auto* const real = std::get_if<double>(&param)) {
        bind.buffer_type = MYSQL_TYPE_DOUBLE;
        bind.buffer = pointer_to(real);
    } else {
        bind.buffer_type = MYSQL_TYPE_NULL;
    }
    return bind;
}

}  // namespace

std::size_t size_of(const Param& param) {
    constexpr std::size_t number_and_header = 10;
    const auto bytes = bytes_of(param);
    return number_and_header + (bytes ? bytes->size() : 0);
}

Bindings::Bindings(std::span<const Param> params, std::span<const std::size_t> order) {
    binds_.reserve(order.size());
    for (const auto index : order) {
        binds_.push_back(to_bind(params[index]));
        bytes_ += size_of(params[index]);
    }
}

BulkBindings::BulkBindings(std::span<const std::vector<Param>> rows)
    : columns_(rows.front().size()), binds_(rows.front().size()) {
    for (std::size_t i = 0; i < columns_.size(); ++i) fill(columns_[i], binds_[i], rows, i);
}

void BulkBindings::fill(Column& column,
                        MYSQL_BIND& bind,
                        std::span<const std::vector<Param>> rows,
                        std::size_t index) {
    bind.buffer_type = MYSQL_TYPE_STRING;
    for (const auto& row : rows) {
        const auto& param = row[index];
        const auto* const number = std::get_if<std::int64_t>(&param);
        const auto bytes = bytes_of(param).value_or(std::string_view{""});
        if (number != nullptr)
            bind.buffer_type = MYSQL_TYPE_LONGLONG;
        else if (std::holds_alternative<BlobView>(param))
            bind.buffer_type = MYSQL_TYPE_BLOB;
        const bool null = std::holds_alternative<std::monostate>(param);
        column.numbers.push_back(number == nullptr ? 0 : *number);
        column.texts.push_back(or_empty(bytes.data()));
        column.lengths.push_back(bytes.size());
        column.indicators.push_back(
            static_cast<char>(null ? STMT_INDICATOR_NULL : STMT_INDICATOR_NONE));
    }
    bind.u.indicator = column.indicators.data();
    if (bind.buffer_type == MYSQL_TYPE_LONGLONG) {
        bind.buffer = column.numbers.data();
        return;
    }
    bind.buffer = column.texts.data();
    bind.length = column.lengths.data();
}

ResultBuffers::ResultBuffers(std::size_t columns) : cells_(columns), binds_(columns) {
    for (std::size_t i = 0; i < columns; ++i) {
        auto& bind = binds_[i];
        bind.buffer_type = MYSQL_TYPE_STRING;
        bind.buffer = cells_[i].buffer;
        bind.buffer_length = usual_size;
        bind.length = &cells_[i].length;
        bind.is_null = &cells_[i].is_null;
        bind.error = &cells_[i].is_cut;
    }
}

std::optional<std::string> ResultBuffers::take(MYSQL_STMT* statement, std::size_t column) {
    auto& cell = cells_[column];
    if (cell.is_null != 0)
        return std::nullopt;
    if (cell.length <= usual_size)
        return std::string{cell.buffer, cell.length};
    std::string text(cell.length, '\0');
    MYSQL_BIND bind{};
    unsigned long length = 0;
    my_bool is_null = 0;
    my_bool is_cut = 0;
    bind.buffer_type = MYSQL_TYPE_STRING;
    bind.buffer = text.data();
    bind.buffer_length = text.size();
    bind.length = &length;
    bind.is_null = &is_null;
    bind.error = &is_cut;
    mysql_stmt_fetch_column(statement, &bind, static_cast<unsigned>(column), 0);
    return text;
}

}  // namespace keepmq::mysql
