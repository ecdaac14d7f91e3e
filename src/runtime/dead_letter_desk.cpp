#include "runtime/dead_letter_desk.hpp"

#include <string>
#include <utility>

#include "store/op_codec.hpp"

namespace keepmq::runtime {
namespace {

/// As the rules order: messages and positions by topic, the rest by client.
store::Order order_of(const store::DeadLetter& letter) {
    return {store::order_key(letter.topic.empty() ? letter.client : letter.topic), false};
}

}  // namespace

admin::Done DeadLetterDesk::retry(const store::DeadLetter& letter,
                                  store::Pool& pool,
                                  std::chrono::milliseconds patience) {
    if (letter.encoded.empty())
        return {false,
                "This letter was written by an earlier version, which did not keep the operation: "
                "it can be read and dropped, not run again."};
    auto decoded = store::OpDecoder{}.decode(letter.encoded);
    if (const auto* why = std::get_if<std::string>(&decoded))
        return {false, "The operation in this letter cannot be read: " + *why};
    {
        const std::lock_guard lock{mutex_};
        if (!runs_.try_emplace(letter.id).second)
            return {false, "This letter is being run already."};
    }
    pool.submit(std::get<store::Op>(std::move(decoded)),
                order_of(letter),
                nullptr,
                this,
                static_cast<store::Token>(letter.id));
    std::unique_lock lock{mutex_};
    auto& run = runs_[letter.id];
    if (!settled_.wait_for(lock, patience, [&] { return run.done.has_value(); })) {
        run.awaited = false;
        return {false, "The database does not answer; the operation waits for it in its pool."};
    }
    auto done = std::move(*run.done);
    runs_.erase(letter.id);
    return done;
}

admin::Done DeadLetterDesk::settle(std::int64_t id, const store::Outcome& outcome) {
    const std::string why = outcome.failure ? outcome.failure->text : "";
    if (outcome.fate == store::Fate::refused)
        return {false, "It could not be run: " + why};
    // In the spool it is kept, and comes back as another letter if it is refused once more.
    const bool again = outcome.fate == store::Fate::dead_lettered;
    if (const auto failure = again ? letters_.supersede(id) : letters_.remove(id))
        return {false, "The dead letters could not be changed: " + failure->text};
    return again ? admin::Done{false, "The database refused it again: " + why} : admin::Done{};
}

void DeadLetterDesk::completed(std::vector<store::Completed>&& batch) {
    for (const auto& each : batch) {
        const auto id = static_cast<std::int64_t>(each.token);
        auto done = settle(id, each.outcome);
        const std::lock_guard lock{mutex_};
        const auto run = runs_.find(id);
        if (run->second.awaited)
            run->second.done = std::move(done);
        else
            runs_.erase(run);
    }
    settled_.notify_all();
}

}  // namespace keepmq::runtime
