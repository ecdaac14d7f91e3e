#pragma once

#include "runtime/plugin.hpp"

namespace keepmq::app {

/// The databases this program was built with. A new backend is one line in backends.cpp.
[[nodiscard]] const runtime::Registry& backends();

}  // namespace keepmq::app
