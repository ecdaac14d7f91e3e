#pragma once
// Why the admin interface does not start, apart from what the system says.

#include <boost/system/error_code.hpp>
#include <type_traits>

namespace keepmq::admin {

enum class errc {
    login_needed = 1,  ///< would be reachable from other machines, and has no login
    half_a_login,      ///< login without password or the other way round
    bad_login,         ///< a login must not have a colon or a control character
    bad_address,       ///< not an address literal
};

boost::system::error_code make_error_code(errc code);

}  // namespace keepmq::admin

template <>
struct boost::system::is_error_code_enum<keepmq::admin::errc> : std::true_type {};
