#pragma once
// Copies the write-ahead log into the file beside the writer. SQLite would do it within a commit,
// and all that waits for that commit would wait for megabytes to reach the disk.

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace keepmq::sqlite {

/// Owned by the connection that writes, used on its thread; has a thread and a connection of its
/// own from the first copy on. The writer goes on meanwhile, so the log is never copied to its end
/// here; only when it is does SQLite begin it anew. That last step, over what was committed
/// meanwhile, is the writer's.
class Checkpointer {
  public:
    /// `pages`: of the log, before it is copied.
    Checkpointer(std::string file, int pages);
    /// Waits for the end of a copy.
    ~Checkpointer();
    Checkpointer(const Checkpointer&) = delete;
    Checkpointer& operator=(const Checkpointer&) = delete;

    /// To be called after each commit, with the size of the log. True: the writer copies the rest.
    [[nodiscard]] bool leaves_a_rest(int pages);

  private:
    enum class State : std::uint8_t { idle, wanted, copied, stopped };
    void run();

    const std::string file_;
    const int pages_;
    std::mutex mutex_;
    std::condition_variable changed_;
    State state_ = State::idle;
    std::thread thread_;
};

}  // namespace keepmq::sqlite
