#pragma once
// Private to the spool: what its two sources share.

#include <filesystem>

#include "base/sqlite.hpp"
#include "store/spool.hpp"

namespace keepmq::store {

/// In the order of read_spool_row.
#define KEEPMQ_SPOOL_COLUMNS "seq,key,after_all,rule,at,op"

[[nodiscard]] inline SpoolRow read_spool_row(embedded::Statement& columns) {
    SpoolRow row;
    columns.read(row.seq);
    columns.read(row.order.key);
    row.order.after_all = columns.number() != 0;
    row.rule = columns.bytes();
    row.at = WallTime{Micros{columns.number()}};
    row.op = columns.bytes();
    return row;
}

/// A power cut does not undo what was made or renamed in it before.
void flush_folder(const std::filesystem::path& folder);

}  // namespace keepmq::store
