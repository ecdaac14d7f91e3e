#pragma once
// A broker with clients around it, without network and clock. Bytes in outboxes are decoded as a
// client would; effects are carried out as runtime would, as far as a test does not take them over.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/broker.hpp"
#include "mqtt/codec.hpp"

namespace keepmq::broker::testing {

using mqtt::ProtocolVersion;
using mqtt::ReasonCode;
using namespace std::chrono_literals;

inline constexpr auto v3_1 = ProtocolVersion::v3_1;
inline constexpr auto v3 = ProtocolVersion::v3_1_1;
inline constexpr auto v5 = ProtocolVersion::v5;

/// A PUBLISH as a client received it; owns its text.
struct Received {
    std::string topic;
    std::string payload;
    Qos qos = Qos::at_most_once;
    bool retain = false;
    bool dup = false;
    mqtt::PacketId packet_id = 0;
    std::uint16_t alias = 0;
    std::vector<std::uint32_t> identifiers;
    std::optional<std::uint32_t> expiry;
    std::optional<std::uint8_t> payload_format;
    std::optional<std::string> content_type;
    std::optional<std::string> response_topic;
    std::optional<std::string> correlation_data;
    std::vector<std::pair<std::string, std::string>> user_properties;
};

class World;

/// The client's end of one Network Connection.
class Client {
  public:
    Client(World& world, ConnectionId id, ProtocolVersion version)
        : world_{world}, id_{id}, version_{version} {}

    [[nodiscard]] ConnectionId id() const { return id_; }

    void send(const mqtt::Packet& packet);
    void connect(std::string_view client, bool clean_start = true);
    void publish(std::string_view topic,
                 std::string_view payload,
                 int qos = 0,
                 mqtt::PacketId id = 0,
                 bool retain = false);
    void subscribe(std::string_view filter, int qos = 0, mqtt::PacketId id = 100);
    void unsubscribe(std::string_view filter, mqtt::PacketId id = 101);
    void puback(mqtt::PacketId id, ReasonCode reason = ReasonCode::success);
    void pubrec(mqtt::PacketId id, ReasonCode reason = ReasonCode::success);
    void pubrel(mqtt::PacketId id, ReasonCode reason = ReasonCode::success);
    void pubcomp(mqtt::PacketId id);
    void disconnect(ReasonCode reason = ReasonCode::success);
    /// The network breaks.
    void lose();

    /// All that was sent to this client since the last call, in short: `CONNACK(0)`,
    /// `PUBLISH(a/b,hello,q1)`, `PUBACK(1)`, `DISCONNECT(8e)`, `CLOSED`.
    std::vector<std::string> take();
    /// The same, and the PUBLISH packets stay for `messages`.
    std::vector<std::string> said() { return std::exchange(log_, {}); }
    /// The PUBLISH packets among what was sent since the last call, others dropped.
    [[nodiscard]] std::vector<Received> messages();
    [[nodiscard]] std::vector<std::string> payloads();
    [[nodiscard]] mqtt::Connack connack();
    /// What waits in the outbox, as bytes; of use while World::write_outboxes is off.
    [[nodiscard]] std::string_view unsent() const;

    bool closed = false;

  private:
    friend class World;
    void drain();

    World& world_;
    ConnectionId id_;
    ProtocolVersion version_;
    std::vector<std::string> log_;
    std::vector<Received> received_;
    std::optional<mqtt::Connack> connack_;
};

class World {
  public:
    explicit World(const Limits& limits = {});

    /// A connection before CONNECT.
    Client& open(ProtocolVersion version = v5);
    /// The same after a successful CONNECT; what it answered is not in the log any more.
    Client& connect(std::string_view client, ProtocolVersion version = v5, bool clean_start = true);
    Client& connect(const mqtt::Connect& packet);

    /// Carries out all effects; called by every action.
    void run();
    void advance(std::chrono::milliseconds by);
    void write_all();

    /// Settles one of what was kept back; index 0 is the oldest.
    void settle(std::size_t index, ReasonCode reason = ReasonCode::success);

    // Answers of runtime to the newest Subscribed or Fetch.
    void plan(const ReplayPlan& plan);
    void write_done(bool ok = true);
    /// What waits to go on; not with auto_go_on.
    void go_on();
    void page(std::vector<MessagePtr> messages, std::optional<std::string> next = {});

    [[nodiscard]] const Stats& stats() const { return broker.stats(); }
    /// Nothing for a client that has no session.
    [[nodiscard]] std::optional<SessionSnapshot> session(std::string_view client) const;
    /// The filters of one session as subscribed, sorted.
    [[nodiscard]] std::vector<std::string> filters(std::string_view client) const;
    /// What happened since the last call.
    std::vector<std::string> take_events() { return std::exchange(events, {}); }

    Broker broker;
    Now now{SteadyTime{1000s}, WallTime{1'700'000'000s}};

    // What runtime would do; a test changes it.
    bool auto_route = true;
    bool auto_settle = true;
    bool auto_plan = true;
    bool stored = false;  ///< mark messages as stored
    bool write_outboxes = true;
    bool auto_go_on = true;

    std::vector<std::shared_ptr<Message>> published;
    std::vector<Ticket> tickets;  ///< not settled yet
    std::vector<Subscribed> subscribed;
    std::vector<Fetch> fetches;
    std::vector<FenceId> going_on;  ///< unless that is done at once
    std::vector<FenceId> ended;
    std::vector<PositionMoved> positions;
    std::vector<std::string> events;  ///< `client.connected(c)`, ...

  private:
    friend class Client;
    void run(Effect& effect);
    void note(const Event& event);

    std::map<ConnectionId, std::unique_ptr<Client>> clients_;
    std::vector<ConnectionId> dirty_;
};

[[nodiscard]] mqtt::Connect connect_packet(std::string_view client,
                                           ProtocolVersion version = v5,
                                           bool clean_start = true,
                                           std::uint32_t expiry = 0);

[[nodiscard]] mqtt::Publish publish_packet(std::string_view topic,
                                           std::string_view payload,
                                           int qos = 0,
                                           mqtt::PacketId id = 0);
[[nodiscard]] mqtt::Subscribe subscribe_packet(std::vector<mqtt::SubscribeEntry> entries,
                                               mqtt::PacketId id = 100,
                                               std::optional<std::uint32_t> identifier = {});
/// As a store returns it; the greater the number, the newer the message.
[[nodiscard]] std::shared_ptr<Message> stored_message(std::string_view topic,
                                                      std::string_view payload,
                                                      std::uint64_t number,
                                                      int qos = 1);
/// A plan with a fetch from the position.
[[nodiscard]] ReplayPlan fetch_plan(ReplayPlan::Mode mode = ReplayPlan::Mode::after_cursor,
                                    std::optional<std::uint64_t> max_returned_count = {});

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

}  // namespace keepmq::broker::testing
