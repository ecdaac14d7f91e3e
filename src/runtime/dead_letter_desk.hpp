#pragma once
// Runs operations of the dead letters again.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "admin/source.hpp"
#include "store/dead_letters.hpp"
#include "store/pool.hpp"

namespace keepmq::runtime {

/// A letter leaves when its operation was committed or spooled; when it was refused again, the new
/// letter with the new error takes its place. If the process dies in between, both the row and the
/// letter are there. Any thread. Outlives the pools, the dead letters outlive it.
class DeadLetterDesk final : public store::CompletionSink {
  public:
    explicit DeadLetterDesk(store::DeadLetters& letters) : letters_{letters} {}

    /// Submits the operation to the pool it was meant for and waits, at most for `patience`, for
    /// what becomes of it. `message` of the answer is for a person.
    [[nodiscard]] admin::Done retry(const store::DeadLetter& letter,
                                    store::Pool& pool,
                                    std::chrono::milliseconds patience);

    void completed(std::vector<store::Completed>&& batch) override;

  private:
    struct Run {
        bool awaited = true;
        std::optional<admin::Done> done;  ///< once it is known
    };

    [[nodiscard]] admin::Done settle(std::int64_t id, const store::Outcome& outcome);

    store::DeadLetters& letters_;
    std::mutex mutex_;
    std::condition_variable settled_;
    std::map<std::int64_t, Run> runs_;  ///< under way, by id of the letter
};

}  // namespace keepmq::runtime
