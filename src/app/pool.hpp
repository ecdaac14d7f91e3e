#pragma once
// A pool of a plugin's conf file, for commands that go to the database without the broker.

#include <memory>
#include <string>
#include <string_view>

#include "config/settings.hpp"
#include "store/backend.hpp"

namespace keepmq::app {

/// `kind` is that of a backend, `sqlite`. `conf_file` empty: where the settings say. Prints what is
/// wrong to standard error; null then.
[[nodiscard]] std::shared_ptr<const store::Backend> find_pool(const config::Settings& settings,
                                                              std::string_view kind,
                                                              std::string_view pool,
                                                              std::string conf_file = {});

}  // namespace keepmq::app
