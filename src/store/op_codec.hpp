#pragma once
// Operations as bytes, for the files in which they outlive the process: the spool and the dead
// letters. Starts with a version, so that a later broker reads what an earlier one has left.

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "store/op.hpp"

namespace keepmq::store {

/// Everything that the operation holds. Precondition: its pointers are not null.
[[nodiscard]] std::string encode(const Op& op);

/// Reads what `encode` wrote. Operations with the same statements share them, as those of one rule
/// do: connections keep statements prepared by their address, so keep one decoder for a whole file.
/// Not thread-safe.
class OpDecoder {
  public:
    /// The operation, or why these bytes are none. Never throws, whatever the bytes are.
    [[nodiscard]] std::variant<Op, std::string> decode(std::string_view bytes);

  private:
    std::variant<std::shared_ptr<const Statements>, std::string> statements(std::string_view bytes);

    std::map<std::string, std::shared_ptr<const Statements>, std::less<>> statements_;
};

}  // namespace keepmq::store
