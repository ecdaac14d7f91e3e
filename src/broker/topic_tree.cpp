#include "broker/topic_tree.hpp"

#include <algorithm>
#include <boost/container/small_vector.hpp>
#include <cstring>
#include <new>
#include <unordered_map>
#include <vector>

#include "model/topic.hpp"

namespace keepmq::broker {
namespace {

/// What the allocator takes for a block: a header of one word, rounded up.
constexpr std::size_t heap_cost(std::size_t bytes) {
    return std::max<std::size_t>(32, (bytes + 8 + 15) / 16 * 16);
}

/// Up to seven bytes as a number, different for different texts of one length. A copy of a size
/// that is not known would be a call.
std::uint64_t short_word(std::string_view text) {
    const auto byte = [&](std::size_t at) {
        return std::uint64_t{static_cast<unsigned char>(text[at])};
    };
    if (text.size() >= 4) {
        std::uint32_t head = 0;
        std::uint32_t tail = 0;
        std::memcpy(&head, text.data(), 4);
        std::memcpy(&tail, text.data() + text.size() - 4, 4);
        return std::uint64_t{head} << 32U | tail;
    }
    if (text.empty())
        return 0;
    return byte(0) << 16U | byte(text.size() / 2) << 8U | byte(text.size() - 1);
}

/// The seed keeps clients from preparing names that fall into one slot.
std::uint32_t hash_text(std::string_view text, std::uint64_t seed) {
    constexpr std::uint64_t odd = 0x9E3779B97F4A7C15ULL;
    std::uint64_t hash = seed ^ (text.size() * odd);
    const auto mix = [&hash](std::uint64_t word) {
        hash = (hash ^ word) * odd;
        hash ^= hash >> 29U;
    };
    while (text.size() >= 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, text.data(), 8);
        mix(word);
        text.remove_prefix(8);
    }
    mix(short_word(text));
    hash *= odd;
    return static_cast<std::uint32_t>(hash >> 32U);
}

struct SubscriberHash {
    std::size_t operator()(const Subscriber& s) const {
        const auto mixed = reinterpret_cast<std::uintptr_t>(s.session) * 3 ^
                           reinterpret_cast<std::uintptr_t>(s.group) * 5 ^
                           reinterpret_cast<std::uintptr_t>(s.subscription);
        return static_cast<std::size_t>((mixed >> 4U) * 0x9E3779B97F4A7C15ULL >> 16U);
    }
};

/// The subscribers of one filter: one word while there are none, one block for the common one.
class SubscriberSet {
  public:
    [[nodiscard]] bool empty() const { return block_ == nullptr; }

    void insert(const Subscriber& subscriber, std::size_t& bytes) {
        if (!block_)
            resize(1, bytes);
        else if (block_->size == block_->capacity)
            resize(block_->capacity * 2, bytes);
        items()[block_->size++] = subscriber;
        if (block_->index)
            bytes += index_cost * block_->index->try_emplace(subscriber, block_->size - 1).second;
        else if (block_->size > indexed_from)
            build_index(bytes);
    }

    bool erase(const Subscriber& subscriber, std::size_t& bytes) {
        const auto at = position(subscriber);
        if (at == none)
            return false;
        const auto last = --block_->size;
        if (block_->index)
            bytes -= index_cost * block_->index->erase(subscriber);
        if (at != last) {
            items()[at] = items()[last];
            if (block_->index)
                (*block_->index)[items()[at]] = at;
        }
        if (block_->size == 0)
            clear(bytes);
        else if (block_->size <= block_->capacity / 4)
            resize(block_->capacity / 2, bytes);
        return true;
    }

    void clear(std::size_t& bytes) {
        if (!block_)
            return;
        if (block_->index) {
            bytes -= index_cost * block_->index->size();
            delete block_->index;
        }
        bytes -= heap_cost(size_of(block_->capacity));
        ::operator delete(block_);
        block_ = nullptr;
    }

    template <class Visit>
    void each(Visit&& visit) const {
        if (!block_)
            return;
        for (std::uint32_t i = 0; i < block_->size; ++i) visit(items()[i]);
    }

  private:
    using Index = std::unordered_map<Subscriber, std::uint32_t, SubscriberHash>;
    struct Block {
        std::uint32_t size = 0;
        std::uint32_t capacity = 0;
        Index* index = nullptr;  ///< only for crowds, where a search would make each erase linear
    };                           // the subscribers follow
    static constexpr std::uint32_t indexed_from = 32;
    static constexpr std::uint32_t none = 0xFFFFFFFF;
    static constexpr std::size_t index_cost = 72;

