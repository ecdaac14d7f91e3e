#pragma once

#include "broker/limits.hpp"
#include "config/settings.hpp"

namespace keepmq::runtime {

/// The broker's limits out of the settings.
[[nodiscard]] broker::Limits limits_of(const config::Settings& settings);

}  // namespace keepmq::runtime
