#pragma once
// Values as the protocol of PostgreSQL wants them, and what comes back as text. Pure.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backends/pgsql/translate.hpp"
#include "sql/database.hpp"
#include "store/errc.hpp"

namespace keepmq::pgsql {

/// Numbers of types, from PostgreSQL's catalog (pg_type.dat); they never change.
enum class Type : std::uint32_t {
    boolean = 16,
    bytea = 17,
    int8 = 20,
    int2 = 21,
    int4 = 23,
    text = 25,
    timestamp = 1114,
    timestamptz = 1184,
};

/// The parameters of one execution, in the form of PQsendQueryPrepared. Numbers and text go in text
/// form, so that the server takes them for whatever type the parameter has; bytes and arrays in
/// binary form.
class Bound {
  public:
    explicit Bound(std::size_t count);
    ~Bound() = default;
    Bound(const Bound&) = delete;
    Bound& operator=(const Bound&) = delete;

    /// `type`: of a parameter of the user's statement, as the server has inferred it; 0 for ours.
    [[nodiscard]] std::optional<store::Failure> add(const Param& param, std::uint32_t type);
    [[nodiscard]] std::optional<store::Failure> add(const sql::Param& param);

    [[nodiscard]] int size() const { return static_cast<int>(values_.size()); }
    [[nodiscard]] const char* const* values() const { return values_.data(); }
    [[nodiscard]] const int* lengths() const { return lengths_.data(); }
    [[nodiscard]] const int* formats() const { return formats_.data(); }

  private:
    void add_null();
    void add_binary(std::string_view bytes);
    std::optional<store::Failure> add_text(std::string text);

    std::vector<std::string> owned_;
    std::vector<const char*> values_;
    std::vector<int> lengths_;
    std::vector<int> formats_;
};

/// An array in binary form.
[[nodiscard]] std::string encode(const Array& array);

/// A cell that came in binary form, as text; types that are not known stay as they are.
[[nodiscard]] std::string decode(std::uint32_t type, std::string_view bytes);

}  // namespace keepmq::pgsql
