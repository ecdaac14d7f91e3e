#pragma once
// Private to the pool: leaves out the moves of a read position that a later one in the batch
// replaces.

#include <vector>

#include "store/op.hpp"

namespace keepmq::store {

/// Of several AdvanceCursor of one (client, topic) only the one with the newest id stays, at the
/// place of the last: the message that it refers to may be stored earlier in this very batch.
/// Nothing is merged over an operation that creates or deletes positions.
void coalesce(std::vector<const Op*>& batch);

}  // namespace keepmq::store
