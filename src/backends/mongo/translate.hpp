#pragma once
// A batch of operations as writes of documents. Pure: no driver, no clock, no logging.
//
// There are no transactions, so the writes of a batch are sorted by collection: one request for
// each, and the order within a collection is that of the batch where it matters.

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "backends/mongo/command.hpp"
#include "store/connection.hpp"
#include "store/op.hpp"

namespace keepmq::mongo {

using Batch = std::span<const store::Op* const>;
using Ids = std::map<std::string, std::int64_t, std::less<>>;

/// What has to be known before a batch can be written.
struct Questions {
    std::vector<std::string> msgids;  ///< which of them are stored, under which `_id`
    std::vector<std::string> retained_topics;
    std::vector<std::string> newest_of;  ///< topics
    bool newest_of_all = false;
};
[[nodiscard]] Questions questions(Batch batch, store::Attempt attempt);

struct Known {
    Ids ids;  ///< msgid -> `_id`; those of the batch are added when they have been inserted
    std::map<std::string, std::string, std::less<>> retained;  ///< topic -> msgid
    Ids newest;                                                ///< topic -> `_id`
    std::int64_t newest_of_all = 0;
};

/// The searches for the answers. `values` may be split among several.
[[nodiscard]] Find find_ids(std::span<const std::string> msgids);
[[nodiscard]] Find find_retained(std::span<const std::string> topics);
[[nodiscard]] Find find_newest(std::string_view topic);
[[nodiscard]] Find find_newest_of_all();

/// Advances the counter by so many; and lets it begin, or go on, after `newest`.
[[nodiscard]] Document take_ids(std::size_t count);
[[nodiscard]] Writes counter_after(std::int64_t newest);

/// Messages that leave the store: acknowledged ones, and older ones where only the latest is kept.
[[nodiscard]] Writes removals(Batch batch, const Known& known);
[[nodiscard]] Writes positions(Batch batch, const Known& known);
[[nodiscard]] Writes retained(Batch batch, const Known& known);
[[nodiscard]] Writes presence(Batch batch);

}  // namespace keepmq::mongo
