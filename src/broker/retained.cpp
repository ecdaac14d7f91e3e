#include "broker/retained.hpp"

#include <set>
#include <string>
#include <unordered_set>
#include <utility>

#include "model/topic.hpp"

namespace keepmq::broker {
namespace {

/// Where to go on after a name that the filter does not match: every name between is no match
/// either.
struct Next {
    enum class Step { neighbour, seek, stop };
    Step step = Step::neighbour;
    std::string from{};
};

/// The first name after all that start with `prefix`, which ends with `/` or is empty.
Next beyond(std::string_view prefix) {
    if (prefix.empty())
        return {Next::Step::stop};
    Next next{Next::Step::seek, std::string{prefix}};
    ++next.from.back();
    return next;
}

/// Walks filter and name together to the level where they part. Names are sorted by bytes, so the
/// next candidate keeps what did match and carries the filter's word where the name's was smaller.
Next after_mismatch(std::string_view filter, std::string_view name) {
    if (name.starts_with('$') && (filter.starts_with('+') || filter.starts_with('#')))
        return {Next::Step::seek, "%"};  // [MQTT-4.7.2-1]; '%' follows '$'
    std::size_t in_filter = 0;
    std::size_t in_name = 0;
    while (true) {
        const auto wanted = filter.substr(in_filter, filter.find('/', in_filter) - in_filter);
        const auto got = name.substr(in_name, name.find('/', in_name) - in_name);
        if (wanted != "+" && wanted != got) {
            auto candidate = std::string{name.substr(0, in_name)}.append(wanted);
            if (name < candidate)
                return {Next::Step::seek, std::move(candidate)};
            candidate += '/';
            if (name < candidate)
                return {Next::Step::seek, std::move(candidate)};
            return beyond(name.substr(0, in_name));
        }
        in_filter += wanted.size() + 1;
        in_name += got.size() + 1;
        if (in_name > name.size())
            return {};  // too short: longer names with this beginning may follow
        if (in_filter > filter.size())
            return beyond(name.substr(0, in_name));
    }
}

}  // namespace

class Retained::Impl {
  public:
    bool keep(const MessagePtr& message, std::size_t limit) {
        if (const auto found = names_.find(message->topic.view()); found != names_.end()) {
            const auto& slot = **found;
            if (message->id < slot.message->id)
                return true;
            forget_expiry(slot);
            slot.message = message;
            note_expiry(slot);
            return true;
        }
        if (limit != 0 && sorted_.size() >= limit)
            return false;
        // The end: those from before a restart come in order.
        const auto& slot = *sorted_.insert(sorted_.end(), Slot{message});
        names_.insert(&slot);
        note_expiry(slot);
        return true;
    }

    bool erase(std::string_view topic) {
        const auto found = names_.find(topic);
        if (found == names_.end())
            return false;
        remove(found);
        return true;
    }

    [[nodiscard]] MessagePtr find(std::string_view topic) const {
        const auto found = names_.find(topic);
        return found == names_.end() ? nullptr : (*found)->message;
    }

    template <class Visit>
    void match(std::string_view filter, WallTime now, const Visit& visit) const {
        const auto offer = [&](const MessagePtr& message) {
            const auto end = message->expires_at();
            return (end && *end <= now) || visit(message);
        };
        if (!has_wildcard(filter)) {
            if (const auto message = find(filter))
                offer(message);
            return;
        }
        const auto prefix = literal_prefix(filter);
        std::size_t missed = 0;
        for (auto at = sorted_.lower_bound(prefix); at != sorted_.end();) {
            const auto name = at->name();
            if (!name.starts_with(prefix))
                return;
            // Neighbours by name lie anywhere in memory.
            const auto after = std::next(at);
            if (after != sorted_.end())
                __builtin_prefetch(after->message.get());
            if (filter_matches(filter, name)) {
                missed = 0;
                if (!offer(at->message))
                    return;
                at = after;
            } else if (++missed < patience) {
                at = after;
            } else {
                auto next = after_mismatch(filter, name);
                missed = 0;
                if (next.step == Next::Step::stop)
                    return;
                at = next.step == Next::Step::seek ? sorted_.lower_bound(next.from) : after;
            }
        }
    }

    std::size_t expire(WallTime now,
                       std::size_t budget,
                       const std::function<void(const Message&)>& visit) {
        std::size_t dropped = 0;
        for (; dropped < budget && !expiries_.empty() && expiries_.begin()->first <= now;
             ++dropped) {
            const auto& slot = *expiries_.begin()->second;
            if (visit)
                visit(*slot.message);
            remove(names_.find(slot.name()));
        }
        return dropped;
    }

    [[nodiscard]] std::size_t size() const { return sorted_.size(); }

  private:
    /// A step to the neighbour costs a tenth of a search.
    static constexpr std::size_t patience = 8;

    struct Slot {
        /// Mutable: a newer message of the same topic takes the place without moving it.
        mutable MessagePtr message;
        [[nodiscard]] std::string_view name() const { return message->topic.view(); }
    };
    struct ByName {
        using is_transparent = void;
        bool operator()(const Slot& a, const Slot& b) const { return a.name() < b.name(); }
        bool operator()(const Slot& a, std::string_view b) const { return a.name() < b; }
        bool operator()(std::string_view a, const Slot& b) const { return a < b.name(); }
    };
    struct HashName {
        using is_transparent = void;
        std::size_t operator()(std::string_view name) const {
            return std::hash<std::string_view>{}(name);
        }
        std::size_t operator()(const Slot* slot) const { return (*this)(slot->name()); }
    };
    struct SameName {
        using is_transparent = void;
        bool operator()(const Slot* a, const Slot* b) const { return a == b; }
        bool operator()(const Slot* a, std::string_view b) const { return a->name() == b; }
        bool operator()(std::string_view a, const Slot* b) const { return a == b->name(); }
    };
    using Names = std::unordered_set<const Slot*, HashName, SameName>;

    void note_expiry(const Slot& slot) {
        if (const auto end = slot.message->expires_at())
            expiries_.emplace(*end, &slot);
    }
    void forget_expiry(const Slot& slot) {
        if (const auto end = slot.message->expires_at())
            expiries_.erase({*end, &slot});
    }
    void remove(Names::iterator found) {
        const auto* slot = *found;
        forget_expiry(*slot);
        names_.erase(found);
        sorted_.erase(sorted_.find(*slot));
    }

    std::set<Slot, ByName> sorted_;
    Names names_;
    std::set<std::pair<WallTime, const Slot*>> expiries_;
};

Retained::Retained() : impl_{std::make_unique<Impl>()} {}
Retained::~Retained() = default;

bool Retained::keep(const MessagePtr& message, std::size_t limit) {
    return impl_->keep(message, limit);
}
bool Retained::erase(std::string_view topic) {
    return impl_->erase(topic);
}
MessagePtr Retained::find(std::string_view topic) const {
    return impl_->find(topic);
}
void Retained::match(std::string_view filter,
                     WallTime now,
                     const std::function<bool(const MessagePtr&)>& visit) const {
    impl_->match(filter, now, visit);
}
std::size_t Retained::expire(WallTime now,
                             std::size_t budget,
                             const std::function<void(const Message&)>& visit) {
    return impl_->expire(now, budget, visit);
}
std::size_t Retained::size() const {
    return impl_->size();
}

}  // namespace keepmq::broker