    static std::size_t size_of(std::uint32_t capacity) {
        return sizeof(Block) + capacity * sizeof(Subscriber);
    }
    [[nodiscard]] Subscriber* items() const { return reinterpret_cast<Subscriber*>(block_ + 1); }

    [[nodiscard]] std::uint32_t position(const Subscriber& subscriber) const {
        if (!block_)
            return none;
        if (block_->index) {
            const auto found = block_->index->find(subscriber);
            return found == block_->index->end() ? none : found->second;
        }
        for (std::uint32_t i = 0; i < block_->size; ++i) {
            if (items()[i] == subscriber)
                return i;
        }
        return none;
    }

    void resize(std::uint32_t capacity, std::size_t& bytes) {
        auto* fresh = new (::operator new(size_of(capacity))) Block{0, capacity, nullptr};
        bytes += heap_cost(size_of(capacity));
        if (block_) {
            fresh->size = block_->size;
            fresh->index = block_->index;
            std::memcpy(static_cast<void*>(fresh + 1), items(), block_->size * sizeof(Subscriber));
            bytes -= heap_cost(size_of(block_->capacity));
            ::operator delete(block_);
        }
        block_ = fresh;
    }

    void build_index(std::size_t& bytes) {
        block_->index = new Index;
        for (std::uint32_t i = 0; i < block_->size; ++i)
            bytes += index_cost * block_->index->try_emplace(items()[i], i).second;
    }

    Block* block_ = nullptr;
};

/// Things with a `hash` and a `text()`, not owned, found by text. Linear probing; a single one
/// needs no table, which is the rule deep in a tree.
template <class T>
class TextTable {
  public:
    [[nodiscard]] bool empty() const { return size_ == 0; }

    [[nodiscard]] T* find(std::uint32_t hash, std::string_view text) const {
        if (capacity_ == 0)
            return size_ != 0 && is(only_, hash, text) ? only_ : nullptr;
        for (auto i = hash & mask();; i = (i + 1) & mask()) {
            const auto& slot = slots_[i];
            if (!slot.value)
                return nullptr;
            if (slot.hash == hash && slot.value->text() == text)
                return slot.value;
        }
    }

    /// The place where `find` is going to look.
    void prefetch(std::uint32_t hash) const {
        if (capacity_ != 0)
            __builtin_prefetch(&slots_[hash & mask()]);
        else if (size_ != 0)
            __builtin_prefetch(only_);
    }

    void insert(T* value, std::size_t& bytes) {
        if (capacity_ == 0 && size_ == 0) {
            only_ = value;
        } else {
            if ((size_ + 1) * 4 > capacity_ * 3)
                rehash(std::max(4U, capacity_ * 2), bytes);
            put(value);
        }
        ++size_;
    }

    void erase(T* value, std::size_t& bytes) {
        --size_;
        if (capacity_ == 0)
            return;
        auto hole = value->hash & mask();
        while (slots_[hole].value != value) hole = (hole + 1) & mask();
        // Who comes after and was pushed over this slot moves back, so that no tombstone is needed.
        for (auto i = (hole + 1) & mask(); slots_[i].value; i = (i + 1) & mask()) {
            if (((i - slots_[i].hash) & mask()) >= ((i - hole) & mask())) {
                slots_[hole] = slots_[i];
                hole = i;
            }
        }
        slots_[hole].value = nullptr;
        if (size_ == 0 || (capacity_ > 4 && size_ * 8 < capacity_))
            rehash(size_ == 0 ? 0 : capacity_ / 2, bytes);
    }

    template <class Visit>
    void each(Visit&& visit) const {
        if (capacity_ == 0 && size_ != 0)
            visit(only_);
        for (std::uint32_t i = 0; i < capacity_; ++i) {
            if (slots_[i].value)
                visit(slots_[i].value);
        }
    }

    void free_table() {
        if (capacity_ != 0)
            delete[] slots_;
        capacity_ = size_ = 0;
    }

  private:
    struct Slot {
        T* value = nullptr;
        std::uint32_t hash = 0;
    };

    static bool is(T* value, std::uint32_t hash, std::string_view text) {
        return value->hash == hash && value->text() == text;
    }
    [[nodiscard]] std::uint32_t mask() const { return capacity_ - 1; }

    void put(T* value) {
        auto i = value->hash & mask();
        while (slots_[i].value) i = (i + 1) & mask();
        slots_[i] = {value, value->hash};
    }

