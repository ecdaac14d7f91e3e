#include "backends/redis/listener.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "backends/redis/channel.hpp"
#include "backends/redis/errors.hpp"
#include "backends/redis/master.hpp"
#include "base/log.hpp"

namespace keepmq::redis {
namespace {

using std::chrono::milliseconds;
using store::Failure;

const Log log{"redis"};

constexpr milliseconds shortest_pause{50};
constexpr milliseconds longest_pause{5000};
/// A connection on which nothing comes is asked whether it lives.
constexpr milliseconds silence{10'000};

class Listener final : public store::ChannelListener {
  public:
    Listener(Settings settings, std::shared_ptr<PoolFacts> facts, store::ChannelSink& sink)
        : settings_{std::move(settings)},
          sink_{sink},
          master_{settings_, std::move(facts)},
          thread_{[this] { run(); }} {}

    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    ~Listener() override {
        std::unique_lock lock{mutex_};
        stopping_ = true;
        wake_.notify_all();
        // Repeated, because an interrupt just before a blocking call has no effect on it.
        while (!wake_.wait_for(lock, shortest_pause, [&] { return finished_; })) {
            lock.unlock();
            master_.interrupt();
            lock.lock();
        }
        lock.unlock();
        thread_.join();
    }

  private:
    void run() {
        auto pause = shortest_pause;
        bool said = false;
        while (!stops()) {
            const auto refusal = listen(pause);
            if (refusal && !std::exchange(said, true))
                log.warn("pool={} channel={} is not heard: {}",
                         settings_.pool,
                         escaped(settings_.channel),
                         escaped(refusal->text));
            std::unique_lock lock{mutex_};
            wake_.wait_for(lock, pause, [&] { return stopping_; });
            pause = std::min(2 * pause, longest_pause);
        }
        const std::lock_guard lock{mutex_};
        finished_ = true;
        wake_.notify_all();
    }

    [[nodiscard]] bool stops() {
        const std::lock_guard lock{mutex_};
        return stopping_;
    }

    /// Until the connection breaks. What the server says against the channel; that it is away, or
    /// does not let us in, is said by the pool.
    std::optional<Failure> listen(milliseconds& pause) {
        if (master_.open())
            return std::nullopt;
        auto& connection = master_.connection();
        auto answer = connection.run(Command{{"SUBSCRIBE", settings_.channel}});
        bool asked = false;
        while (true) {
            if (std::holds_alternative<Failure>(answer))
                return std::nullopt;
            const auto& message = std::get<Answer>(answer);
            if (message.is_error())
                return to_failure(message);
            asked = false;
            if (message.list.size() == 3 && message.list[0].text == "message") {
                take(message.list[2].text);
            } else if (message.list.size() == 3 && message.list[0].text == "subscribe") {
                pause = shortest_pause;
                log.info(
                    "pool={} listens to channel={}", settings_.pool, escaped(settings_.channel));
            }
            while (!connection.has_input(silence)) {
                if (std::exchange(asked, true))
                    return std::nullopt;
                const Command ping{{"PING"}};
                const Command* const one = &ping;
                if (connection.send({&one, 1}))
                    return std::nullopt;
            }
            answer = connection.receive();
        }
    }

    void take(const std::string& text) {
        auto parsed = parse_command(text);
        if (auto* const command = std::get_if<store::ChannelCommand>(&parsed))
            return sink_.on_command(std::move(*command));
        log.warn("pool={} channel={} message ignored: {}: {}",
                 settings_.pool,
                 escaped(settings_.channel),
                 std::get<std::string>(parsed),
                 escaped(text));
    }

    const Settings settings_;
    store::ChannelSink& sink_;
    Master master_;
    std::mutex mutex_;  // the rest
    std::condition_variable wake_;
    bool stopping_ = false;
    bool finished_ = false;
    std::thread thread_;  // last: starts when all else is there
};

}  // namespace

std::unique_ptr<store::ChannelListener> listen(const Settings& settings,
                                               std::shared_ptr<PoolFacts> facts,
                                               store::ChannelSink& sink) {
    if (settings.channel.empty())
        return nullptr;
    if (settings.topology == Topology::cluster) {
        log.warn("pool={} channel={} is not listened to: a cluster cannot be",
                 settings.pool,
                 escaped(settings.channel));
        return nullptr;
    }
    return std::make_unique<Listener>(settings, std::move(facts), sink);
}

}  // namespace keepmq::redis
