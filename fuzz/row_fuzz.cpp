// What rows and hashes may hold, whoever wrote them: times, properties, ids, fields of Redis. What
// was read and written again reads as the same.
//
// Input: texts, each ended by a zero character.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "backends/redis/records.hpp"
#include "model/message_id.hpp"
#include "sql/columns.hpp"

namespace {

using namespace keepmq;

void require(bool holds) {
    if (!holds)
        std::abort();
}

std::vector<std::string> fields_of(std::string_view rest) {
    std::vector<std::string> fields;
    while (!rest.empty()) {
        const auto field = rest.substr(0, rest.find('\0'));
        fields.emplace_back(field);
        rest.remove_prefix(std::min(field.size() + 1, rest.size()));
    }
    return fields;
}

void check_time(std::string_view text) {
    const auto time = sql::parse_time(text);
    if (!time)
        return;
    const auto again = sql::format_time(*time);
    require(sql::parse_time(again) == time);
    require(again >= sql::lower_bound_of_time(*time));
}

void check_properties(std::string_view text) {
    const auto properties = sql::parse_properties(text);
    if (!properties)
        return;
    const auto written = sql::format_properties(*properties);
    const auto again = sql::parse_properties(written);
    require(again && sql::format_properties(*again) == written);
}

void check_id(std::string_view text) {
    if (const auto id = MessageId::parse(text))
        require(id->to_string() == text);
}

void check_hash(const std::vector<std::string>& fields) {
    redis::Answer hash;
    hash.kind = redis::Answer::Kind::list;
    for (const auto& field : fields) {
        redis::Answer one;
        one.kind = redis::Answer::Kind::text;
        one.text = field;
        hash.list.push_back(std::move(one));
    }
    const auto message = redis::parse_message(hash, "");
    require(!message || message->qos <= Qos::exactly_once);
    (void)redis::parse_message(hash, fields.empty() ? "" : fields.front());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto fields = fields_of({reinterpret_cast<const char*>(data), size});
    for (const auto& field : fields) {
        check_time(field);
        check_properties(field);
        check_id(field);
    }
    check_hash(fields);
    return 0;
}
