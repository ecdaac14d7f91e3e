// store.*, spool.*, replay.* and backpressure.*

#include "config/section.hpp"

namespace keepmq::config {

void add_store_keys(std::vector<Key>& keys) {
    keys.push_back(number_key<std::size_t>(
        "store.max_batch", {1, 100'000}, "Most operations that one transaction commits.", [
        ](Settings & s) -> auto& { return s.store.max_batch; }));
    keys.push_back(number_key<std::size_t>(
        "store.queue_limit",
        {1, 100'000'000},
        "Writes that may wait for one pool before publishers are "
        "paused.",
        [](Settings & s) -> auto& { return s.store.queue_limit; }));
    keys.push_back(duration_key<std::chrono::milliseconds>(
        "store.give_up_after",
        {100, 86'400'000},
        "A write that could be neither committed nor spooled for so long is refused.",
        [](Settings & s) -> auto& { return s.store.give_up_after; }));
    keys.push_back(duration_key<std::chrono::milliseconds>(
        "spool.after",
        {10, 3'600'000},
        "When a write has waited for the database for so long, writes go to the spool.",
        [](Settings & s) -> auto& { return s.store.spool_after; }));
    keys.push_back(bytes_key<std::uint64_t>(
        "spool.max_size",
        {1UL << 20U},
        "Size of one pool's spool at which publishers are paused.",
        [](Settings & s) -> auto& { return s.store.spool_max_size; }));
    keys.push_back(duration_key<std::chrono::seconds>(
        "spool.max_age",
        {0},
        "Age of the oldest write in a spool at which publishers are paused; 0: any age.",
        [](Settings & s) -> auto& { return s.store.spool_max_age; }));
    keys.push_back(duration_key<std::chrono::seconds>(
        "backpressure.limit",
        {1'000, 86'400'000},
        "A client that had to be paused for so long is disconnected.",
        [](Settings & s) -> auto& { return s.store.backpressure_limit; }));
    keys.push_back(number_key<std::size_t>(
        "replay.page_size", {1, 100'000}, "Stored messages that are read at a time.", [
        ](Settings & s) -> auto& { return s.replay.page_size; }));
    keys.push_back(duration_key<std::chrono::milliseconds>(
        "replay.deadline",
        {100, 3'600'000},
        "How long live messages wait for stored ones before they overtake them.",
        [](Settings & s) -> auto& { return s.replay.deadline; }));
    keys.push_back(number_key<std::size_t>(
        "replay.buffer", {1, 10'000'000}, "Live messages that may wait behind one replay.", [
        ](Settings & s) -> auto& { return s.replay.buffer; }));
}

}  // namespace keepmq::config
