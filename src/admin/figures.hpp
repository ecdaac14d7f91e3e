#pragma once
// The numbers of the broker, pools and rules, each described once: for JSON and for Prometheus.

#include <cstdint>
#include <span>
#include <string_view>

#include "admin/source.hpp"
#include "broker/broker.hpp"

namespace keepmq::admin {

enum class Kind : std::uint8_t { counter, gauge };

template <class T>
struct Figure {
    Kind kind;
    std::string_view name;    ///< in JSON
    std::string_view metric;  ///< for Prometheus; figures of one metric stand together
    std::string_view reason;  ///< label that tells figures of one metric apart; may be empty
    std::string_view help;
    std::uint64_t T::*member;
};

[[nodiscard]] std::span<const Figure<broker::Stats>> broker_figures();
[[nodiscard]] std::span<const Figure<PoolStatus>> pool_figures();
[[nodiscard]] std::span<const Figure<RuleStatus>> rule_figures();
[[nodiscard]] std::span<const Figure<PersistenceStatus>> persistence_figures();

}  // namespace keepmq::admin
