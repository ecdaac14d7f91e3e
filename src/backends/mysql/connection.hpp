#pragma once
// One connection of a lane or a reader to the server.

#include <memory>

#include "backends/mysql/settings.hpp"
#include "store/backend.hpp"
#include "store/connection.hpp"

namespace keepmq::mysql {

/// Not open yet.
[[nodiscard]] std::unique_ptr<store::Connection> make_connection(Settings settings,
                                                                 store::Role role);

}  // namespace keepmq::mysql
