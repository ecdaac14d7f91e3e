#pragma once
// The SQLite file: rows to changes at the start, batches of changes to rows afterwards. One thread.

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "broker/changes.hpp"
#include "sessions/batch.hpp"

namespace keepmq::sessions {

struct Failure {
    std::string text;      ///< SQLite's words, with the path
    bool damaged = false;  ///< the content cannot be read; repeating does not help
};

class File {
  public:
    /// Creates the file if needed.
    [[nodiscard]] static std::variant<std::unique_ptr<File>, Failure> open(const std::string& path);
    virtual ~File() = default;

    /// Everything, in the order that Broker::restore needs. Reads every row of every table.
    [[nodiscard]] virtual std::variant<std::vector<broker::Change>, Failure> load() = 0;
    /// One transaction, flushed to the disk. After a failure nothing of it is in the file, and the
    /// same batch must come again before any other.
    [[nodiscard]] virtual std::unique_ptr<Failure> commit(const Batch& batch) = 0;
};

}  // namespace keepmq::sessions
