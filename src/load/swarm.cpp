#include "load/swarm.hpp"

#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace keepmq::load {
namespace {

constexpr std::size_t at_once = 200;  // handshakes of `join`
constexpr Micros join_patience = 30'000'000;

}  // namespace

Swarm::Swarm(Login login) : login_{std::move(login)}, epoll_{::epoll_create1(EPOLL_CLOEXEC)} {
    // Timers of epoll may be 50 us late otherwise, which would count as latency.
    ::prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
}

Swarm::~Swarm() {
    ::close(epoll_);
}

Member& Swarm::add(std::string client_id, std::optional<Subscription> subscription) {
    auto member = std::make_unique<Member>();
    member->number = members_.size();
    member->client_id = std::move(client_id);
    member->subscription = std::move(subscription);
    members_.push_back(std::move(member));
    return *members_.back();
}

void Swarm::set_state(Member& member, Member::State state) {
    const auto count = [this](Member::State each) -> std::size_t* {
        switch (each) {
            case Member::State::closed:
                return nullptr;
            case Member::State::connecting:
            case Member::State::subscribing:
                return &joining_;
            case Member::State::up:
                return &up_;
        }
        return nullptr;
    };
    if (auto* before = count(member.state))
        --*before;
    if (auto* after = count(state))
        ++*after;
    member.state = state;
}

void Swarm::watch(Member& member, int operation) const {
    epoll_event event{};
    event.events = member.awaits_room ? EPOLLIN | EPOLLOUT : EPOLLIN;
    event.data.ptr = &member;
    ::epoll_ctl(epoll_, operation, member.client.socket(), &event);
}

void Swarm::begin(Member& member) {
    set_state(member, Member::State::connecting);
    if (!member.client.begin_open(login_.endpoint, login_.version)) {
        failed_.emplace_back(&member, member.client.error());
        return;
    }
    member.awaits_room = false;
    watch(member, EPOLL_CTL_ADD);
    mqtt::Connect packet;
    packet.version = login_.version;
    packet.clean_start = member.clean_start;
    // A day for MQTT 5: what a run that was interrupted leaves behind goes away by itself.
    if (!member.clean_start)
        packet.session_expiry_interval =
            login_.version == mqtt::ProtocolVersion::v5 ? 86'400 : 0xFFFFFFFF;
    packet.keep_alive = login_.keep_alive;
    packet.client_id = member.client_id;
    packet.username = login_.username;
    packet.password = login_.password;
    member.client.send(mqtt::Packet{packet});
    touch(member);
}

void Swarm::close(Member& member, bool end_session) {
    if (member.client.is_open()) {
        mqtt::Disconnect packet;
        if (end_session)
            packet.session_expiry_interval = 0;
        member.client.send(mqtt::Packet{packet});
        (void)member.client.flush();  // nobody waits for an answer
        member.client.close();
    }
    set_state(member, Member::State::closed);
}

std::string Swarm::join(std::size_t first, std::size_t count, SwarmListener& listener) {
    struct Watcher final : SwarmListener {
        explicit Watcher(SwarmListener& to) : inner{to} {}
        void on_up(Member& member, Micros now) override {
            ++up;
            last = now;
            inner.on_up(member, now);
        }
        void on_frame(Member& member, const Frame& frame, Micros now) override {
            inner.on_frame(member, frame, now);
        }
        void on_lost(Member& member, const std::string& why) override {
            problem = member.client_id + ": " + why;
            inner.on_lost(member, why);
        }
        SwarmListener& inner;
        std::size_t up = 0;
        Micros last = now_micros();
        std::string problem;
    } watcher{listener};
    std::size_t next = first;
    while (watcher.up < count && watcher.problem.empty()) {
        while (joining_ < at_once && next < first + count) begin(*members_[next++]);
        const auto now = now_micros();
        if (now - watcher.last > join_patience)
            return "no answer from the broker within 30 s";
        wait(now + 100'000, watcher);
    }
    return watcher.problem;
}

void Swarm::ping_when_due(Micros now) {
    if (login_.keep_alive == 0 || now < next_ping_)
        return;
    next_ping_ = now + Micros{login_.keep_alive} * 500'000;  // twice in that time
    for (const auto& member : members_) {
        if (member->state != Member::State::up)
            continue;
        member->client.send(mqtt::Packet{mqtt::Pingreq{}});
        touch(*member);
    }
}

void Swarm::lose(Member& member, const std::string& why, SwarmListener& listener) {
    const bool was_joining = member.state == Member::State::connecting;
    member.client.close();
    set_state(member, Member::State::closed);
    listener.on_lost(member,
                     was_joining ? "no connection to " + login_.endpoint.text + ": " + why : why);
}

void Swarm::flush(SwarmListener& listener) {
    for (auto& [member, why] : std::exchange(failed_, {})) lose(*member, why, listener);
    flushing_.swap(touched_);
    for (auto* member : flushing_) {
        member->is_touched = false;
        if (!member->client.is_open())
            continue;
        if (!member->client.flush()) {
            lose(*member, member->client.error(), listener);
        } else if (member->client.wants_write() != member->awaits_room) {
            member->awaits_room = member->client.wants_write();
            watch(*member, EPOLL_CTL_MOD);
        }
    }
    flushing_.clear();
}

void Swarm::wait(Micros until, SwarmListener& listener) {
    ping_when_due(now_micros());
    flush(listener);
    const Micros left = std::max<Micros>(until - now_micros(), 0);
    const timespec timeout{left / 1'000'000, left % 1'000'000 * 1000};
    std::array<epoll_event, 256> events;
    const int count =
        ::epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), &timeout, nullptr);
    for (int i = 0; i < count; ++i) {
        const auto& event = events[static_cast<std::size_t>(i)];
        auto& member = *static_cast<Member*>(event.data.ptr);
        if ((event.events & EPOLLOUT) != 0)
            touch(member);
        // An event of this round may be of a connection that was closed in it.
        if ((event.events & ~static_cast<unsigned>(EPOLLOUT)) != 0 && member.client.is_open())
            read(member, listener);
    }
}

