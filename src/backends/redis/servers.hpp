#pragma once
// The servers behind one pool, seen as one, whatever their topology.

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "backends/redis/command.hpp"
#include "backends/redis/settings.hpp"

namespace keepmq::redis {

/// What the connections of a pool have found out and say once for all. Any thread.
class PoolFacts {
  public:
    /// How durable a commit is, in words; empty before the first connection.
    [[nodiscard]] std::string durability() const;
    /// True if this is news.
    bool set_durability(const std::string& words);
    /// True for the first caller.
    bool first_without_replica();

  private:
    mutable std::mutex mutex_;
    std::string durability_;
    bool without_replica_ = false;
};

/// One lane's or reader's way to the servers. Lives on its thread, except `interrupt`.
class Servers {
  public:
    Servers() = default;
    Servers(const Servers&) = delete;
    Servers& operator=(const Servers&) = delete;
    virtual ~Servers() = default;

    /// Finds the servers and connects, also again after a failure.
    [[nodiscard]] virtual std::optional<store::Failure> open() = 0;

    [[nodiscard]] virtual Exchange read(const Commands& commands) = 0;
    /// Answers only after so many replicas have the commands as the pool asks for.
    [[nodiscard]] virtual Exchange write(const Commands& commands) = 0;

    /// Whether one script may touch two keys.
    [[nodiscard]] virtual bool has_one_keyspace() const = 0;

    /// Ends a blocked call. Any thread.
    virtual void interrupt() noexcept = 0;
};

[[nodiscard]] std::unique_ptr<Servers> make_servers(const Settings& settings,
                                                    std::shared_ptr<PoolFacts> facts);

class Connection;
/// Asks a server for its policy and says it in the log, if it is news.
void look_at_durability(Connection& connection, const Settings& settings, PoolFacts& facts);

/// "appendonly, appendfsync=always: ..." from the answers to CONFIG GET.
[[nodiscard]] std::string describe_durability(std::string_view appendonly,
                                              std::string_view appendfsync);

}  // namespace keepmq::redis
