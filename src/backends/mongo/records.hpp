#pragma once
// Messages as documents and back. Pure.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "backends/mongo/document.hpp"
#include "model/message.hpp"
#include "store/op.hpp"

namespace keepmq::mongo {

/// Text where it is text without U+0000, else binary data.
void add_bytes(Document& to, std::string_view name, std::string_view bytes);

/// A document of mqtt_msg; `id` is its `_id`.
[[nodiscard]] Document to_document(const store::StoreMessage& op,
                                   std::int64_t id,
                                   store::PayloadForm form);
/// A document of mqtt_retain.
[[nodiscard]] Document to_document(const store::StoreRetained& op, store::PayloadForm form);

enum class Source : std::uint8_t { messages, retained };

/// Null for a document that is no message.
[[nodiscard]] MessagePtr parse_message(std::string_view bson, Source source);

/// `_id` where it is a number, else 0.
[[nodiscard]] std::int64_t number_of(std::string_view bson, std::string_view name = "_id");

}  // namespace keepmq::mongo
