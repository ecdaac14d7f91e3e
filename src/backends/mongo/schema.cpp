#include "backends/mongo/schema.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace keepmq::mongo {
namespace {

using namespace collections;
using store::Failure;

constexpr std::array all{
    Index{clients, "keepmq_client", "clientid", {}, true},
    Index{subscriptions, "keepmq_sub", "clientid", "topic", true},
    Index{messages, "keepmq_topic", "topic", "_id"},
    Index{messages, "keepmq_msgid", "msgid", {}, true},
    Index{messages, "keepmq_expire", "expire_at", {}, false, true},
    Index{retained, "keepmq_retain", "topic", {}, true},
    Index{retained, "keepmq_expire", "expire_at", {}, false, true},
    Index{positions, "keepmq_acked", "clientid", "topic", true},
};

Document command_for(const Index& index) {
    Document key;
    key.integer(index.first, 1);
    if (!index.second.empty())
        key.integer(index.second, 1);
    Document options;
    options.child("key", key).text("name", index.name);
    if (index.is_unique)
        options.boolean("unique", true);
    if (index.expires)
        options.integer("expireAfterSeconds", 0);
    return Document{}
        .text("createIndexes", index.collection)
        .array("indexes", Document{}.child("0", options));
}

std::string title_of(const Index& index) {
    return fmt::format("index {} of {} ({}{}{}{})",
                       index.name,
                       index.collection,
                       index.is_unique ? "unique " : "",
                       index.first,
                       index.second.empty() ? "" : ", ",
                       index.second);
}

bool is_about_the_server(store::errc code) {
    using store::errc;
    return code == errc::connection_lost || code == errc::unreachable || code == errc::timed_out;
}

/// Whether an index with these fields, in this order, is in the list.
bool has(std::string_view list, const Index& index) {
    return std::ranges::any_of(fields_of(list), [&](const Field& one) {
        const auto key = find(one.value, "key");
        if (!key)
            return false;
        const auto fields = fields_of(key->value);
        const std::size_t count = index.second.empty() ? 1 : 2;
        return fields.size() == count && fields[0].name == index.first &&
               (count == 1 || fields[1].name == index.second);
    });
}

}  // namespace

std::span<const Index> indexes() {
    return all;
}

store::SchemaReport inspect(Connection& connection) {
    store::SchemaReport report;
    for (const auto& index : all) {
        if (index.expires)
            continue;  // of use to rules with `expired_time` only, and not every server has them
        const auto reply = connection.run(Document{}.text("listIndexes", index.collection));
        std::string list;
        if (const auto* const failure = std::get_if<Failure>(&reply)) {
            if (is_about_the_server(failure->code) || failure->code == store::errc::access_denied) {
                report.failure = *failure;
                return report;
            }
            // There is no such collection yet.
        } else if (const auto cursor = find(std::get<std::string>(reply), "cursor")) {
            if (const auto first = find(cursor->value, "firstBatch"))
                list = first->value;
        }
        if (!has(list, index))
            report.warnings.push_back("there is no " + title_of(index));
    }
    return report;
}

MadeIndexes make_indexes(Connection& connection) {
    MadeIndexes made;
    for (const auto& index : all) {
        auto reply = connection.run(command_for(index));
        auto* const failure = std::get_if<Failure>(&reply);
        if (failure == nullptr)
            continue;
        if (is_about_the_server(failure->code)) {
            made.failure = std::move(*failure);
            return made;
        }
        if (index.expires)
            made.no_expiry = failure->text;
        else
            made.warnings.push_back(fmt::format("no {}: {}", title_of(index), failure->text));
    }
    return made;
}

}  // namespace keepmq::mongo
