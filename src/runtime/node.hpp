#pragma once
// The running broker: shards, plugins, dead letters, listeners, in one data folder.

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "admin/source.hpp"
#include "base/diagnostic.hpp"
#include "config/settings.hpp"
#include "runtime/channel.hpp"
#include "runtime/data_dir.hpp"
#include "runtime/dead_letter_desk.hpp"
#include "runtime/plugin.hpp"
#include "runtime/shards.hpp"
#include "sessions/store.hpp"

namespace keepmq::runtime {

/// Its functions may be called from any thread but a shard's. One operation on plugins at a time.
class Node final : public admin::Source {
  public:
    /// Locks the data folder, binds the listeners, loads the plugins. Null with diagnostics when
    /// the broker cannot run; a plugin that cannot be loaded is reported and left out.
    [[nodiscard]] static std::unique_ptr<Node> start(const config::Settings& settings,
                                                     const Registry& registry,
                                                     Diagnostics& diagnostics);
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;
    ~Node() override;

    /// Stops accepting, says goodbye to the clients, drains the lanes until the deadline of the
    /// settings. True if everything accepted is durable.
    bool shut_down();

    /// SIGHUP: takes over the settings that can change and reloads the plugins.
    void reload(const config::Settings& settings);

    /// Once a second: $SYS, clock floor.
    void housekeeping();

    [[nodiscard]] std::string listeners_json() const;

    // admin::Source
    [[nodiscard]] admin::Status status() override;
    [[nodiscard]] broker::Stats stats() override;
    [[nodiscard]] Page<broker::SessionSnapshot> sessions(std::string_view client,
                                                         bool connected_only,
                                                         std::size_t offset,
                                                         std::size_t limit) override;
    [[nodiscard]] Page<broker::SubscriptionSnapshot> subscriptions(std::string_view client,
                                                                   std::size_t offset,
                                                                   std::size_t limit) override;
    [[nodiscard]] Page<admin::RetainedMessage> retained(std::string_view filter,
                                                        std::size_t offset,
                                                        std::size_t limit) override;
    [[nodiscard]] bool kick(std::string_view client) override;
    [[nodiscard]] bool delete_retained(std::string_view topic) override;
    [[nodiscard]] admin::Done subscribe(std::string_view client,
                                        std::string_view filter,
                                        int qos) override;
    [[nodiscard]] admin::Done unsubscribe(std::string_view client,
                                          std::string_view filter) override;
    [[nodiscard]] std::vector<admin::PluginStatus> plugins() override;
    [[nodiscard]] admin::Done load_plugin(std::string_view name) override;
    [[nodiscard]] admin::Done unload_plugin(std::string_view name) override;
    [[nodiscard]] admin::Done reload_plugin(std::string_view name) override;
    [[nodiscard]] std::vector<admin::PoolStatus> pools() override;
    [[nodiscard]] std::vector<admin::RuleStatus> rules() override;
    [[nodiscard]] std::vector<store::DeadLetter> dead_letters(std::size_t limit) override;
    [[nodiscard]] std::optional<store::DeadLetter> dead_letter(std::int64_t id) override;
    [[nodiscard]] std::uint64_t dead_letter_count() override;
    [[nodiscard]] admin::Done retry_dead_letter(const store::DeadLetter& letter) override;
    [[nodiscard]] admin::Done drop_dead_letter(std::int64_t id) override;

  private:
    Node(config::Settings settings, Registry registry);

    [[nodiscard]] bool open_sessions(Diagnostics& diagnostics);
    [[nodiscard]] bool open_listeners(Diagnostics& diagnostics);
    /// Loads, checks the schema and the overlap with what is loaded; null after an error.
    [[nodiscard]] PluginPtr prepare(const store::BackendDescriptor& descriptor,
                                    Diagnostics& diagnostics) const;
    /// Loads what the data folder, or else the settings, name.
    void load_wanted(Diagnostics& diagnostics);
    void install(PluginList list);
    [[nodiscard]] std::string conf_file_of(const store::BackendDescriptor& descriptor) const;
    [[nodiscard]] PluginPtr loaded(std::string_view name) const;
    [[nodiscard]] admin::Done load(const store::BackendDescriptor& descriptor);
    void retire(const PluginPtr& plugin) const;
    void publish_sys();

    config::Settings settings_;
    Registry registry_;
    SteadyTime started_;
    std::unique_ptr<DataDir> data_dir_;
    std::unique_ptr<store::DeadLetters> dead_letters_;
    std::optional<DeadLetterDesk> letter_desk_;
    std::unique_ptr<sessions::Store> sessions_;  ///< null: persistence is off
    std::unique_ptr<Shards> shards_;
    std::optional<ChannelRelay> commands_;
    mutable std::mutex plugins_mutex_;
    PluginList plugins_;
    /// Names in the order of loading; also of those that could not be loaded, so that a mistake in
    /// one file does not switch its database off for good. `data/loaded_plugins`.
    std::vector<std::string> wanted_;
    std::map<std::string, std::string, std::less<>> plugin_errors_;
    SteadyTime last_sys_{};
    WallTime last_floor_{};
    bool stopped_ = false;
};

}  // namespace keepmq::runtime
