// Columns of sessions.db that hold several values. What was read and written again is the same.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sessions/properties.hpp"

namespace {

void require(bool holds) {
    if (!holds)
        std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace keepmq::sessions;
    const std::string_view bytes{reinterpret_cast<const char*>(data), size};
    if (const auto read = decode_properties(bytes)) {
        const auto written = encode(read->get());
        const auto again = decode_properties(written);
        require(again && encode(again->get()) == written);
    }
    if (const auto numbers = decode_numbers(bytes))
        require(encode(*numbers) == bytes);
    return 0;
}
