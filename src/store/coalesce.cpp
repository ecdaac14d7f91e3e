#include "store/coalesce.hpp"

#include <string_view>
#include <unordered_map>

namespace keepmq::store {
namespace {

struct Key {
    std::string_view client;
    std::string_view topic;
    friend bool operator==(const Key&, const Key&) = default;
};

struct KeyHash {
    std::size_t operator()(const Key& key) const {
        constexpr std::hash<std::string_view> hash;
        return hash(key.client) * 31 + hash(key.topic);
    }
};

using Slots = std::unordered_map<Key, std::size_t, KeyHash>;

void merge(std::vector<const Op*>& batch,
           std::size_t place,
           const AdvanceCursor& op,
           Slots& slots) {
    const auto [found, is_new] = slots.try_emplace(Key{op.client.view(), op.topic.view()}, place);
    if (is_new)
        return;
    const Op* earlier = batch[found->second];
    batch[found->second] = nullptr;
    if (std::get<AdvanceCursor>(*earlier).id > op.id)
        batch[place] = earlier;
    found->second = place;
}

}  // namespace

void coalesce(std::vector<const Op*>& batch) {
    std::size_t advances = 0;
    for (const Op* op : batch) advances += std::holds_alternative<AdvanceCursor>(*op) ? 1 : 0;
    if (advances < 2)
        return;

    Slots slots;
    slots.reserve(advances);
    for (std::size_t place = 0; place < batch.size(); ++place) {
        const Op& op = *batch[place];
        // Statements of users may change positions too, so they end a run like our own operations.
        if (const auto* advance = std::get_if<AdvanceCursor>(&op))
            merge(batch, place, *advance, slots);
        else if (std::holds_alternative<InitCursor>(op) ||
                 std::holds_alternative<DeleteCursor>(op) || std::holds_alternative<Execute>(op))
            slots.clear();
    }
    std::erase(batch, nullptr);
}

}  // namespace keepmq::store
