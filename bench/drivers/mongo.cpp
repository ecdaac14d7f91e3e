// One insert of many documents for each batch, journalled before it is answered.

#include <mongoc/mongoc.h>

#include <charconv>
#include <mutex>

#include "drivers.hpp"

namespace drivers {
namespace {

using Bulk = std::unique_ptr<mongoc_bulk_operation_t, decltype(&mongoc_bulk_operation_destroy)>;

void add(mongoc_bulk_operation_t* bulk, const Row& row) {
    std::int64_t number = 0;
    std::from_chars(row.msgid.data(), row.msgid.data() + row.msgid.size(), number);
    bson_t document;
    bson_init(&document);
    BSON_APPEND_INT64(&document, "_id", number);
    BSON_APPEND_UTF8(&document, "topic", row.topic.c_str());
    BSON_APPEND_UTF8(&document, "msgid", row.msgid.c_str());
    BSON_APPEND_UTF8(&document, "sender", row.sender.c_str());
    BSON_APPEND_INT32(&document, "qos", static_cast<std::int32_t>(qos));
    BSON_APPEND_INT32(&document, "retain", static_cast<std::int32_t>(retain));
    BSON_APPEND_UTF8(&document, "payload", row.payload.c_str());
    BSON_APPEND_INT32(&document, "arrived", 1'700'000'000);
    mongoc_bulk_operation_insert(bulk, &document);
    bson_destroy(&document);
}

}  // namespace

Insert open_mongo(const Target& target) {
    static std::once_flag once;
    std::call_once(once, [] {
        mongoc_init();
        mongoc_log_set_handler(nullptr, nullptr);
    });
    const auto uri = "mongodb://" + target.host + ':' + std::to_string(target.port) +
                     "/?directConnection=true&w=majority&journal=true";
    const std::shared_ptr<mongoc_client_t> client{mongoc_client_new(uri.c_str()),
                                                  mongoc_client_destroy};
    require(client != nullptr, "not a connection string");
    const std::shared_ptr<mongoc_collection_t> collection{
        mongoc_client_get_collection(client.get(), "mqtt", "mqtt_msg"),
        [client](mongoc_collection_t* each) { mongoc_collection_destroy(each); }};
    return [collection](Rows rows) {
        const Bulk bulk{
            mongoc_collection_create_bulk_operation_with_opts(collection.get(), nullptr),
            mongoc_bulk_operation_destroy};
        for (const auto& row : rows) add(bulk.get(), row);
        bson_error_t error{};
        require(mongoc_bulk_operation_execute(bulk.get(), nullptr, &error) != 0,
                static_cast<const char*>(error.message));
    };
}

}  // namespace drivers
