#include "store/schema_report.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace keepmq::store {

std::optional<Failure> why_unusable(const SchemaReport& report,
                                    std::string_view place,
                                    std::string_view kind,
                                    std::string_view pool) {
    if (report.failure)
        return report.failure;
    if (report.missing.empty())
        return std::nullopt;
    return Failure{errc::schema_mismatch,
                   fmt::format("{} lacks {} (keepmq schema create {} {})",
                               place,
                               fmt::join(report.missing, ", "),
                               kind,
                               pool)};
}

}  // namespace keepmq::store
