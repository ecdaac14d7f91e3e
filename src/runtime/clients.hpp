#pragma once
// The Network Connections of a shard by the number that the broker gave them. Shard-local.

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <cstdint>
#include <utility>
#include <vector>

#include "model/ids.hpp"
#include "net/connection.hpp"
#include "runtime/listener_port.hpp"

namespace keepmq::runtime {

struct Client {
    boost::intrusive_ptr<net::Connection> connection;  ///< null: nobody is here
    Place place;
    std::uint32_t generation = 0;  ///< the high half of the number
    bool closing = false;
    bool blocked = false;  ///< waits for on_writable
};

/// A table by the low half of the number, which no two connections have at once. Pointers last
/// until the next `add`.
class Clients {
  public:
    Client& add(ConnectionId id, boost::intrusive_ptr<net::Connection> connection, Place place) {
        const auto index = index_of(id);
        if (index >= table_.size())
            table_.resize(index + 1);
        ++size_;
        return table_[index] = {std::move(connection), std::move(place), generation_of(id)};
    }
    /// Null for one that was erased.
    [[nodiscard]] Client* find(ConnectionId id) {
        const auto index = index_of(id);
        if (index >= table_.size())
            return nullptr;
        auto& client = table_[index];
        return client.connection && client.generation == generation_of(id) ? &client : nullptr;
    }
    void erase(Client& client) {
        client = {};
        --size_;
    }
    [[nodiscard]] std::size_t size() const { return size_; }

    template <class Visit>
    void each(Visit&& visit) {
        for (auto& client : table_)
            if (client.connection)
                visit(client);
    }
    void clear() {
        table_.clear();
        size_ = 0;
    }

  private:
    static std::size_t index_of(ConnectionId id) {
        return static_cast<std::uint32_t>(static_cast<std::uint64_t>(id));
    }

    static std::uint32_t generation_of(ConnectionId id) {
        return static_cast<std::uint32_t>(static_cast<std::uint64_t>(id) >> 32U);
    }

    std::vector<Client> table_;
    std::size_t size_ = 0;
};

}  // namespace keepmq::runtime
