#pragma once
// Commands that a database hands to the broker: some other program wants a client to be subscribed.

#include <optional>

#include "model/ids.hpp"

namespace keepmq::store {

struct ChannelCommand {
    ClientId client;
    TopicFilter filter;
    std::optional<Qos> qos;  ///< nothing: unsubscribe
};

/// Any thread.
class ChannelSink {
  public:
    virtual void on_command(ChannelCommand command) = 0;

  protected:
    ~ChannelSink() = default;
};

/// Listens as long as it lives; nothing reaches the sink after its end.
class ChannelListener {
  public:
    ChannelListener() = default;
    ChannelListener(const ChannelListener&) = delete;
    ChannelListener& operator=(const ChannelListener&) = delete;
    virtual ~ChannelListener() = default;
};

}  // namespace keepmq::store
