#include "backends/mongo/errors.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace keepmq::mongo {
namespace {

using store::errc;

constexpr std::array<std::pair<std::int64_t, errc>, 37> known{{
    {2, errc::bad_value},           // BadValue
    {5, errc::bad_value},           // GraphContainsCycle and other nesting errors
    {6, errc::connection_lost},     // HostUnreachable, of a shard
    {7, errc::connection_lost},     // HostNotFound, of a shard
    {9, errc::bad_value},           // FailedToParse
    {13, errc::access_denied},      // Unauthorized
    {14, errc::bad_value},          // TypeMismatch
    {15, errc::bad_value},          // Overflow
    {16, errc::bad_value},          // InvalidLength
    {18, errc::access_denied},      // AuthenticationFailed
    {22, errc::bad_value},          // InvalidBSON
    {28, errc::bad_value},          // PathNotViable
    {50, errc::timed_out},          // MaxTimeMSExpired
    {52, errc::bad_value},          // DollarPrefixedFieldName
    {53, errc::bad_value},          // InvalidIdField
    {56, errc::bad_value},          // EmptyFieldName
    {57, errc::bad_value},          // DottedFieldName
    {64, errc::timed_out},          // WriteConcernFailed: perhaps it is there
    {66, errc::bad_value},          // ImmutableField
    {73, errc::bad_statement},      // InvalidNamespace
    {89, errc::connection_lost},    // NetworkTimeout, of a shard
    {91, errc::connection_lost},    // ShutdownInProgress
    {121, errc::bad_value},         // DocumentValidationFailure
    {166, errc::bad_statement},     // CommandNotSupportedOnView
    {189, errc::connection_lost},   // PrimarySteppedDown
    {238, errc::bad_value},         // NotImplemented
    {9001, errc::connection_lost},  // SocketException
    {duplicate_key, errc::bad_value},
    {10334, errc::bad_value},        // BSONObjectTooLarge
    {11600, errc::connection_lost},  // InterruptedAtShutdown
    {11602, errc::connection_lost},  // InterruptedDueToReplStateChange
    {14031, errc::storage_full},     // OutOfDiskSpace
    {17280, errc::bad_value},        // KeyTooLong
    {17419, errc::bad_value},        // the update makes the document too large
    {17420, errc::bad_value},        // the document is too large
    {10107, errc::connection_lost},  // NotWritablePrimary: find the new one
    {13435, errc::connection_lost},  // NotPrimaryNoSecondaryOk
}};

}  // namespace

errc classify(std::int64_t code) {
    const auto* const found = std::ranges::find(known, code, &std::pair<std::int64_t, errc>::first);
    // A number that is not known here may pass: a permanent error would be final.
    return found == known.end() ? errc::busy : found->second;
}

}  // namespace keepmq::mongo
