#pragma once
// What the tables of a database offer, as far as statements depend on it.

#include <optional>
#include <string>

#include "sql/layout.hpp"

namespace keepmq::mysql {

struct Tables {
    sql::Layout layout;
    /// Pattern of a condition, as those of the layout: mqtt_msg.msgid.
    std::string is_msgid = "{0} = {1}";
    /// Column of mqtt_msg whose index, with the id as second part, is sorted by the bytes of the
    /// topic or of its beginning; none: there is no such index.
    std::optional<std::string> topic_order = "topic_head";
};

}  // namespace keepmq::mysql
