#pragma once
// The database of the model test: lanes that commit later, positions, and readers behind a barrier,
// by the contract of store/op.hpp.

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "broker/broker.hpp"
#include "model/topic.hpp"

namespace keepmq::broker::model {

using Random = std::mt19937_64;

inline std::size_t below(Random& random, std::size_t limit) {
    return limit == 0 ? 0 : random() % limit;
}
inline bool chance(Random& random, unsigned percent) {
    return random() % 100 < percent;
}

struct Write {
    enum class Kind { store, init, advance, remove, forget };
    Kind kind{};
    std::string key;  ///< topic or filter: the order key
    std::string client = {};
    MessagePtr message = {};
    MessageId id = {};
    Ticket ticket = {};
    FenceId fence = {};
    bool refused = false;
};

struct Read {
    FenceId fence{};
    std::string client;
    std::string filter;
    ReplayPlan::Mode mode{};
    std::optional<std::string> after;
    std::size_t limit = 0;
    std::vector<std::size_t> barrier = {};  ///< writes still ahead of it, by lane
};
struct Page {
    Read read;
    std::vector<MessagePtr> messages;
    std::optional<std::string> next;
    std::uint64_t behind = 0;  ///< outcomes that are told before
};

class Store {
  public:
    Store(Random& random, bool from_latest)
        : random_{random}, from_latest_{from_latest}, lanes_(3) {}

    void submit(Write write) { lane_of(write.key).push_back(std::move(write)); }

    void submit(Read read) {
        const bool wildcard = has_wildcard(read.filter);
        for (const auto& lane : lanes_) {
            const bool concerned = wildcard ? !read.after : &lane == &lane_of(read.filter);
            read.barrier.push_back(concerned ? lane.size() : 0);
        }
        reads_.push_back(std::move(read));
    }

    /// Commits a batch of some lane. False if all are empty.
    bool run_lane() {
        const auto first = below(random_, lanes_.size());
        for (std::size_t i = 0; i < lanes_.size(); ++i) {
            const auto number = (first + i) % lanes_.size();
            auto& lane = lanes_[number];
            if (lane.empty())
                continue;
            for (auto batch = 1 + below(random_, lane.size()); batch != 0; --batch) {
                commit(lane.front());
                outcomes.push_back(std::move(lane.front()));
                ++committed_;
                lane.pop_front();
                for (auto& read : reads_) read.barrier[number] -= read.barrier[number] != 0;
            }
            return true;
        }
        return false;
    }

    /// Reads the page of some request whose barrier is through. False if there is none.
    bool run_reader() {
        std::vector<std::size_t> ready;
        for (std::size_t i = 0; i < reads_.size(); ++i) {
            if (std::all_of(reads_[i].barrier.begin(), reads_[i].barrier.end(), [](auto left) {
                    return left == 0;
                }))
                ready.push_back(i);
        }
        if (ready.empty())
            return false;
        const auto chosen =
            reads_.begin() + static_cast<std::ptrdiff_t>(ready[below(random_, ready.size())]);
        pages.push_back(fetch(std::move(*chosen)));
        pages.back().behind = committed_;
        reads_.erase(chosen);
        return true;
    }

    /// The broker's process died: what was not committed is gone.
    void lose_connections() {
        for (auto& lane : lanes_) lane.clear();
        reads_.clear();
        outcomes.clear();
        pages.clear();
    }

    /// A connection tells its outcome before another one can have read what it committed.
    [[nodiscard]] bool may_tell(const Page& page) const {
        return page.behind <= committed_ - outcomes.size();
    }

    [[nodiscard]] bool is_stored(MessageId id) const {
        return std::any_of(
            rows_.begin(), rows_.end(), [&](const Row& row) { return row.message->id == id; });
    }
    /// One-to-one rows that nobody acknowledged.
    [[nodiscard]] std::vector<MessagePtr> left() const {
        std::vector<MessagePtr> found;
        for (const auto& row : rows_) {
            if (!row.removed)
                found.push_back(row.message);
        }
        return found;
    }
    [[nodiscard]] std::optional<MessageId> position(const std::string& client,
                                                    const std::string& topic) const {
        const auto found = positions_.find({client, topic});
        if (found == positions_.end() || found->second == 0)
            return std::nullopt;
        for (auto row = rows_.rbegin(); row != rows_.rend(); ++row) {
            if (row->number <= found->second && row->message->topic.view() == topic)
                return row->message->id;
        }
        return std::nullopt;
    }

    std::deque<Write> outcomes;  ///< committed, not yet told
    std::deque<Page> pages;      ///< read, not yet told

  private:
    struct Row {
        std::uint64_t number;
        MessagePtr message;
        bool removed = false;
    };

    std::deque<Write>& lane_of(const std::string& key) {
        return lanes_[std::hash<std::string>{}(key) % lanes_.size()];
    }

    void commit(const Write& write) {
        if (write.refused)
            return;
        switch (write.kind) {
            case Write::Kind::store:
                rows_.push_back({rows_.size() + 1, write.message});
                break;
            case Write::Kind::init: {
                const bool latest = from_latest_ || has_wildcard(write.key);
                positions_.try_emplace({write.client, write.key}, latest ? rows_.size() : 0);
                break;
            }
            case Write::Kind::advance:
                for (const auto& row : rows_) {
                    if (row.message->id == write.id) {
                        auto& position = positions_[{write.client, write.key}];
                        position = std::max(position, row.number);
                    }
                }
                break;
            case Write::Kind::remove:
                for (auto& row : rows_) row.removed |= row.message->id == write.id;
                break;
            case Write::Kind::forget:
                positions_.erase({write.client, write.key});
                break;
        }
    }

    [[nodiscard]] bool wanted(const Read& read, const Row& row) const {
        const auto& topic = row.message->topic.str();
        if (row.removed || !filter_matches(read.filter, topic))
            return false;
        if (read.mode == ReplayPlan::Mode::queue)
            return true;
        for (const auto& name : {read.filter, topic}) {
            const auto found = positions_.find({read.client, name});
            if (found != positions_.end() && row.number <= found->second)
                return false;
        }
        return true;
    }

    Page fetch(Read read) {
        Page page{std::move(read), {}, std::nullopt};
        auto number = page.read.after ? std::stoull(*page.read.after) : 0;
        for (; number < rows_.size(); ++number) {
            const auto& row = rows_[number];
            if (!wanted(page.read, row))
                continue;
            if (page.messages.size() == page.read.limit)
                break;
            page.messages.push_back(row.message);
        }
        // A database may not know that the page it gives is the last one.
        if (number < rows_.size() || (!page.messages.empty() && chance(random_, 30)))
            page.next = std::to_string(number);
        return page;
    }

    Random& random_;
    bool from_latest_;
    std::vector<std::deque<Write>> lanes_;
    std::deque<Read> reads_;
    std::vector<Row> rows_;  ///< in the order of their commits
    std::uint64_t committed_ = 0;
    std::map<std::pair<std::string, std::string>, std::uint64_t> positions_;
};

}  // namespace keepmq::broker::model
