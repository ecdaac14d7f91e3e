#pragma once
// Which Reason Codes a packet may carry.

#include <algorithm>
#include <cstdint>
#include <span>

#include "mqtt/reader.hpp"
#include "mqtt/reason_code.hpp"

namespace keepmq::mqtt::wire {

/// Reads one Reason Code; a value that `allowed` does not list is a protocol error.
inline ReasonCode read_reason(Reader& in, std::span<const ReasonCode> allowed) {
    const auto reason = static_cast<ReasonCode>(in.u8());
    if (!in.failed() && std::ranges::find(allowed, reason) == allowed.end())
        in.fail(ReasonCode::protocol_error, "reason code is not defined for this packet");
    return reason;
}

}  // namespace keepmq::mqtt::wire
