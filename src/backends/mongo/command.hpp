#pragma once
// What goes to a server and what comes back, as values.

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "backends/mongo/document.hpp"
#include "store/errc.hpp"

namespace keepmq::mongo {

/// Names that EMQ X gave them.
namespace collections {
inline constexpr std::string_view clients = "mqtt_client";
inline constexpr std::string_view subscriptions = "mqtt_sub";
inline constexpr std::string_view messages = "mqtt_msg";
inline constexpr std::string_view retained = "mqtt_retain";
inline constexpr std::string_view positions = "mqtt_acked";
inline constexpr std::string_view counters = "mqtt_counters";
}  // namespace collections

/// A search. `limit` 0: all.
struct Find {
    std::string_view collection;
    Document filter;
    Document sort = {};
    Document fields = {};  ///< to be returned; empty: all
    std::size_t limit = 0;
};

/// BSON of each document found, in order.
using Found = std::variant<std::vector<std::string>, store::Failure>;

/// One write of one document.
struct Write {
    enum class Kind : std::uint8_t {
        insert,   ///< of `body`
        update,   ///< `body` holds operators
        upsert,   ///< the same, and inserts where nothing is found
        replace,  ///< by `body`, or inserts it
        remove_one,
        remove_all,
    };
    Kind kind = Kind::insert;
    Document filter = {};
    Document body = {};
    std::vector<std::size_t> ops = {};  ///< of the batch, whose fate this decides
};

enum class Sequence : std::uint8_t { ordered, any };

/// Writes to one collection that travel together.
struct Writes {
    std::string collection;
    Sequence sequence = Sequence::ordered;
    std::vector<Write> list = {};
};

/// The server refused this one for good, while others were written.
struct Refusal {
    std::size_t index;  ///< in the list
    std::int64_t code;
    store::Failure failure;
};
using Written = std::variant<std::vector<Refusal>, store::Failure>;

}  // namespace keepmq::mongo
