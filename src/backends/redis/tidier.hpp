#pragma once
// Takes topics whose messages are gone (removed, expired) out of the catalogues, a few at a time.

#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "backends/redis/servers.hpp"

namespace keepmq::redis {

/// Lives with the connection of a lane.
///
/// A message, or a retained message, is written before its topic goes into the catalogue. So a
/// topic whose key is missing may be taken out, if no publish can slip in between the look and the
/// removal: one server does both in one script. In a cluster the key is looked at again after the
/// removal, and the topic is put back if it came to life; the publish writes it too, if it comes
/// later than that.
class Tidier {
  public:
    explicit Tidier(Servers& servers);

    /// Looks at some topics if the last time was long ago. Failures are left to the next batch.
    void work(std::chrono::steady_clock::time_point now);

  private:
    struct Catalogue {
        std::string_view key;
        std::string (*key_of)(std::string_view topic);
        std::string cursor = "0";
    };

    void look(Catalogue& catalogue);
    void forget(const Catalogue& catalogue, const std::vector<std::string>& topics);

    Servers& servers_;
    std::chrono::steady_clock::time_point next_{};
    std::array<Catalogue, 2> catalogues_;
};

}  // namespace keepmq::redis
