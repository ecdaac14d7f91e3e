#pragma once
// The sockets of one connection, as streams of libmongoc. They live on the connection's thread,
// except `interrupt`.

#include <mongoc/mongoc.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "backends/mongo/settings.hpp"
#include "store/errc.hpp"
#include "store/socket.hpp"

namespace keepmq::mongo {

class Streams {
  public:
    explicit Streams(const Settings& settings)
        : settings_{settings}, patience_{settings.read_timeout} {}

    /// For mongoc_client_set_stream_initiator; `self` is a Streams that outlives the client.
    static mongoc_stream_t* open(const mongoc_uri_t* uri,
                                 const mongoc_host_list_t* host,
                                 void* self,
                                 bson_error_t* error);

    /// Why the last server could not be reached, or did not answer; the driver tells it in words
    /// only.
    [[nodiscard]] const std::optional<store::Failure>& last_failure() const { return failure_; }

    void forget_failure() { failure_.reset(); }

    /// How long an answer may take from now on, if that is longer than the pool's time-out.
    void be_patient(std::chrono::milliseconds patience) { patience_ = patience; }

    /// Ends a blocked call. Any thread.
    void interrupt() noexcept;

    /// No more is sent or received, until `allow`: the driver says good-bye to servers, and one
    /// that hangs would hold up the end of the broker.
    void refuse() noexcept;
    void allow() noexcept { refusing_ = false; }

  private:
    struct Stream;
    void add(store::Socket* socket);
    void remove(store::Socket* socket);

    const Settings& settings_;
    std::optional<store::Failure> failure_;
    std::chrono::milliseconds patience_;
    bool refusing_ = false;
    std::mutex mutex_;  ///< of `sockets_`
    std::vector<store::Socket*> sockets_;
};

}  // namespace keepmq::mongo
