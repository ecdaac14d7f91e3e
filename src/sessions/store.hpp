#pragma once
// The broker's own state on disk: one file and one thread for a node. It takes whatever changes
// wait and commits them as one transaction, with one flush; while that runs the next ones gather.
//
// While the file takes nothing (disk full) the changes wait, the shards are told of each attempt
// that failed, and it is tried again until it works.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "broker/changes.hpp"
#include "sessions/file.hpp"
#include "store/metrics.hpp"

namespace keepmq::sessions {

struct Stats {
    store::Counter changes{0};  ///< that were handed over
    store::Counter rows{0};     ///< that were written for them
    store::Counter batches{0};
    store::Counter failures{0};   ///< attempts that failed
    store::Counter backlog{0};    ///< gauge: changes that are not durable yet
    store::Counter set_aside{0};  ///< 1 if a damaged file was found at the start
    store::Histogram commit_micros;
};

/// A shard. Called on the store's thread.
class CommitSink {
  public:
    virtual ~CommitSink() = default;
    /// All its changes up to this one are durable.
    virtual void on_committed(std::uint64_t change) = 0;
    /// Its waiting changes could not be made durable just now.
    virtual void on_commit_failed() = 0;
};

class Store {
  public:
    /// Reads what an earlier run left. A damaged file is moved aside and reported in the log and in
    /// the statistics; then nothing is left of it. `limit`: changes that may wait, see has_room.
    [[nodiscard]] static std::variant<std::unique_ptr<Store>, Failure> open(const std::string& path,
                                                                            std::size_t limit);
    Store(std::string path, std::size_t limit, std::unique_ptr<File> file);
    ~Store();
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;

    /// For Broker::restore; once, before `start`.
    [[nodiscard]] std::vector<broker::Change> take_loaded() { return std::exchange(loaded_, {}); }
    /// Time of the newest message id in the file.
    [[nodiscard]] WallTime newest_id() const { return newest_id_; }

    void start();
    /// Without waiting for changes; see `drain`. Afterwards no sink is called. Not a sink's thread.
    void stop();

    // --- any thread ------------------------------------------------------------------------------

    /// Takes the changes out of the vector, all for one transaction. `newest`: number of the last
    /// one. The sink must live until `stop`.
    void append(CommitSink& sink, std::vector<broker::Change>& changes, std::uint64_t newest);
    /// False: publishers whose messages make changes should pause.
    [[nodiscard]] bool has_room() const { return stats_.backlog < limit_; }
    /// Waits until everything is durable; false if it is not by then.
    [[nodiscard]] bool drain(SteadyTime deadline);
    [[nodiscard]] const Stats& stats() const { return stats_; }
    /// Empty while all is well.
    [[nodiscard]] std::string last_error() const;

  private:
    using Notices = std::vector<std::pair<CommitSink*, std::uint64_t>>;

    [[nodiscard]] bool load(Failure& failure);
    void run();
    /// Waits for changes and moves them into the batch; false at the end.
    [[nodiscard]] bool take(Batch& batch, Notices& notices);
    /// Until it is durable; false at the end.
    [[nodiscard]] bool commit(Batch& batch, Notices& notices);
    void say_failed(const Failure& failure);

    const std::string path_;
    const std::size_t limit_;
    std::unique_ptr<File> file_;
    std::vector<broker::Change> loaded_;
    WallTime newest_id_{};
    Stats stats_;

    mutable std::mutex mutex_;  // guards all below
    std::condition_variable changed_;
    std::vector<broker::Change> waiting_;
    Notices waiting_notices_;
    std::string last_error_;
    bool stopping_ = false;

    std::thread thread_;
};

}  // namespace keepmq::sessions
