// What survives a restart: changes go to the session store, and what waits for them goes on.

#include "runtime/shard.hpp"

namespace keepmq::runtime {

void Shard::keep_sessions(sessions::Store& store,
                          std::vector<broker::Change> loaded,
                          broker::UsedNumbers used) {
    sessions_ = &store;
    broker_.restore(std::move(loaded), now_, used);
}

void Shard::hand_over_changes() {
    if (!sessions_)
        return;
    broker_.swap_changes(changes_);
    if (!changes_.empty())
        sessions_->append(*this, changes_, broker_.changes_made());
}

void Shard::on_committed(std::uint64_t change) {
    post([change](Shard& shard) {
        shard.broker_.on_committed(change);
        shard.pay(change);
        shard.say_unrepeatable_to_all(change);
        shard.gate_.open(change);
        if (!shard.paused_.empty())
            shard.resume_paused();
    });
}

void Shard::on_commit_failed() {
    post([](Shard& shard) {
        shard.broker_.on_commit_failed(shard.now_);
        for (const auto& owed : std::exchange(shard.owed_, {}))
            shard.answer(owed.reply, mqtt::ReasonCode::quota_exceeded);
        shard.gate_.fail();
    });
}

void Shard::behind_gate(std::function<void()> work) {
    if (gate_.is_closed())
        gate_.add(std::move(work));
    else
        work();
}

}  // namespace keepmq::runtime