    void rehash(std::uint32_t capacity, std::size_t& bytes) {
        TextTable old = *this;
        if (capacity != 0) {
            slots_ = new Slot[capacity];
            bytes += heap_cost(capacity * sizeof(Slot));
        }
        capacity_ = capacity;
        old.each([this](T* value) { put(value); });
        if (old.capacity_ != 0) {
            bytes -= heap_cost(old.capacity_ * sizeof(Slot));
            delete[] old.slots_;
        }
    }

    union {
        T* only_ = nullptr;  ///< capacity 0, size 1
        Slot* slots_;
    };
    std::uint32_t capacity_ = 0;
    std::uint32_t size_ = 0;
};

/// Allocates `T` with its text behind it.
template <class T>
T* create(std::string_view text, std::uint32_t hash, std::size_t& bytes) {
    auto* made = new (::operator new(sizeof(T) + text.size())) T;
    made->hash = hash;
    made->length = static_cast<std::uint32_t>(text.size());
    std::memcpy(static_cast<void*>(made + 1), text.data(), text.size());
    bytes += heap_cost(sizeof(T) + text.size());
    return made;
}
template <class T>
void destroy(T* dead, std::size_t& bytes) {
    bytes -= heap_cost(sizeof(T) + dead->length);
    ::operator delete(dead);
}
template <class T>
std::string_view text_behind(const T* object) {
    return {reinterpret_cast<const char*>(object + 1), object->length};
}

/// A filter without wildcards.
struct Exact {
    SubscriberSet here;
    std::uint32_t hash = 0;
    std::uint32_t length = 0;
    [[nodiscard]] std::string_view text() const { return text_behind(this); }
};

/// One level of the filters with wildcards.
struct Node {
    Node* parent = nullptr;
    Node* plus = nullptr;
    SubscriberSet here;   ///< the filter ends here
    SubscriberSet multi;  ///< the filter ends with `#` after this level
    TextTable<Node> children;
    std::uint32_t hash = 0;
    std::uint32_t length = 0;
    [[nodiscard]] std::string_view text() const { return text_behind(this); }
    [[nodiscard]] bool unused() const {
        return !plus && here.empty() && multi.empty() && children.empty();
    }
};

/// Hands out the levels of a name or filter, from the left.
class Levels {
  public:
    explicit Levels(std::string_view text) : rest_{text} {}
    [[nodiscard]] bool more() const { return more_; }
    std::string_view next() {
        const auto slash = rest_.find('/');
        const auto level = rest_.substr(0, slash);
        more_ = slash != std::string_view::npos;
        if (more_)
            rest_.remove_prefix(slash + 1);
        return level;
    }

  private:
    std::string_view rest_;
    bool more_ = true;
};

}  // namespace

class TopicTree::Impl {
  public:
    // The address differs from run to run, which is all that the seed needs.
    Impl() : seed_{reinterpret_cast<std::uintptr_t>(this) * 0xD6E8FEB86659FD93ULL} {}
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    ~Impl() {
        std::size_t bytes = bytes_;
        exact_.each([&](Exact* entry) {
            entry->here.clear(bytes);
            destroy(entry, bytes);
        });
        exact_.free_table();
        // A stack of our own: filters may be deeper than the program's stack.
        std::vector<Node*> doomed;
        const auto strip = [&](Node& node) {
            node.here.clear(bytes);
            node.multi.clear(bytes);
            node.children.each([&](Node* child) { doomed.push_back(child); });
            node.children.free_table();
            if (node.plus)
                doomed.push_back(node.plus);
        };
        strip(root_);
        while (!doomed.empty()) {
            auto* node = doomed.back();
            doomed.pop_back();
            strip(*node);
            destroy(node, bytes);
        }
    }

    void insert(std::string_view filter, const Subscriber& subscriber) {
        ++size_;
        if (has_wildcard(filter))
            grow(filter).insert(subscriber, bytes_);
        else
            exact_entry(filter).here.insert(subscriber, bytes_);
    }

    bool erase(std::string_view filter, const Subscriber& subscriber) {
        const bool erased = has_wildcard(filter) ? erase_wildcard(filter, subscriber)
                                                 : erase_exact(filter, subscriber);
        size_ -= erased;
        return erased;
    }

