#pragma once
// A loaded plugin: the rules of one conf file and the pools they name.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/plugin_conf.hpp"
#include "config/settings.hpp"
#include "hooks/rules.hpp"
#include "store/backend.hpp"
#include "store/dead_letters.hpp"
#include "store/pool.hpp"

namespace keepmq::runtime {

/// Immutable after `load`. Shared by the shards and the plugin host; the last of them to let go
/// ends it, always after `stop`.
class Plugin {
  public:
    /// Reads and checks `conf_file`. Null after an error. No thread is started and no database is
    /// touched yet.
    [[nodiscard]] static std::shared_ptr<Plugin> load(const store::BackendDescriptor& descriptor,
                                                      const std::string& conf_file,
                                                      const config::Settings& settings,
                                                      Diagnostics& diagnostics);

    /// Makes or checks the tables where the database can be reached; false when tables are missing.
    [[nodiscard]] bool prepare_schema(Diagnostics& diagnostics) const;

    /// Starts the pools, and listens for commands of the databases.
    void start(const config::Settings& settings,
               store::DeadLetters& dead_letters,
               store::ChannelSink& commands);
    /// Waits until all writes are settled, at most until the deadline. True if all were.
    bool drain(std::chrono::steady_clock::time_point deadline);
    void stop();
    /// Writes that wait in the spools of its pools.
    [[nodiscard]] std::uint64_t spooled() const;

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] const store::BackendDescriptor& descriptor() const { return *descriptor_; }
    [[nodiscard]] const hooks::RuleSet& rules() const { return *rules_; }
    [[nodiscard]] store::Pool& pool(std::size_t index) const { return *pools_[index]; }
    [[nodiscard]] std::size_t pool_count() const { return backends_.size(); }
    [[nodiscard]] const std::vector<std::shared_ptr<const store::Backend>>& backends() const {
        return backends_;
    }
    [[nodiscard]] bool started() const { return !pools_.empty(); }

  private:
    [[nodiscard]] store::SpoolSettings spool_settings(const store::PoolSettings& pool,
                                                      const config::Settings& settings) const;

    std::string name_;
    const store::BackendDescriptor* descriptor_ = nullptr;
    std::shared_ptr<const hooks::RuleSet> rules_;
    std::vector<std::string> pool_names_;
    std::vector<std::shared_ptr<const store::Backend>> backends_;
    std::vector<std::unique_ptr<store::Pool>> pools_;
    std::vector<std::unique_ptr<store::ChannelListener>> channels_;
};

using PluginPtr = std::shared_ptr<Plugin>;
using PluginList = std::vector<PluginPtr>;

/// The plugins this program can load.
using Registry = std::vector<const store::BackendDescriptor*>;

/// `emqx_backend_sqlite` or `sqlite`; null if this program has no such backend.
[[nodiscard]] const store::BackendDescriptor* find_backend(const Registry& registry,
                                                           std::string_view name);

}  // namespace keepmq::runtime
