#include "admin/errc.hpp"

#include <string>

namespace keepmq::admin {
namespace {

class Category final : public boost::system::error_category {
  public:
    [[nodiscard]] const char* name() const noexcept override { return "keepmq.admin"; }
    [[nodiscard]] std::string message(int code) const override {
        switch (static_cast<errc>(code)) {
            case errc::login_needed:
                return "an admin address that is not loopback needs a login and a password";
            case errc::half_a_login:
                return "login and password of the admin interface must be set together";
            case errc::bad_login:
                return "the admin login must not contain a colon or control characters";
            case errc::bad_address:
                return "not an IP address, \"localhost\" or empty";
        }
        return "unknown error";
    }
};

}  // namespace

boost::system::error_code make_error_code(errc code) {
    static const Category category;
    return {static_cast<int>(code), category};
}

}  // namespace keepmq::admin
