#include "runtime/channel.hpp"

#include <array>
#include <utility>

namespace keepmq::runtime {

void ChannelRelay::on_command(store::ChannelCommand command) {
    auto& home = shards_.home_of(command.client.view());
    home.post([command = std::move(command)](Shard& shard) {
        auto& broker = shard.broker();
        if (!broker.is_connected(command.client))
            return;
        if (command.qos) {
            const std::array<broker::Provisioned, 1> wanted{{{command.filter, *command.qos}}};
            broker.subscribe_on_behalf(command.client, wanted, shard.now());
        } else {
            broker.unsubscribe_on_behalf(command.client, {&command.filter, 1}, shard.now());
        }
    });
}

}  // namespace keepmq::runtime
