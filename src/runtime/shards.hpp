#pragma once
// The shards of a node. Their functions here may be called from any thread but a shard's.

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <type_traits>
#include <vector>

#include "broker/broker.hpp"
#include "config/settings.hpp"
#include "runtime/shard.hpp"
#include "runtime/siblings.hpp"

namespace keepmq::runtime {

class Shards {
  public:
    /// `node`: its low byte is free for the shards. `floor`: see MessageIdSource.
    Shards(const config::Settings& settings,
           std::uint64_t node,
           WallTime floor,
           std::uint64_t seed);
    ~Shards();
    Shards(const Shards&) = delete;
    Shards& operator=(const Shards&) = delete;

    [[nodiscard]] std::size_t size() const { return shards_.size(); }
    /// The one with the listeners.
    [[nodiscard]] Shard& first() const { return *shards_.front(); }
    [[nodiscard]] Shard& home_of(std::string_view client) const { return shard_of(client); }
    [[nodiscard]] Shard& owner_of(std::string_view topic) const { return shard_of(topic); }
    /// Asks one after the other.
    template <class F>
    void each(F&& work) const {
        for (const auto& shard : shards_) shard->ask(work);
    }

    /// All at the same time: none goes on before the last one is done, so that no letter can be
    /// between one that knows and one that does not.
    void at_once(const std::function<void(Shard&)>& work) const;

    void start();
    [[nodiscard]] bool started() const { return first().started(); }
    /// From now on the brokers' state goes into the store; what it has of an earlier run, also one
    /// with more or fewer shards, comes back.
    void keep_sessions(sessions::Store& store) const;
    void set_plugins(const PluginList& plugins) const;
    /// Waits until what waits now for the session store has gone to the pools; false if it has not
    /// by then.
    [[nodiscard]] bool await_gates(SteadyTime deadline) const;
    /// The same, until no shard has a letter to read either. Before that nobody may write to them
    /// any more.
    [[nodiscard]] bool settle(SteadyTime deadline) const;
    [[nodiscard]] broker::Stats stats() const;
    [[nodiscard]] WallTime newest_id_time() const;
    void stop();

  private:
    [[nodiscard]] std::size_t index_of(std::string_view name) const {
        return siblings_ ? siblings_->shard_of(name) : 0;
    }
    [[nodiscard]] Shard& shard_of(std::string_view name) const { return *shards_[index_of(name)]; }
    void place(const broker::DeliveryKept& orphan) const;

    std::unique_ptr<Siblings> siblings_;  ///< null: there is one shard
    std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace keepmq::runtime