    template <class Visit>
    void match(std::string_view topic, Visit&& visit) const {
        const auto hash = exact_.empty() ? 0 : hash_text(topic, seed_);
        exact_.prefetch(hash);
        if (!root_.unused())
            walk(topic, visit);
        if (const auto* entry = exact_.empty() ? nullptr : exact_.find(hash, topic))
            entry->here.each(visit);
    }

    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] std::size_t memory() const { return sizeof(*this) + bytes_; }

  private:
    using Nodes = boost::container::small_vector<const Node*, 16>;

    Exact& exact_entry(std::string_view filter) {
        const auto hash = hash_text(filter, seed_);
        if (auto* found = exact_.find(hash, filter))
            return *found;
        auto* made = create<Exact>(filter, hash, bytes_);
        exact_.insert(made, bytes_);
        return *made;
    }

    bool erase_exact(std::string_view filter, const Subscriber& subscriber) {
        auto* entry = exact_.find(hash_text(filter, seed_), filter);
        if (!entry || !entry->here.erase(subscriber, bytes_))
            return false;
        if (entry->here.empty()) {
            exact_.erase(entry, bytes_);
            destroy(entry, bytes_);
        }
        return true;
    }

    SubscriberSet& grow(std::string_view filter) {
        auto* node = &root_;
        for (Levels levels{filter}; levels.more();) {
            const auto level = levels.next();
            if (level == "#")
                return node->multi;
            const auto hash = level == "+" ? 0 : hash_text(level, seed_);
            auto* next = level == "+" ? node->plus : node->children.find(hash, level);
            if (!next) {
                next = create<Node>(level, hash, bytes_);
                next->parent = node;
                if (level == "+")
                    node->plus = next;
                else
                    node->children.insert(next, bytes_);
            }
            node = next;
        }
        return node->here;
    }

    bool erase_wildcard(std::string_view filter, const Subscriber& subscriber) {
        auto* node = &root_;
        auto* set = &node->here;
        for (Levels levels{filter}; levels.more();) {
            const auto level = levels.next();
            if (level == "#") {
                set = &node->multi;
                break;
            }
            node = level == "+" ? node->plus : node->children.find(hash_text(level, seed_), level);
            if (!node)
                return false;
            set = &node->here;
        }
        if (!set->erase(subscriber, bytes_))
            return false;
        prune(node);
        return true;
    }

    void prune(Node* node) {
        while (node->parent && node->unused()) {
            auto* parent = node->parent;
            if (parent->plus == node)
                parent->plus = nullptr;
            else
                parent->children.erase(node, bytes_);
            destroy(node, bytes_);
            node = parent;
        }
    }

    template <class Visit>
    void walk(std::string_view topic, Visit& visit) const {
        struct Level {
            std::string_view text;
            std::uint32_t hash;
        };
        boost::container::small_vector<Level, 16> levels;
        for (Levels reader{topic}; reader.more();) {
            const auto level = reader.next();
            levels.push_back({level, hash_text(level, seed_)});
        }
        // Level by level: what the nodes of one level need from memory is fetched at once, where a
        // walk down each branch would wait for one after the other.
        Nodes nodes{&root_};
        Nodes below;
        const bool internal = topic.starts_with('$');
        for (std::size_t depth = 0; !nodes.empty(); ++depth) {
            const bool wildcards = depth > 0 || !internal;  // [MQTT-4.7.2-1]
            const bool ends = depth == levels.size();
            for (const auto* node : nodes) {
                if (!ends)
                    node->children.prefetch(levels[depth].hash);
                if (wildcards)
                    node->multi.each(visit);
                if (ends)
                    node->here.each(visit);
            }
            if (ends)
                return;
            below.clear();
            const auto descend = [&below](const Node* next) {
                if (!next)
                    return;
                __builtin_prefetch(next);
                below.push_back(next);
            };
            for (const auto* node : nodes) {
                descend(node->children.find(levels[depth].hash, levels[depth].text));
                if (wildcards)
                    descend(node->plus);
            }
            nodes.swap(below);
        }
    }

    std::uint64_t seed_;
    TextTable<Exact> exact_;
    Node root_;
    std::size_t size_ = 0;
    std::size_t bytes_ = 0;
};

TopicTree::TopicTree() : impl_{std::make_unique<Impl>()} {}
TopicTree::~TopicTree() = default;
TopicTree::TopicTree(TopicTree&&) noexcept = default;
TopicTree& TopicTree::operator=(TopicTree&&) noexcept = default;

void TopicTree::insert(std::string_view filter, const Subscriber& subscriber) {
    impl_->insert(filter, subscriber);
}
bool TopicTree::erase(std::string_view filter, const Subscriber& subscriber) {
    return impl_->erase(filter, subscriber);
}
std::size_t TopicTree::size() const {
    return impl_->size();
}
std::size_t TopicTree::memory() const {
    return impl_->memory();
}
void TopicTree::match_with(std::string_view topic, Visitor visit, void* context) const {
    impl_->match(topic, [&](const Subscriber& subscriber) { visit(context, subscriber); });
}

}  // namespace keepmq::broker
