#pragma once
// Brings the commands of a database to the shard of the client they name.

#include "runtime/shards.hpp"
#include "store/channel.hpp"

namespace keepmq::runtime {

/// Any thread. The shards outlive it.
class ChannelRelay final : public store::ChannelSink {
  public:
    explicit ChannelRelay(Shards& shards) : shards_{shards} {}

    /// A client that is not connected here is the business of another node, or of nobody.
    void on_command(store::ChannelCommand command) override;

  private:
    Shards& shards_;
};

}  // namespace keepmq::runtime
