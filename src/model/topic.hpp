#pragma once
// Rules for topic names and topic filters [MQTT 5.0, 4.7]. Pure functions over bytes.

#include <cstddef>
#include <string_view>

namespace keepmq {

/// Well-formed UTF-8 without U+0000, surrogates or overlong forms [MQTT-1.5.4-1, MQTT-1.5.4-2].
[[nodiscard]] bool is_mqtt_utf8(std::string_view text);

/// Not empty, no wildcard characters, no U+0000 [MQTT-3.3.2-2, MQTT-4.7.3-1]. UTF-8 is checked
/// apart.
[[nodiscard]] bool is_topic_name(std::string_view text);

/// Not empty, `#` only as the whole last level, `+` only as a whole level [MQTT-4.7.1-1,
/// MQTT-4.7.1-2].
[[nodiscard]] bool is_topic_filter(std::string_view text);

[[nodiscard]] bool has_wildcard(std::string_view filter);

/// Number of levels: one more than the number of `/`.
[[nodiscard]] std::size_t topic_levels(std::string_view text);

/// Whether `filter` matches `name`, also the rule that a wildcard in the first level does not match
/// a name that starts with `$` [MQTT-4.7.2-1]. `name` is compared level by level; its own `+` and
/// `#` (when it is a subscription's filter that a rule is matched against) are ordinary words.
[[nodiscard]] bool filter_matches(std::string_view filter, std::string_view name);

/// Whether some topic name exists that both filters match (used to find overlapping rules).
[[nodiscard]] bool filters_overlap(std::string_view a, std::string_view b);

/// The longest prefix of bytes that every name matched by `filter` starts with; for a range query.
/// `a/b/+` gives `a/b/`; `a/#` gives `a` (it matches `a` itself); `#` gives the empty text.
[[nodiscard]] std::string_view literal_prefix(std::string_view filter);

/// `$share/<group>/<filter>` split. `group` is empty for an ordinary filter. `valid` is false for a
/// malformed shared subscription [MQTT-4.8.2-1, MQTT-4.8.2-2].
struct SharedFilter {
    std::string_view group;
    std::string_view filter;
    bool valid = true;
};
[[nodiscard]] SharedFilter split_shared(std::string_view subscribed);

}  // namespace keepmq
