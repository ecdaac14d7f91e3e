#pragma once
// What servers say about their topology, and where a key belongs. Pure.

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "backends/redis/command.hpp"
#include "store/pool_conf.hpp"

namespace keepmq::redis {

/// Answer to SENTINEL get-master-addr-by-name.
[[nodiscard]] std::optional<store::Server> parse_master(const Answer& answer);

struct RoleOf {
    bool is_master = false;
    std::size_t replicas = 0;
};
/// Answer to ROLE.
[[nodiscard]] std::optional<RoleOf> parse_role(const Answer& answer);

// --- clusters ---

inline constexpr std::size_t slot_count = 16'384;

/// CRC-16/XMODEM.
[[nodiscard]] std::uint16_t crc16(std::string_view bytes);
/// Of what stands between the first `{` and the `}` after it, if that is something; else of all.
[[nodiscard]] std::size_t slot_of(std::string_view key);
/// The key that says which node gets a command.
[[nodiscard]] std::string_view routing_key(const Command& command);

struct SlotRange {
    std::size_t first = 0;
    std::size_t last = 0;
    store::Server master;
};
/// Answer to CLUSTER SLOTS from `asked`; a node may leave out its own address.
[[nodiscard]] std::optional<std::vector<SlotRange>> parse_slots(const Answer& answer,
                                                                const store::Server& asked);

/// `MOVED 3999 127.0.0.1:6381`, `ASK 3999 127.0.0.1:6381`.
struct Redirect {
    bool ask = false;  ///< for this command only
    std::size_t slot = 0;
    store::Server to;
};
[[nodiscard]] std::optional<Redirect> parse_redirect(const Answer& answer,
                                                     const store::Server& asked);

}  // namespace keepmq::redis
