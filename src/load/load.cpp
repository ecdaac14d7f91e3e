#include "load/load.hpp"

#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cstring>
#include <memory>
#include <vector>

#include "load/client.hpp"
#include "load/latencies.hpp"

namespace keepmq::load {
namespace {

using Clock = std::chrono::steady_clock;

std::int64_t micros_now() {
    return std::chrono::duration_cast<std::chrono::microseconds>(Clock::now().time_since_epoch())
        .count();
}

double cpu_seconds() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::string numbered(const std::string& pattern, std::size_t number) {
    std::string text = pattern;
    if (const auto at = text.find("%i"); at != std::string::npos)
        text.replace(at, 2, std::to_string(number));
    return text;
}

struct Publisher {
    Client client;
    std::string topic;
    std::size_t open = 0;  ///< sent, not settled
    mqtt::PacketId next_id = 0;
    std::vector<std::int64_t> due;  ///< by packet id, for the latency to the acknowledgement
};

struct Subscriber {
    Client client;
};

class Load {
  public:
    explicit Load(const Scenario& scenario)
        : scenario_{scenario}, payload_(std::max<std::size_t>(scenario.payload, 8), 'x') {}
    ~Load() {
        if (epoll_ >= 0)
            ::close(epoll_);
    }
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;

    [[nodiscard]] std::string prepare() {
        epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
        for (std::size_t i = 0; i < scenario_.subscribers; ++i) {
            auto subscriber = std::make_unique<Subscriber>();
            if (auto error = join(subscriber->client, "s" + std::to_string(i)); !error.empty())
                return error;
            mqtt::Subscribe packet;
            packet.packet_id = 1;
            const auto filter = numbered(scenario_.filter, i);
            packet.entries.push_back(
                {filter, scenario_.qos, false, false, mqtt::RetainHandling::send});
            subscriber->client.send(mqtt::Packet{packet});
            const auto* answer = subscriber->client.await_packet();
            if (answer == nullptr || !std::holds_alternative<mqtt::Suback>(*answer))
                return "subscribe failed: " + subscriber->client.error();
            watch(subscriber->client, i);
            subscribers_.push_back(std::move(subscriber));
        }
        for (std::size_t i = 0; i < scenario_.publishers; ++i) {
            auto publisher = std::make_unique<Publisher>();
            if (auto error = join(publisher->client, "p" + std::to_string(i)); !error.empty())
                return error;
            publisher->topic = numbered(scenario_.topic, i);
            publisher->due.resize(65'536);
            watch(publisher->client, scenario_.subscribers + i);
            publishers_.push_back(std::move(publisher));
        }
        return {};
    }

    Report run() {
        run_until(Clock::now() + scenario_.warm_up);
        report_ = {};
        latencies_ = {};
        const double cpu = cpu_seconds();
        const auto begin = Clock::now();
        run_until(begin + scenario_.duration);
        report_.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
        report_.client_cpu_seconds = cpu_seconds() - cpu;
        report_.latency_p50 = latencies_.quantile(0.5);
        report_.latency_p99 = latencies_.quantile(0.99);
        report_.latency_max = latencies_.max();
        return report_;
    }

  private:
    std::string join(Client& client, const std::string& name) {
        if (!client.open(scenario_.host,
                         scenario_.port,
                         static_cast<mqtt::ProtocolVersion>(scenario_.version)))
            return client.error();
        mqtt::Connect packet;
        packet.version = static_cast<mqtt::ProtocolVersion>(scenario_.version);
        packet.clean_start = scenario_.clean_start;
        packet.session_expiry_interval = scenario_.clean_start ? 0 : 0xFFFFFFFF;
        const std::string id = scenario_.client_prefix + '-' + name;
        packet.client_id = id;
        client.send(mqtt::Packet{packet});
        const auto* answer = client.await_packet();
        const auto* connack = answer ? std::get_if<mqtt::Connack>(answer) : nullptr;
        if (connack == nullptr)
            return "connect failed: " + client.error();
        if (connack->reason != mqtt::ReasonCode::success)
            return "the broker refused " + id + ": " +
                   std::string{mqtt::to_string(connack->reason)};
        return {};
    }

    void watch(Client& client, std::size_t index) const {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.u64 = index;
        ::epoll_ctl(epoll_, EPOLL_CTL_ADD, client.socket(), &event);
    }

    void run_until(Clock::time_point end) {
        std::array<epoll_event, 256> events;
        if (scenario_.rate > 0)
            next_due_ = static_cast<double>(micros_now());
        while (Clock::now() < end) {
            fill();
            const int count =
                ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 1);
            for (int i = 0; i < count; ++i) on_ready(events[static_cast<std::size_t>(i)].data.u64);
        }
    }

