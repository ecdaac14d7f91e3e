#pragma once
// One connection of a lane or a reader to the file.

#include <memory>

#include "backends/sqlite/database.hpp"
#include "backends/sqlite/settings.hpp"
#include "store/backend.hpp"
#include "store/connection.hpp"

namespace keepmq::sqlite {

/// Not open yet. Never creates a file: an empty one in the place of a lost one would look like a
/// success.
[[nodiscard]] std::unique_ptr<store::Connection> make_connection(Settings settings,
                                                                 store::Role role);

/// Opens the file and sets it up as writers and readers need it.
[[nodiscard]] std::variant<std::unique_ptr<Database>, store::Failure> open_database(
    const Settings& settings, store::Role role, Database::Create create);

}  // namespace keepmq::sqlite
