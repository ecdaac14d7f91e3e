#pragma once
// Brings the commands of a database to the shard of the client they name.

#include "runtime/shard.hpp"
#include "store/channel.hpp"

namespace keepmq::runtime {

/// Any thread. The shard outlives it.
class ChannelRelay final : public store::ChannelSink {
  public:
    explicit ChannelRelay(Shard& shard) : shard_{shard} {}

    /// A client that is not connected here is the business of another node, or of nobody.
    void on_command(store::ChannelCommand command) override;

  private:
    Shard& shard_;
};

}  // namespace keepmq::runtime
