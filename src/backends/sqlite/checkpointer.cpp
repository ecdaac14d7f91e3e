#include "backends/sqlite/checkpointer.hpp"

#include <memory>
#include <utility>

#include "backends/sqlite/database.hpp"

namespace keepmq::sqlite {

Checkpointer::Checkpointer(std::string file, int pages) : file_{std::move(file)}, pages_{pages} {}

Checkpointer::~Checkpointer() {
    if (!thread_.joinable())
        return;
    {
        const std::lock_guard lock{mutex_};
        state_ = State::stopped;
        changed_.notify_one();
    }
    thread_.join();
}

bool Checkpointer::leaves_a_rest(int pages) {
    const std::lock_guard lock{mutex_};
    if (pages < pages_) {
        // Somebody else was faster.
        if (state_ == State::copied)
            state_ = State::idle;
        return false;
    }
    if (state_ == State::idle) {
        state_ = State::wanted;
        changed_.notify_one();
        if (!thread_.joinable())
            thread_ = std::thread{[this] { run(); }};
    }
    if (state_ != State::copied)
        return false;
    state_ = State::idle;
    return true;
}

void Checkpointer::run() {
    std::unique_ptr<Database> database;
    std::unique_lock lock{mutex_};
    while (true) {
        changed_.wait(lock, [this] { return state_ == State::wanted || state_ == State::stopped; });
        if (state_ == State::stopped)
            return;
        lock.unlock();
        if (!database) {
            auto opened = Database::open(file_, {});
            if (auto* const made = std::get_if<std::unique_ptr<Database>>(&opened))
                database = std::move(*made);
        }
        // What fails here is left to the writer, who finds out what is wrong with the file.
        if (database)
            static_cast<void>(database->run("pragma wal_checkpoint(passive)"));
        lock.lock();
        if (state_ == State::wanted)
            state_ = State::copied;
    }
}

}  // namespace keepmq::sqlite
