#include "runtime/shard.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "net/first_packet.hpp"
#include "runtime/limits.hpp"

namespace keepmq::runtime {
namespace {

namespace asio = boost::asio;

const Log log{"shard"};

}  // namespace

Shard::Shard(const config::Settings& settings, MessageIdSource ids, std::uint64_t seed)
    : settings_{settings},
      work_{asio::make_work_guard(loop_)},
      timer_{loop_},
      second_{loop_},
      now_{read_clocks()},
      broker_{limits_of(settings), ids, seed} {}

Shard::~Shard() {
    stop();
}

ErrorCode Shard::add_listener(const std::string& name,
                              const std::string& host,
                              std::uint16_t port,
                              std::size_t max_connections) {
    auto opened = net::Listener::open(loop_, host, port);
    if (opened.has_error())
        return opened.error();
    listeners_.push_back({name, max_connections, std::move(*opened), &counts_.emplace_back()});
    return {};
}

void Shard::start() {
    post([](Shard& shard) { shard.tick(); });
    thread_ = std::thread{[this] { loop_.run(); }};
}

void Shard::start_accepting() {
    accepting_ = true;
    for (auto& port : listeners_)
        port.listener->start(
            [this, &port](asio::ip::tcp::socket socket) { accept(port, std::move(socket)); });
}

void Shard::stop() {
    if (!thread_.joinable())
        return;
    post([](Shard& shard) {
        shard.stop_accepting();
        shard.clients_.each([](Client& client) { client.connection->close_now(); });
        shard.clients_.clear();
        shard.timer_.cancel();
        shard.second_.cancel();
        shard.work_.reset();
        shard.loop_.stop();
    });
    thread_.join();
    const std::lock_guard lock{end_};
    ended_ = true;
    // Somebody may wait for what was asked meanwhile.
    loop_.restart();
    loop_.poll();
}

void Shard::post(std::function<void(Shard&)> work) {
    const std::lock_guard lock{end_};
    if (ended_) {
        work(*this);
        return;
    }
    asio::post(loop_, [this, work = std::move(work)] {
        now_ = read_clocks();
        work(*this);
        carry_out();
    });
}

void Shard::set_settings(const config::Settings& settings) {
    settings_ = settings;
    broker_.set_limits(limits_of(settings));
}

void Shard::accept(ListenerPort& port, asio::ip::tcp::socket socket) {
    now_ = read_clocks();
    ++port.count->accepted;
    if (port.count->connections >= port.max_connections) {
        log.warn("connection refused listener={} reason=max_connections limit={}",
                 port.name,
                 port.max_connections);
        return;
    }
    Place place{*port.count};
    if (!exchange_) {
        welcome(std::move(socket), std::move(place), {});
        return;
    }
    net::read_first_packet(
        std::move(socket),
        settings_.mqtt.connect_timeout,
        settings_.mqtt.max_packet_size,
        [this, held = std::make_shared<Place>(std::move(place))](
            asio::ip::tcp::socket read, std::string received, std::string_view client) {
            bring_home(std::move(read), std::move(*held), std::move(received), client);
        });
}

void Shard::welcome(asio::ip::tcp::socket socket, Place place, std::string received) {
    ErrorCode error;
    const auto peer = socket.remote_endpoint(error);
    if (error)
        return;
    const auto id = broker_.open(peer.address().to_string(), peer.port(), now_);
    const auto connection =
        net::make_tcp_connection(std::move(socket), id, *this, context_, std::move(received));
    clients_.add(id, connection, std::move(place));
    connection->start();
    carry_out();
}

mqtt::DecodeOptions Shard::decode_options(ConnectionId id) {
    return broker_.decode_options(id);
}

void Shard::on_packet(ConnectionId id, const mqtt::Packet& packet) {
    // Once for all that the poller reported together.
    if (std::exchange(clock_turn_, context_.poller.turns()) != context_.poller.turns())
        now_ = read_clocks();
    const auto before = broker_.changes_made();
    broker_.on_packet(id, packet, now_);
    const bool made_changes = broker_.changes_made() != before;
    carry_out();
    if (made_changes && !sessions_have_room() && std::holds_alternative<mqtt::Publish>(packet))
        pause(id);
}

void Shard::on_refused(ConnectionId id,
                       const mqtt::Decoded& why,
                       std::optional<mqtt::ProtocolVersion> version) {
    now_ = read_clocks();
    log.debug("packet refused reason={} detail={}", mqtt::to_string(why.reason), why.detail);
    broker_.on_refused(id, why.reason, version, now_);
    carry_out();
}

void Shard::on_closed(ConnectionId id) {
    now_ = read_clocks();
    const auto* client = clients_.find(id);
    if (!client)
        return;
    if (!client->closing)
        broker_.on_closed(id, now_);
    forget(id);
    carry_out();
}

void Shard::on_gone(ConnectionId id) {
    forget(id);
}

void Shard::forget(ConnectionId id) {
    auto* client = clients_.find(id);
    if (!client)
        return;
    client->connection->close_now();
    clients_.erase(*client);
    paused_.erase(id);
    broker_.release(id);
}

void Shard::tick() {
    now_ = read_clocks();
    broker_.tick(now_);
    resume_paused();
    carry_out();
    armed_.reset();
    arm_timer();
}

void Shard::arm_timer() {
    const auto due = broker_.next_deadline();
    // Paused publishers are looked at again soon, whatever the broker waits for.
    auto next = now_.steady +
                (paused_.empty() ? std::chrono::milliseconds{1000} : std::chrono::milliseconds{20});
    if (due)
        next = std::min(next, *due);
    if (armed_ && *armed_ <= next)
        return;
    armed_ = next;
    timer_.expires_at(next);
    timer_.async_wait([this](const ErrorCode& error) {
        if (!error)
            tick();
    });
}

void Shard::schedule_flush() {
    if (flush_scheduled_)
        return;
    flush_scheduled_ = true;
    // Behind everything that is ready now: one write per connection carries all of this turn.
    asio::post(loop_, [this] {
        flush_scheduled_ = false;
        now_ = read_clocks();
        flush();
    });
}

void Shard::flush() {
    broker_.swap_dirty(dirty_);
    for (const auto id : dirty_) write(id);
    for (const auto id : std::exchange(closing_, {})) write(id);
    carry_out();
    arm_timer();
}

void Shard::write(ConnectionId id) {
    auto* found = clients_.find(id);
    if (!found || found->blocked)
        return;
    auto& client = *found;
    auto& outbox = broker_.outbox(id);
    if (!outbox.empty()) {
        const auto written = client.connection->write(outbox.unsent());
        outbox.consume(written);
        if (!client.closing)
            broker_.on_written(id, now_);
    }
    if (!broker_.outbox(id).empty() && !client.blocked) {
        client.blocked = true;
        client.connection->await_writable();
    } else if (client.closing) {
        client.place = {};  // the client may come back as soon as it sees our end
        client.connection->close_gracefully();
    }
}

void Shard::on_writable(ConnectionId id) {
    now_ = read_clocks();
    auto* client = clients_.find(id);
    if (!client)
        return;
    client->blocked = false;
    write(id);
    carry_out();
}

void Shard::resume_paused() {
    for (auto it = paused_.begin(); it != paused_.end();) {
        const auto id = it->first;
        const bool room = sessions_have_room() && others_have_room() &&
                          std::ranges::all_of(plugins_, [this](const PluginPtr& plugin) {
                              if (held(plugin.get()) != nullptr)  // its pools are not there yet
                                  return false;
                              for (std::size_t i = 0; i < plugin->pool_count(); ++i)
                                  if (!plugin->pool(i).has_room())
                                      return false;
                              return true;
                          });
        if (room && broker_.accepts_more(id)) {
            it = paused_.erase(it);
            broker_.resume(id, now_);
            if (auto* client = clients_.find(id))
                client->connection->resume_reading();
        } else if (now_.steady - it->second > settings_.store.backpressure_limit) {
            it = paused_.erase(it);
            log.warn(
                "publisher disconnected: the database or the session store took nothing for {} s",
                settings_.store.backpressure_limit.count());
            broker_.disconnect(id, mqtt::ReasonCode::quota_exceeded, now_);
        } else {
            ++it;
        }
    }
}

void Shard::stop_accepting() {
    accepting_ = false;
    for (auto& port : listeners_) port.listener->stop();
}

void Shard::shut_down_clients() {
    broker_.shut_down(now_);
    for (auto& [fence, source] : fetches_) cancel(source);
}

}  // namespace keepmq::runtime
