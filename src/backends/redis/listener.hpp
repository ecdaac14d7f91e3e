#pragma once
// Subscribes to the command channel of a pool.

#include <memory>

#include "backends/redis/servers.hpp"
#include "store/channel.hpp"

namespace keepmq::redis {

/// Has a thread and a connection of its own; connects again for ever, with pauses. Null without a
/// channel, and for a cluster.
[[nodiscard]] std::unique_ptr<store::ChannelListener> listen(const Settings& settings,
                                                             std::shared_ptr<PoolFacts> facts,
                                                             store::ChannelSink& sink);

}  // namespace keepmq::redis
