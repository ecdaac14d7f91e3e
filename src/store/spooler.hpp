#pragma once
// Private to the pool: takes its writes while the database is away or too slow, and brings them
// there in order when it is back.
//
// Direct: writes go to the lanes, and this only looks now and then how long the oldest one has
// waited. Spooling: writes go to the intake, from there into the file (then they are acknowledged),
// from the file in pages to the lanes. What is under way in a lane when this begins is not
// interrupted: it is put into the file as well, as its first rows, and removed when the lane has
// settled it. When the file is empty the intake goes to the lanes and the pool is direct again.

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "store/core.hpp"
#include "store/lanes.hpp"
#include "store/op_codec.hpp"
#include "store/spool.hpp"

namespace keepmq::store {

/// The public functions are for any thread; the private ones run on its own, unless they say
/// otherwise. Starts spooling: first the file has to be looked at.
class Spooler final : public Diversion {
  public:
    explicit Spooler(PoolCore& core);
    ~Spooler();
    Spooler(const Spooler&) = delete;
    Spooler& operator=(const Spooler&) = delete;

    void start(Lanes& lanes);

    [[nodiscard]] bool take(Item& item) override;
    void take(QueuedMark mark) override;

    /// Drops a query that waits here. False if there is none.
    [[nodiscard]] bool cancel(const CompletionSink& sink, Token token);
    /// By lanes: these items, which have rows, are in the database or in the dead letters.
    void rows_settled(std::span<const Item> items);

    /// The file takes nothing more until rows of it are drained.
    [[nodiscard]] bool is_full() const { return full_.load(std::memory_order_relaxed); }
    [[nodiscard]] SpoolStatus status() const;

    /// Ends the thread: what is in the intake is refused. Then, with all lanes joined, `close`
    /// removes what was settled from the file, and lets go of it and of the queries.
    void stop();
    void close();

  private:
    /// Rows that are in the lanes.
    struct Page {
        std::uint64_t first;
        std::vector<bool> settled;
        std::size_t open;  ///< not settled
    };
    /// Goes to its lane when all rows up to `after` have gone there.
    struct WaitingMark {
        std::uint64_t after;
        QueuedMark mark;
    };
    struct Range {
        std::uint64_t first;
        std::uint64_t last;
    };
    /// What is taken out of the intake at a time, and its rows.
    struct Batch {
        std::vector<Entry> entries;
        std::vector<SpoolRow> rows;
    };

    void run();
    void watch();
    void spool();
    [[nodiscard]] bool has_waited_too_long();
    void enter();
    void leave_if_done();
    void pause(std::chrono::milliseconds time);

    // spooler_file.cpp: what has to do with the file
    [[nodiscard]] bool open();
    [[nodiscard]] bool rescue(const Failure& why);
    void take_stock();
    [[nodiscard]] bool shadow();
    [[nodiscard]] bool holds_intake();
    void append();
    [[nodiscard]] Batch next_batch();
    void put_back(std::vector<Entry>&& entries);
    void appended(Batch&& batch);
    void refuse_expired();
    void drain();
    [[nodiscard]] bool submit_page(std::vector<SpoolRow>&& rows);
    [[nodiscard]] bool keep_unreadable(const SpoolRow& row, const std::string& why);
    void pass_marks(std::uint64_t up_to);
    void reap();
    void remove_settled();
    void start_over();
    void failed(Failure why);
    void works();
    void look_at_limits();
    void measure();
    [[nodiscard]] RuleContext* rule_named(const std::string& name);

    [[nodiscard]] bool may_try(SteadyTime now) const { return now >= retry_; }
    [[nodiscard]] bool settle_row(std::uint64_t row);  // with the lock held

    PoolCore& core_;
    const SpoolSettings& settings_;
    Lanes* lanes_ = nullptr;

    // Only this thread's.
    std::unique_ptr<Spool> file_;
    OpDecoder decoder_;
    std::map<std::string, RuleContext*> rules_;
    std::map<RuleContext*, std::uint64_t> waiting_;  // rows that have not gone to the lanes
    bool damaged_ = false;                           // the file is, and was not set aside yet
    std::uint64_t last_ = 0;                         // newest row of the file
    std::uint64_t loaded_ = 0;                       // newest row that has gone to the lanes
    std::uint64_t found_ = 0;                        // newest row that was there at the start
    bool shadowed_ = true;        // what was under way when spooling began is in the file
    std::vector<Range> settled_;  // to be removed from the file
    SteadyTime retry_{};          // no attempt to change the file before
    SteadyTime retry_reading_{};  // nor to read it before
    std::string last_said_;
    std::uint64_t no_room_for_ = 0;  // bytes of the row at the front of the intake
    SteadyTime measured_{};
    std::uint64_t written_before_ = 0;
    std::uint64_t drained_before_ = 0;

    // For `status` and `has_room`.
    std::atomic<bool> full_{false};
    std::atomic<std::uint64_t> rows_{0};
    std::atomic<std::uint64_t> bytes_{0};
    std::atomic<WallTime> oldest_{WallTime{}};  // epoch: none
    Counter written_{0};
    Counter drained_{0};
    Counter written_each_second_{0};
    Counter drained_each_second_{0};
    Counter failures_{0};
    Counter set_aside_{0};

    mutable std::mutex mutex_;  // the rest
    std::condition_variable wake_;
    bool spooling_ = true;
    bool stopped_ = false;
    bool closed_ = false;
    bool news_ = false;
    bool sleeping_ = false;
    std::deque<Entry> intake_;
    std::deque<WaitingMark> marks_;
    std::deque<Page> pages_;
    SteadyTime progress_{};  // when a row was settled
    std::optional<Failure> failure_;

    std::thread thread_;
};

}  // namespace keepmq::store
