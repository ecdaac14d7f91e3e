#pragma once
// Values in the binary form of the CQL protocol, which depends on the type of the column. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "sql/params.hpp"
#include "store/errc.hpp"

namespace keepmq::cassa {

/// Leaves a column, or an option of the statement, as if it had not been named.
struct Unset {};

/// What is bound. Views point into the operation; monostate binds NULL.
using Param = std::variant<std::monostate,
                           Unset,
                           std::int64_t,
                           double,
                           std::string_view,
                           sql::BlobView,
                           std::string,
                           WallTime>;

/// One statement with `?` for its values.
struct Command {
    std::string cql;
    std::vector<Param> params;
};

/// Numbers of the protocol.
enum class Type : std::uint16_t {
    other = 0x00,
    ascii = 0x01,
    bigint = 0x02,
    blob = 0x03,
    boolean = 0x04,
    counter = 0x05,
    real64 = 0x07,
    real32 = 0x08,
    int32 = 0x09,
    timestamp = 0x0B,
    uuid = 0x0C,
    text = 0x0D,
    timeuuid = 0x0F,
    int16 = 0x13,
    int8 = 0x14,
};

/// The bytes of a text or blob as they stand in the parameter, where the type takes them as they
/// are.
[[nodiscard]] std::optional<std::string_view> bytes_in(const Param& param, Type type);

/// The bytes of a value that is neither NULL nor unset; or why it is none of that type.
[[nodiscard]] std::variant<std::string, store::Failure> encode(const Param& param, Type type);

/// Numbers and times as text; types that are not known stay as they are.
[[nodiscard]] std::string decode(Type type, std::string_view bytes);

}  // namespace keepmq::cassa
