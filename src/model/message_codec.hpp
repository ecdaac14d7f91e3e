#pragma once
// Messages as bytes of a file: all that there is to know about one.

#include <memory>

#include "model/bytes.hpp"
#include "model/message.hpp"

namespace keepmq::bytes {

void put(Writer& to, const Message& message);
/// Check `from.failed()`; then the message means nothing.
[[nodiscard]] std::shared_ptr<Message> read_message(Reader& from);

}  // namespace keepmq::bytes
