#include "load/publishers.hpp"

#include <algorithm>
#include <cmath>

#include "load/pattern.hpp"

namespace keepmq::load {
namespace {

/// So many microseconds a fast pace sleeps at least: to wake up for each message costs more of the
/// processors than the message, and they are the broker's, too.
constexpr Micros pause_of_fast_pace = 200;

Micros pause_of(double rate) {
    return rate > 1e6 / pause_of_fast_pace ? pause_of_fast_pace : 0;
}

}  // namespace

void OpenMessages::reset(std::size_t window) {
    due_.assign(window, -1);
    free_.resize(window);
    for (std::size_t i = 0; i < window; ++i)
        free_[i] = static_cast<mqtt::PacketId>(window - i);  // 1 is taken first
}

mqtt::PacketId OpenMessages::take(Micros due) {
    const auto id = free_.back();
    free_.pop_back();
    due_[id - 1U] = due;
    return id;
}

std::optional<Micros> OpenMessages::settle(mqtt::PacketId id) {
    if (id == 0 || id > due_.size() || due_[id - 1U] < 0)
        return std::nullopt;
    const auto due = due_[id - 1U];
    due_[id - 1U] = -1;
    free_.push_back(id);
    return due;
}

Publishers::Publishers(Swarm& swarm, const PublishPlan& plan, std::size_t first, std::size_t count)
    : swarm_{swarm},
      plan_{plan},
      first_{first},
      publishers_(count),
      copies_(count),
      paced_from_(count),
      topic_changes_{plan.topic.find("%n") != std::string::npos} {
    for (std::size_t i = 0; i < count; ++i) {
        auto& publisher = publishers_[i];
        publisher.member = &swarm[first + i];
        if (plan_.qos != Qos::at_most_once)
            publisher.open.reset(
                std::min<std::size_t>(plan_.window, publisher.member->receive_maximum));
        encode(publisher, topic(i));
    }
}

std::string Publishers::topic(std::size_t publisher) const {
    return numbered(plan_.topic, "%i", publisher);
}

void Publishers::encode(Publisher& publisher, const std::string& topic) const {
    const std::string payload(plan_.size, 'x');
    mqtt::Publish packet;
    packet.topic = topic;
    packet.payload = payload;
    packet.qos = plan_.qos;
    packet.retain = plan_.retain;
    packet.packet_id = plan_.qos == Qos::at_most_once ? 0 : 1;
    publisher.packet.clear();
    const auto version = publisher.member->client.version();
    mqtt::encode(packet, version, publisher.packet);
    publisher.stamp_at = publisher.packet.size() - payload.size();
    // Before the payload: the identifier, and for MQTT 5 the length of no properties.
    publisher.id_at = publisher.stamp_at - (version == mqtt::ProtocolVersion::v5 ? 3 : 2);
}

void Publishers::begin(Micros now) {
    begin_ = now;
    for (std::size_t i = 0; i < publishers_.size(); ++i) paced_from_[i] = publishers_[i].sent;
}

Micros Publishers::due_of(std::size_t index) const {
    const auto place = static_cast<double>(index) +
                       static_cast<double>(publishers_[index].sent - paced_from_[index]) *
                           static_cast<double>(publishers_.size());
    return begin_ + static_cast<Micros>(std::llround(place * 1e6 / plan_.rate));
}

std::size_t Publishers::room(const Publisher& publisher) const {
    if (publisher.member->state != Member::State::up)
        return 0;
    if (plan_.qos == Qos::at_most_once)
        return publisher.member->client.wants_write() ? 0 : plan_.window;
    return publisher.open.room();
}

Micros Publishers::fill(Micros now, std::uint64_t deliveries) {
    held_up_ = false;
    const Micros soonest = now + pause_of(plan_.rate);
    Micros next = never;
    for (std::size_t step = 0; step < publishers_.size(); ++step) {
        const std::size_t index = (turn_ + step) % publishers_.size();
        auto& publisher = publishers_[index];
        const auto most = room(publisher);
        auto left = most;
        for (; left > 0 && !is_limit_reached(); --left) {
            const auto due = plan_.rate > 0 ? due_of(index) : now;
            if (due > now) {
                next = std::min(next, std::max(due, soonest));
                break;
            }
            if (copies_[index] > deliveries) {
                // The next fill goes on here: nobody is starved.
                turn_ = index;
                held_up_ = true;
                return next;
            }
            deliveries -= copies_[index];
            publish(index, due);
        }
        if (plan_.qos == Qos::at_most_once && most > 0 && left == 0)
            next = now;  // there may be room as soon as this is sent
    }
    return next;
}

void Publishers::publish(std::size_t index, Micros due) {
    auto& publisher = publishers_[index];
    if (topic_changes_)
        encode(publisher, numbered(topic(index), "%n", sent_));
    auto& out = publisher.member->client.out();
    const auto start = out.size();
    out.append(publisher.packet);
    if (plan_.qos == Qos::at_most_once) {
        ++acknowledged_;
    } else {
        const auto id = publisher.open.take(due);
        out[start + publisher.id_at] = static_cast<char>(id >> 8U);
        out[start + publisher.id_at + 1] = static_cast<char>(id & 0xFFU);
    }
    if (plan_.size >= Stamp::size)
        Stamp{due, static_cast<std::uint32_t>(index), publisher.sent}.write(out.data() + start +
                                                                            publisher.stamp_at);
    ++publisher.sent;
    ++sent_;
    expected_ += copies_[index];
    swarm_.touch(*publisher.member);
}

void Publishers::on_frame(Member& member, const Frame& frame, Micros now) {
    auto& publisher = publishers_[member.number - first_];
    const bool failed = mqtt::is_error(frame.reason);
    if (frame.type == FrameType::pubrec && !failed) {
        append_ack(FrameType::pubrel, frame.packet_id, member.client.out());
        swarm_.touch(member);
        return;
    }
    const auto due = publisher.open.settle(frame.packet_id);
    if (!due)
        return;
    latencies_.record(now - *due);
    ++(failed ? refused_ : acknowledged_);
}

std::uint64_t Publishers::open() const {
    std::uint64_t sum = 0;
    for (const auto& each : publishers_) sum += each.open.count();
    return sum;
}

std::vector<std::uint64_t> Publishers::numbers() const {
    std::vector<std::uint64_t> out;
    for (const auto& each : publishers_) out.push_back(each.sent);
    return out;
}

std::uint64_t Publishers::behind(Micros now) const {
    if (plan_.rate <= 0)
        return 0;
    std::uint64_t sent = 0;
    for (std::size_t i = 0; i < publishers_.size(); ++i)
        sent += publishers_[i].sent - paced_from_[i];
    auto due = static_cast<std::uint64_t>(static_cast<double>(now - begin_) / 1e6 * plan_.rate);
    if (plan_.limit > 0)
        due = std::min(due, plan_.limit);
    return due > sent ? due - sent : 0;
}

}  // namespace keepmq::load
