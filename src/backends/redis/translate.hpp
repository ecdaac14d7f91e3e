#pragma once
// Operations as commands. Pure: no driver, no clock, no logging.

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backends/redis/command.hpp"
#include "store/connection.hpp"
#include "store/op.hpp"

namespace keepmq::redis {

/// What an operation has to know of the database before it can be written.
struct Known {
    bool stored = true;  ///< AdvanceCursor: its message
    std::string newest;  ///< InitCursor: id of the newest message of the topic; empty: none
};

/// The command that finds out; nothing when there is nothing to ask.
[[nodiscard]] std::optional<Command> question(const store::Op& op);
[[nodiscard]] Known understand(const store::Op& op, const Answer& answer);

/// The commands of a write, in order; none if it has nothing to write.
[[nodiscard]] Commands translate(const store::Op& op,
                                 store::Attempt attempt,
                                 const Known& known = {});

/// Messages of one topic, to be put into its index together.
struct Listing {
    std::string_view topic;
    std::vector<std::string> ids;
    std::optional<std::chrono::seconds> time_to_live;  ///< of the last one: the index has it, too
};

/// The parts of a stored message: a batch writes each as it comes, and what leads to them once for
/// each topic. The commands go to the end of `out`.
void write_content(const store::StoreMessage& op, store::Attempt attempt, Commands& out);
void write_index(const Listing& listing, Commands& out);
[[nodiscard]] Command catalogue_of(std::span<const std::string_view> topics);

/// The commands of the user. Arguments are what stands between the spaces of the statement; values
/// never end one. An absent value is an empty text.
[[nodiscard]] Commands translate(const store::Execute& op);

/// Ids of the messages that are older than the only one to be kept.
[[nodiscard]] Command older_messages(const store::StoreMessage& op);
[[nodiscard]] Commands remove_message(std::string_view topic, std::string_view id);

/// Takes a topic out of a catalogue if its key (an index, a retained message) is not there.
[[nodiscard]] Command forget_topic(std::string_view key,
                                   std::string_view catalogue,
                                   std::string_view topic);

}  // namespace keepmq::redis
