#pragma once
// Ids of many topics in one order, read a few at a time; and where such a work waits between two
// pages.

#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "backends/redis/servers.hpp"
#include "store/op.hpp"

namespace keepmq::redis {

/// Runs the commands in pipelines of bounded size.
[[nodiscard]] Exchange read_all(Servers& servers, Commands commands);

/// The first error that is not about one key: then the whole answer is worth nothing.
[[nodiscard]] std::optional<store::Failure> failure_in(const Answers& answers);

struct Place {
    std::string id;
    std::string topic;
};

class Merge {
  public:
    /// A topic, and the id beyond which it is read; empty: from the start.
    struct Source {
        std::string topic;
        std::string after;
    };

    /// `latest`: only the newest id of each topic.
    Merge(bool latest, std::size_t page) : latest_{latest}, page_{page} {}

    /// Looks at every topic.
    [[nodiscard]] std::optional<store::Failure> start(Servers& servers,
                                                      std::vector<Source> sources);
    /// The next ones; fewer than `count` only at the end.
    [[nodiscard]] std::variant<std::vector<Place>, store::Failure> take(Servers& servers,
                                                                        std::size_t count);
    [[nodiscard]] bool at_end() const { return heads_.empty(); }
    [[nodiscard]] std::size_t topics() const { return runs_.size(); }

  private:
    struct Run {
        std::string topic;
        std::vector<std::string> ids;
        std::size_t at = 0;
        bool complete = false;  ///< there are no others behind these
    };
    using Head = std::pair<std::string, std::size_t>;  ///< next id of a run

    [[nodiscard]] Command ids_of(const std::string& topic,
                                 const std::string& after,
                                 std::size_t count) const;
    void fill(Run& run, const Answer& answer, std::size_t asked) const;
    [[nodiscard]] std::optional<store::Failure> advance(Servers& servers, std::size_t run);
    void push(std::size_t run);

    bool latest_;
    std::size_t page_;
    std::vector<Run> runs_;
    std::vector<Head> heads_;  ///< a heap, the smallest id first
};

/// The pages of one fetch are asked for one by one, of any reader of the pool. Any thread.
class PageCache {
  public:
    void put(std::string key, Merge merge);
    [[nodiscard]] std::optional<Merge> take(const std::string& key);

  private:
    std::mutex mutex_;
    std::deque<std::pair<std::string, Merge>> entries_;  ///< the oldest first
    std::size_t topics_ = 0;
};

}  // namespace keepmq::redis
