#pragma once
// Private to the pool: the reader threads and the queue of queries that they share.

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "store/core.hpp"
#include "store/link.hpp"

namespace keepmq::store {

struct PendingQuery {
    Query query;
    RuleContext* rule = nullptr;
    CompletionSink* sink = nullptr;
    Token token = 0;
};

/// The public functions are for any thread.
class Readers {
  public:
    /// `first_number`: of these links, for the health of the pool.
    Readers(PoolCore& core, std::size_t first_number);
    ~Readers();
    Readers(const Readers&) = delete;
    Readers& operator=(const Readers&) = delete;

    void push(PendingQuery&& query);
    void cancel(const CompletionSink& sink, Token token);

    /// What waits is refused.
    void close();
    void join();

  private:
    void run(Link& link);
    bool take(Link& link, PendingQuery& query);
    void answer(Link& link, PendingQuery&& query);
    void settle(const PendingQuery& query, Outcome&& outcome);
    void refuse(const PendingQuery& query);

    PoolCore& core_;
    std::vector<std::unique_ptr<Link>> links_;

    std::mutex mutex_;                     // the rest
    std::condition_variable wake_;         // readers that can read
    std::condition_variable wake_broken_;  // readers that wait to connect again
    std::condition_variable finished_signal_;
    std::deque<PendingQuery> queue_;
    bool closed_ = false;
    std::size_t finished_ = 0;

    std::vector<std::thread> threads_;  // last: start when all else is there
};

}  // namespace keepmq::store
