#pragma once
// Which subscribers want a topic. Shard-local.
//
// Filters without wildcards are found by one hash; the others by a tree of levels. Matching cost
// depends on the topic's levels and the number of matches, not on the number of subscriptions.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

namespace keepmq::broker {

class Session;
class SharedGroup;
struct Subscription;

/// One subscription of one session, or one shared group (then session is null). The tree owns
/// nothing: owners erase before they die.
struct Subscriber {
    Session* session = nullptr;
    SharedGroup* group = nullptr;
    Subscription* subscription = nullptr;

    friend bool operator==(const Subscriber&, const Subscriber&) = default;
};

class TopicTree {
  public:
    TopicTree();
    ~TopicTree();
    TopicTree(const TopicTree&) = delete;
    TopicTree& operator=(const TopicTree&) = delete;
    TopicTree(TopicTree&&) noexcept;
    TopicTree& operator=(TopicTree&&) noexcept;

    /// `filter` is valid (is_topic_filter) and without `$share/<group>/`. Not checked for doubles.
    void insert(std::string_view filter, const Subscriber& subscriber);
    /// False if it was not there. Empty branches are freed.
    bool erase(std::string_view filter, const Subscriber& subscriber);

    /// Calls `visit` once per matching subscription, in no particular order. The tree must not be
    /// changed meanwhile.
    template <class Visit>
    void match(std::string_view topic, Visit&& visit) const {
        match_with(
            topic,
            [](void* context, const Subscriber& s) {
                (*static_cast<std::remove_reference_t<Visit>*>(context))(s);
            },
            const_cast<void*>(static_cast<const void*>(&visit)));
    }

    [[nodiscard]] std::size_t size() const;
    /// Approximate heap use, for the benchmark and the metrics.
    [[nodiscard]] std::size_t memory() const;

  private:
    using Visitor = void (*)(void* context, const Subscriber&);
    void match_with(std::string_view topic, Visitor visit, void* context) const;

    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace keepmq::broker