void Swarm::read(Member& member, SwarmListener& listener) {
    const auto now = now_micros();
    if (!member.client.read_frames(
            [&](const Frame& frame) { on_frame(member, frame, now, listener); }))
        lose(member, member.client.error(), listener);
}

void Swarm::on_frame(Member& member, const Frame& frame, Micros now, SwarmListener& listener) {
    switch (frame.type) {
        case FrameType::connack:
            return on_connack(member, frame, now, listener);
        case FrameType::suback:
            return on_suback(member, frame, now, listener);
        case FrameType::pingresp:
        case FrameType::unsuback:
        case FrameType::auth:
            return;
        case FrameType::disconnect: {
            const mqtt::DecodeOptions options{login_.version, mqtt::Sender::server};
            (void)mqtt::decode(frame.bytes, options, packet_);
            const auto* packet = std::get_if<mqtt::Disconnect>(&packet_);
            return lose(member,
                        "the broker disconnected: " +
                            std::string{packet ? mqtt::to_string(packet->reason) : "no reason"},
                        listener);
        }
        case FrameType::publish:
        case FrameType::puback:
        case FrameType::pubrec:
        case FrameType::pubrel:
        case FrameType::pubcomp:
            return listener.on_frame(member, frame, now);
    }
}

void Swarm::on_connack(Member& member, const Frame& frame, Micros now, SwarmListener& listener) {
    const mqtt::DecodeOptions options{login_.version, mqtt::Sender::server};
    const auto decoded = mqtt::decode(frame.bytes, options, packet_);
    const auto* connack = std::get_if<mqtt::Connack>(&packet_);
    if (decoded.status != mqtt::DecodeStatus::complete || connack == nullptr)
        return lose(member, "illegal CONNACK: " + std::string{decoded.detail}, listener);
    if (mqtt::is_error(connack->reason))
        return lose(
            member,
            "the broker refused the connection: " + std::string{mqtt::to_string(connack->reason)},
            listener);
    member.receive_maximum = connack->receive_maximum.value_or(65'535);
    if (const auto wanted = connack->server_keep_alive; wanted && *wanted != login_.keep_alive) {
        login_.keep_alive = *wanted;
        next_ping_ = 0;
    }
    if (!member.subscription) {
        set_state(member, Member::State::up);
        return listener.on_up(member, now);
    }
    set_state(member, Member::State::subscribing);
    mqtt::Subscribe packet;
    packet.packet_id = 1;
    packet.entries.push_back({member.subscription->filter,
                              member.subscription->qos,
                              false,
                              false,
                              mqtt::RetainHandling::send});
    member.client.send(mqtt::Packet{packet});
    touch(member);
}

void Swarm::on_suback(Member& member, const Frame& frame, Micros now, SwarmListener& listener) {
    const mqtt::DecodeOptions options{login_.version, mqtt::Sender::server};
    const auto decoded = mqtt::decode(frame.bytes, options, packet_);
    const auto* suback = std::get_if<mqtt::Suback>(&packet_);
    if (decoded.status != mqtt::DecodeStatus::complete || suback == nullptr)
        return lose(member, "illegal SUBACK: " + std::string{decoded.detail}, listener);
    if (suback->reasons.empty() || mqtt::is_error(suback->reasons[0]))
        return lose(
            member, "the broker refused to subscribe to " + member.subscription->filter, listener);
    set_state(member, Member::State::up);
    listener.on_up(member, now);
}

}  // namespace keepmq::load
