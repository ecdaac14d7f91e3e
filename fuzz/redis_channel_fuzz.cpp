// Commands on a Redis channel, where anybody may write. What is a command could have been sent by a
// client; everything else is one line about what is wrong.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>

#include "backends/redis/channel.hpp"
#include "model/topic.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace keepmq;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto parsed = redis::parse_command(text);
    if (const auto* problem = std::get_if<std::string>(&parsed)) {
        if (problem->empty() || problem->find('\n') != std::string::npos)
            std::abort();
        return 0;
    }
    const auto& command = std::get<store::ChannelCommand>(parsed);
    if (command.client.empty() || !is_topic_filter(command.filter.view()) ||
        !is_mqtt_utf8(command.filter.view()) || (command.qos && *command.qos > Qos::exactly_once))
        std::abort();
    return 0;
}
