#pragma once
// How the sections of keepmq.conf describe their keys. Only for the sources of this module.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/settings.hpp"

namespace keepmq::config {

/// One key: how it is documented, read into the settings, and shown. `get` of default settings is
/// the documented default, so that the two cannot differ.
struct Key {
    std::string name;
    std::string type;
    std::string meaning;
    /// What was expected, when the value is wrong; else empty.
    std::function<std::string(Settings&, std::string_view value, const Origin&)> set;
    std::function<std::string(Settings&)> get;
};

/// Access to one member of the settings.
template <class T>
using Member = std::function<T&(Settings&)>;

struct Range {
    std::uint64_t least = 0;
    std::uint64_t most = std::numeric_limits<std::int64_t>::max();
};

[[nodiscard]] Key text_key(std::string name,
                           std::string meaning,
                           const Member<std::string>& member);
[[nodiscard]] Key flag_key(std::string name, std::string meaning, const Member<bool>& member);
[[nodiscard]] Key words_key(std::string name,
                            std::vector<std::string> words,
                            std::string meaning,
                            const Member<std::string>& member);

using Get64 = std::function<std::uint64_t(Settings&)>;
using Set64 = std::function<void(Settings&, std::uint64_t)>;

/// A whole number; written `1MB` too when `bytes`.
[[nodiscard]] Key number_key(std::string name,
                             Range range,
                             bool bytes,
                             std::string meaning,
                             const Set64& set,
                             const Get64& get);
/// A duration; set, get and range count milliseconds. `step` is the finest the member can hold.
[[nodiscard]] Key duration_key(std::string name,
                               Range range,
                               std::uint64_t step,
                               std::string meaning,
                               const Set64& set,
                               const Get64& get);

template <class T>
[[nodiscard]] Key number_key(
    std::string name, Range range, std::string meaning, Member<T> member, bool bytes = false) {
    range.most = std::min(range.most, static_cast<std::uint64_t>(std::numeric_limits<T>::max()));
    return number_key(
        std::move(name),
        range,
        bytes,
        std::move(meaning),
        [member](Settings& settings, std::uint64_t value) {
            member(settings) = static_cast<T>(value);
        },
        [member](Settings& settings) { return static_cast<std::uint64_t>(member(settings)); });
}

template <class T>
[[nodiscard]] Key bytes_key(std::string name, Range range, std::string meaning, Member<T> member) {
    return number_key<T>(std::move(name), range, std::move(meaning), std::move(member), true);
}

template <class Duration>
[[nodiscard]] Key duration_key(std::string name,
                               Range range,
                               std::string meaning,
                               Member<Duration> member) {
    using std::chrono::milliseconds;
    return duration_key(
        std::move(name),
        range,
        static_cast<std::uint64_t>(milliseconds{Duration{1}}.count()),
        std::move(meaning),
        [member](Settings& settings, std::uint64_t value) {
            member(settings) = std::chrono::duration_cast<Duration>(
                milliseconds{static_cast<std::int64_t>(value)});
        },
        [member](Settings& settings) {
            return static_cast<std::uint64_t>(milliseconds{member(settings)}.count());
        });
}

// --- the sections, one source each -------------------------------------------------------------

void add_node_keys(std::vector<Key>& keys);   ///< node.*, log.*, plugins.*
void add_admin_keys(std::vector<Key>& keys);  ///< dashboard.*
void add_mqtt_keys(std::vector<Key>& keys);   ///< mqtt.*, broker.*, retainer.*, hooks.*
void add_zone_keys(std::vector<Key>& keys);   ///< zone.external.*
void add_store_keys(std::vector<Key>& keys);  ///< store.*, spool.*, replay.*, backpressure.*

/// All of them, in the order of the manual.
[[nodiscard]] const std::vector<Key>& all_keys();

/// `listener.*` names its listeners itself, so its keys are read by hand. False: not such a key.
[[nodiscard]] bool read_listener(const Override& line,
                                 Settings& settings,
                                 Diagnostics& diagnostics);

/// Address forms of settings.hpp. What was expected, when the text is wrong; else empty.
[[nodiscard]] std::string read_endpoint(std::string_view text, Endpoint& endpoint);
[[nodiscard]] bool is_loopback(const Endpoint& endpoint);

/// What to say about a key of EMQ X 4.x that has no effect here: a reason, empty if there is
/// nothing particular to say. Nothing for a key that EMQ X does not have either.
[[nodiscard]] std::optional<std::string> foreign_key(std::string_view key);

}  // namespace keepmq::config
