#pragma once
// Private to the dead letters: an operation as a person and a later retry can read it.

#include <string>

#include "store/op.hpp"

namespace keepmq::store {

/// One JSON object with every member of the operation except the payload of a message. Text that is
/// not UTF-8 is written as {"hex": "..."}.
[[nodiscard]] std::string to_json(const Op& op);

}  // namespace keepmq::store
