#pragma once
// From the settings in a file to a `Backend`: the steps that are the same for every database. A
// backend's `Settings` is a struct with the defaults and
//
//   std::string pool;                              // its name, set here
//   std::string data_dir;                          // likewise, if there is such a member
//   static std::vector<std::string_view> names();  // of all settings, as they stand in the file
//   void fill(PoolConfReader& read);               // reads each; refuses what is wrong

#include <initializer_list>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/diagnostic.hpp"
#include "store/backend.hpp"
#include "store/pool_conf.hpp"

namespace keepmq::store {

/// `own`, and the names of those that `PoolConfReader::tls` and `timeouts` read.
[[nodiscard]] std::vector<std::string_view> with_network_settings(
    std::initializer_list<std::string_view> own);

/// Nothing after an error; all errors are reported, and unknown properties are warned of.
template <class Settings>
[[nodiscard]] std::optional<Settings> read_settings(const PoolConf& conf,
                                                    Diagnostics& diagnostics) {
    Settings settings;
    settings.pool = conf.name;
    if constexpr (requires { settings.data_dir; })
        settings.data_dir = conf.data_dir;
    PoolConfReader reader{conf, diagnostics};
    settings.fill(reader);
    reader.warn_of_unknown(Settings::names());
    return reader.ok() ? std::optional{std::move(settings)} : std::nullopt;
}

/// A `BackendDescriptor::configure` that makes a `Made` of such settings.
template <class Made, class Settings>
[[nodiscard]] std::unique_ptr<Backend> configure(const PoolConf& conf, Diagnostics& diagnostics) {
    auto settings = read_settings<Settings>(conf, diagnostics);
    return settings ? std::make_unique<Made>(*std::move(settings)) : nullptr;
}

}  // namespace keepmq::store
