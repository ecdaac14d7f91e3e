// The messages of each topic as one unlogged batch, all topics at once, as in a lane of a pool.

#include <keepmq_cassandra.h>

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <vector>

#include "drivers.hpp"

namespace drivers {
namespace {

std::string big_endian(std::uint64_t value, std::size_t size) {
    std::string out(size, '\0');
    for (std::size_t i = size; i-- > 0; value >>= 8U) out[i] = static_cast<char>(value & 0xFFU);
    return out;
}

std::int64_t micros_now() {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

struct FreeResult {
    void operator()(KmResult* result) const { km_result_free(result); }
};
using Result = std::unique_ptr<KmResult, FreeResult>;

/// Counts what is under way and keeps the last result.
class Calls {
  public:
    void begin() {
        const std::lock_guard lock{mutex_};
        ++under_way_;
    }
    static void done(void* calls, std::size_t /*tag*/, KmResult* result) {
        auto& self = *static_cast<Calls*>(calls);
        const std::lock_guard lock{self.mutex_};
        Result owned{result};
        if (km_result_code(result) != KM_OK) {
            const auto text = km_result_text(result);
            self.problem_.assign(text.data, text.size);
        }
        self.last_ = std::move(owned);
        --self.under_way_;
        self.changed_.notify_one();
    }
    Result finish() {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [&] { return under_way_ == 0; });
        require(problem_.empty(), problem_);
        return std::move(last_);
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t under_way_ = 0;
    std::string problem_;
    Result last_;
};

KmText view(std::string_view text) {
    return {text.data(), text.size()};
}

class Client {
  public:
    explicit Client(const Target& target) {
        const auto node = target.host + ":" + std::to_string(target.port);
        const auto nodes = view(node);
        KmOptions options{};
        options.nodes = &nodes;
        options.node_count = 1;
        options.username = options.password = view("cassandra");
        options.keyspace = view("mqtt");
        options.consistency = view("LOCAL_QUORUM");
        options.connect_timeout_ms = options.request_timeout_ms = 10'000;
        options.connections = 1;
        calls_.begin();
        km_connect(&options, scope_, &Calls::done, &calls_, 0);
        session_ = km_result_take_session(calls_.finish().get());
        calls_.begin();
        km_prepare(session_,
                   scope_,
                   view("insert into msg (topic, msgid, sender, qos, payload, arrived, retain) "
                        "values (?, ?, ?, ?, ?, ?, ?)"),
                   1,
                   &Calls::done,
                   &calls_,
                   0);
        statement_ = km_result_take_statement(calls_.finish().get());
    }
    ~Client() {
        if (statement_ != nullptr)
            km_statement_free(statement_);
        if (session_ != nullptr)
            km_session_free(session_);
        km_scope_free(scope_);
    }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    void insert(Rows rows) {
        const auto arrived = big_endian(static_cast<std::uint64_t>(micros_now() / 1000), 8);
        const auto one = big_endian(qos, 4);
        const auto zero = big_endian(retain, 4);
        std::map<std::string_view, std::vector<KmValue>> topics;
        for (const auto& row : rows) {
            auto& values = topics[row.topic];
            for (const auto* text :
                 {&row.topic, &row.msgid, &row.sender, &one, &row.payload, &arrived, &zero})
                values.push_back({text->data(), static_cast<std::int32_t>(text->size())});
        }
        for (const auto& [topic, values] : topics) {
            const std::vector<const KmStatement*> statements(values.size() / 7, statement_);
            calls_.begin();
            km_batch(session_,
                     scope_,
                     0,
                     statements.data(),
                     statements.size(),
                     values.data(),
                     micros_now(),
                     &Calls::done,
                     &calls_,
                     0);
        }
        calls_.finish();
    }

  private:
    KmScope* scope_ = km_scope_new();
    Calls calls_;
    KmSession* session_ = nullptr;
    KmStatement* statement_ = nullptr;
};

}  // namespace

Insert open_cassandra(const Target& target) {
    return [client = std::make_shared<Client>(target)](Rows rows) { client->insert(rows); };
}

}  // namespace drivers
