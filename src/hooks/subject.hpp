#pragma once
// What an event is about, seen the same way whatever the event is. Views into the event: valid
// while the event is.

#include <memory>
#include <string>
#include <string_view>

#include "hooks/template.hpp"
#include "model/event.hpp"
#include "model/message.hpp"
#include "store/value.hpp"

namespace keepmq::hooks {

struct Subject {
    std::string_view client;
    std::string_view username;
    std::string_view peerhost;
    std::string_view topic;
    int qos = -1;  ///< -1: the event has none
    const Message* message = nullptr;
    std::string_view reason;
    WallTime at;
};

[[nodiscard]] Subject subject_of(const ClientConnected& event);
[[nodiscard]] Subject subject_of(const ClientDisconnected& event);
[[nodiscard]] Subject subject_of(const SessionCreated& event);
[[nodiscard]] Subject subject_of(const SessionResumed& event);
[[nodiscard]] Subject subject_of(const SessionTerminated& event);
[[nodiscard]] Subject subject_of(const SessionSubscribed& event);
[[nodiscard]] Subject subject_of(const SessionUnsubscribed& event);
[[nodiscard]] Subject subject_of(const MessagePublish& event);
[[nodiscard]] Subject subject_of(const MessageDelivered& event);
[[nodiscard]] Subject subject_of(const MessageAcked& event);
[[nodiscard]] Subject subject_of(const Event& event);

/// A message on its way in: the subject of message.publish.
[[nodiscard]] Subject subject_of(const Message& message);

/// Values of several parameters of one event. Reads a JSON payload once, however many of its
/// members are asked for. Lives on one thread, for one event.
class Evaluator {
  public:
    Evaluator(const Subject& subject, std::string_view node);
    ~Evaluator();
    Evaluator(const Evaluator&) = delete;
    Evaluator& operator=(const Evaluator&) = delete;

    [[nodiscard]] store::Value operator()(const Parameter& parameter);

  private:
    struct Payload;
    [[nodiscard]] store::Value value(const Parameter& parameter);
    [[nodiscard]] store::Value member(const Parameter& parameter);

    const Subject& subject_;
    std::string_view node_;
    std::unique_ptr<Payload> payload_;
};

/// `id`, `from`, `qos`, `topic`, `retain`, `payload`, `ts` as compact JSON. A payload that is not
/// text is base64, which a member `encoding` then says.
[[nodiscard]] std::string message_json(const Message& message);

[[nodiscard]] std::string to_hex(std::string_view bytes);
[[nodiscard]] std::string to_base64(std::string_view bytes);
/// 2026-01-31T12:00:00.000000Z
[[nodiscard]] std::string to_iso(WallTime at);

}  // namespace keepmq::hooks