    void on_ready(std::size_t index) {
        if (index < subscribers_.size()) {
            auto& client = subscribers_[index]->client;
            if (!client.is_open())
                return;
            if (!client.read([&](const mqtt::Packet& packet) { on_delivery(client, packet); }) ||
                !client.flush())
                ++report_.disconnects;
            return;
        }
        auto& publisher = *publishers_[index - subscribers_.size()];
        if (publisher.client.is_open() && !publisher.client.read([&](const mqtt::Packet& packet) {
                on_answer(publisher, packet);
            }))
            ++report_.disconnects;
    }

    void on_delivery(Client& client, const mqtt::Packet& packet) {
        if (const auto* publish = std::get_if<mqtt::Publish>(&packet)) {
            ++report_.received;
            ++received_;
            std::int64_t due = 0;
            std::memcpy(
                &due, publish->payload.data(), std::min(sizeof due, publish->payload.size()));
            // Reading the clock for each of many would be part of the load.
            if (++sample_ % 16 == 0 || scenario_.rate > 0)
                latencies_.record(micros_now() - due);
            if (publish->qos == Qos::at_least_once)
                client.send(mqtt::Puback{publish->packet_id, {}, {}, {}});
            else if (publish->qos == Qos::exactly_once)
                client.send(mqtt::Pubrec{publish->packet_id, {}, {}, {}});
        } else if (const auto* pubrel = std::get_if<mqtt::Pubrel>(&packet)) {
            client.send(mqtt::Pubcomp{pubrel->packet_id, {}, {}, {}});
        }
    }

    void on_answer(Publisher& publisher, const mqtt::Packet& packet) {
        if (const auto* puback = std::get_if<mqtt::Puback>(&packet)) {
            settled(publisher, puback->packet_id, puback->reason);
        } else if (const auto* pubrec = std::get_if<mqtt::Pubrec>(&packet)) {
            if (mqtt::is_error(pubrec->reason))
                settled(publisher, pubrec->packet_id, pubrec->reason);
            else
                publisher.client.send(mqtt::Pubrel{pubrec->packet_id, {}, {}, {}});
        } else if (const auto* pubcomp = std::get_if<mqtt::Pubcomp>(&packet)) {
            settled(publisher, pubcomp->packet_id, pubcomp->reason);
        }
    }

    void settled(Publisher& publisher, mqtt::PacketId id, mqtt::ReasonCode reason) {
        --publisher.open;
        if (mqtt::is_error(reason))
            ++report_.refused;
        else
            ++report_.published;
        if (scenario_.subscribers == 0)
            latencies_.record(micros_now() - publisher.due[id]);
    }

    /// Sends what window and pace allow.
    void fill() {
        const auto now = micros_now();
        if (scenario_.rate > 0) {
            const double interval = 1e6 / scenario_.rate;
            for (; next_due_ <= static_cast<double>(now); next_due_ += interval) {
                publish(*publishers_[turn_ % publishers_.size()],
                        static_cast<std::int64_t>(next_due_));
                ++turn_;
            }
        } else if (scenario_.qos == Qos::at_most_once) {
            while (scenario_.subscribers == 0 ? flushed() : received_keeps_up()) {
                for (auto& publisher : publishers_) publish(*publisher, now);
                if (scenario_.subscribers == 0)
                    break;
            }
        } else {
            // Round robin, so that the bound on what is under way does not starve the last ones.
            for (bool any = true; any && received_keeps_up();) {
                any = false;
                for (auto& publisher : publishers_) {
                    if (!publisher->client.is_open() || publisher->open >= scenario_.window)
                        continue;
                    publish(*publisher, now);
                    any = true;
                }
            }
        }
        for (auto& publisher : publishers_)
            if (publisher->client.is_open() && publisher->client.wants_write() &&
                !publisher->client.flush())
                ++report_.disconnects;
    }

