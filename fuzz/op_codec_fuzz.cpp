// Operations in the files of the spool and of the dead letters, which may be damaged. What is read
// as an operation can be written, and is then read as the same.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>

#include "store/op_codec.hpp"
#include "store/op_json.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace keepmq::store;
    std::string_view bytes;
    if (size > 0)
        bytes = {reinterpret_cast<const char*>(data), size};
    OpDecoder decoder;
    const auto read = decoder.decode(bytes);
    if (const auto* why = std::get_if<std::string>(&read)) {
        if (why->empty())
            std::abort();
        return 0;
    }
    const auto& op = std::get<Op>(read);
    const std::string written = encode(op);
    const auto again = decoder.decode(written);
    const auto* same = std::get_if<Op>(&again);
    if (same == nullptr || same->index() != op.index() || encode(*same) != written)
        std::abort();
    (void)name_of(*same);
    return 0;
}
