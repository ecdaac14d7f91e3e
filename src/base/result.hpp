#pragma once
// The one vocabulary for functions that can fail: a value or an error code.
//
// Each module declares its own `errc` enumeration and category. Exceptions do not cross modules.

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

namespace keepmq {

using ErrorCode = boost::system::error_code;

template <class T>
using Result = boost::system::result<T>;

}  // namespace keepmq

#define KEEPMQ_CONCAT_(a, b) a##b
#define KEEPMQ_CONCAT(a, b) KEEPMQ_CONCAT_(a, b)

/// `KEEPMQ_TRY(const auto x, read());` binds the value of a Result, or returns its error from the
/// enclosing function. The only macro that hides control flow.
#define KEEPMQ_TRY(declaration, expression)                     \
    auto KEEPMQ_CONCAT(try_, __LINE__) = (expression);          \
    if (KEEPMQ_CONCAT(try_, __LINE__).has_error()) [[unlikely]] \
        return KEEPMQ_CONCAT(try_, __LINE__).error();           \
    declaration = std::move(*KEEPMQ_CONCAT(try_, __LINE__))

/// The same for a Result<void>, or when the value is not wanted.
#define KEEPMQ_CHECK(expression)                                                 \
    do {                                                                         \
        if (auto try_result = (expression); try_result.has_error()) [[unlikely]] \
            return try_result.error();                                           \
    } while (false)