    /// A broker that falls behind is not to pile up messages: that would be another measurement.
    [[nodiscard]] bool received_keeps_up() const {
        if (scenario_.subscribers == 0)
            return true;
        // Every subscriber gets every message unless each has its own topic.
        const bool pairs = scenario_.filter.find("%i") != std::string::npos;
        const std::uint64_t copies = pairs ? 1 : scenario_.subscribers;
        const std::uint64_t limit = scenario_.window * publishers_.size();
        return sent_ * copies < received_ + limit * copies;
    }

    [[nodiscard]] bool flushed() const {
        return std::ranges::none_of(publishers_,
                                    [](const auto& each) { return each->client.wants_write(); });
    }

    void publish(Publisher& publisher, std::int64_t due) {
        if (!publisher.client.is_open())
            return;
        std::memcpy(payload_.data(), &due, sizeof due);
        packet_.topic = publisher.topic;
        packet_.payload = payload_;
        packet_.qos = scenario_.qos;
        packet_.packet_id = 0;
        if (scenario_.qos != Qos::at_most_once) {
            publisher.next_id = publisher.next_id == 65'535
                                    ? mqtt::PacketId{1}
                                    : static_cast<mqtt::PacketId>(publisher.next_id + 1);
            packet_.packet_id = publisher.next_id;
            publisher.due[publisher.next_id] = due;
            ++publisher.open;
        } else {
            ++report_.published;
        }
        ++sent_;
        publisher.client.send(packet_);
    }

    Scenario scenario_;
    std::string payload_;
    mqtt::Publish packet_;
    int epoll_ = -1;
    std::vector<std::unique_ptr<Subscriber>> subscribers_;
    std::vector<std::unique_ptr<Publisher>> publishers_;
    Report report_;
    Latencies latencies_;
    std::uint64_t sent_ = 0;
    std::uint64_t received_ = 0;
    std::uint64_t sample_ = 0;
    std::uint64_t turn_ = 0;
    double next_due_ = 0;
};

}  // namespace

std::variant<Report, std::string> run(const Scenario& scenario) {
    Load load{scenario};
    if (auto error = load.prepare(); !error.empty())
        return error;
    return load.run();
}

std::variant<Report, std::string> run_connections(const Scenario& scenario, std::size_t count) {
    std::vector<std::unique_ptr<Client>> clients;
    Report report;
    const double cpu = cpu_seconds();
    const auto begin = Clock::now();
    for (std::size_t i = 0; i < count; ++i) {
        auto client = std::make_unique<Client>();
        if (!client->open(
                scenario.host, scenario.port, static_cast<mqtt::ProtocolVersion>(scenario.version)))
            return client->error();
        mqtt::Connect packet;
        packet.version = static_cast<mqtt::ProtocolVersion>(scenario.version);
        const std::string id = scenario.client_prefix + "-c" + std::to_string(i);
        packet.client_id = id;
        client->send(mqtt::Packet{packet});
        if (client->await_packet() == nullptr)
            return "connect failed: " + client->error();
        clients.push_back(std::move(client));
        ++report.published;
    }
    report.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    report.client_cpu_seconds = cpu_seconds() - cpu;
    ::usleep(static_cast<useconds_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(scenario.duration).count()));
    return report;
}

std::string Report::to_json(const Scenario& scenario) const {
    const double span = seconds > 0 ? seconds : 1;
    return boost::json::serialize(boost::json::object{
        {"publishers", scenario.publishers},
        {"subscribers", scenario.subscribers},
        {"qos", static_cast<int>(scenario.qos)},
        {"payload", scenario.payload},
        {"window", scenario.window},
        {"rate", scenario.rate},
        {"seconds", seconds},
        {"published", published},
        {"received", received},
        {"published_per_second", static_cast<double>(published) / span},
        {"received_per_second", static_cast<double>(received) / span},
        {"refused", refused},
        {"disconnects", disconnects},
        {"latency_us",
         boost::json::object{{"p50", latency_p50}, {"p99", latency_p99}, {"max", latency_max}}},
        {"client_cpu_seconds", client_cpu_seconds},
    });
}

}  // namespace keepmq::load
