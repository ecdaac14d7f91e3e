// Deliveries in sessions.db: bytes of a row and its marks. What was read and written again is the
// same.

#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "sessions/segment.hpp"

namespace {

using keepmq::broker::DeliveryKept;
using keepmq::sessions::Segment;
using keepmq::sessions::SegmentWriter;

void require(bool holds) {
    if (!holds)
        std::abort();
}

std::string written(const std::vector<DeliveryKept>& deliveries) {
    SegmentWriter writer;
    for (const auto& each : deliveries) writer.add(each);
    return writer.take();
}

}  // namespace

/// The first byte is the number of bytes of the marks, which follow it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view bytes{reinterpret_cast<const char*>(data), size};
    if (bytes.empty())
        return 0;
    const auto marks = bytes.substr(1, data[0]);
    bytes.remove_prefix(1 + marks.size());
    std::vector<std::uint32_t> places;
    Segment segment;
    const auto read = segment.read(bytes, marks, places);
    if (!read)
        return 0;
    require(places.size() == read->size());
    const auto rewritten = written(*read);
    places.clear();
    const auto again = Segment{}.read(rewritten, {}, places);
    require(again && written(*again) == rewritten);
    places.clear();
    const auto marked = Segment{}.read(bytes, segment.marks(), places);
    require(marked && written(*marked) == rewritten);
    return 0;
}
