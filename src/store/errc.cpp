#include "store/errc.hpp"

namespace keepmq::store {
namespace {

class Category final : public boost::system::error_category {
  public:
    [[nodiscard]] const char* name() const noexcept override { return "store"; }

    [[nodiscard]] std::string message(int code) const override {
        switch (static_cast<errc>(code)) {
            case errc::unreachable:
                return "cannot reach the database";
            case errc::connection_lost:
                return "connection lost";
            case errc::timed_out:
                return "timed out";
            case errc::busy:
                return "database busy";
            case errc::storage_full:
                return "storage full or read-only";
            case errc::access_denied:
                return "access denied";
            case errc::schema_mismatch:
                return "table or column missing";
            case errc::bad_statement:
                return "statement cannot run";
            case errc::bad_value:
                return "value refused";
            case errc::shutting_down:
                return "shutting down";
        }
        return "unknown store error";
    }
};

}  // namespace

ErrorCode make_error_code(errc code) {
    static const Category category;
    return {static_cast<int>(code), category};
}

bool is_transient(errc code) {
    return !is_permanent(code) && code != errc::shutting_down;
}

bool is_permanent(errc code) {
    return code == errc::bad_statement || code == errc::bad_value;
}

bool is_outcome_unknown(errc code) {
    return code == errc::connection_lost || code == errc::timed_out;
}

}  // namespace keepmq::store
