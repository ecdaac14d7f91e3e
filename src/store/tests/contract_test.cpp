// The contract on the memory backend: it is the reference, and the suite itself is tested by it.

#include <memory>

#include "store/testing/backend_contract.hpp"
#include "store/testing/memory_backend.hpp"

namespace keepmq::store::testing {
namespace {

std::shared_ptr<const Statements> statements(std::string_view source) {
    auto made = std::make_shared<Statements>();
    made->list.push_back({{"put ", " ", ""}, std::string{source}, {}});
    made->list.push_back({{"put ", ".2 ", ""}, std::string{source}, {}});
    return made;
}

class MemorySubject final : public ContractSubject {
  public:
    std::shared_ptr<const Backend> fresh() override { return reopen(); }
    std::shared_ptr<const Backend> reopen() override {
        return std::make_shared<MemoryBackend>(database_, 3, 2);
    }
    void provision_subscription(const ClientId& client,
                                const TopicFilter& filter,
                                int qos) override {
        database_->provision(client, {filter, qos});
    }
    std::optional<Presence> presence(const ClientId& client) override {
        return database_->presence(client);
    }
    std::optional<Op> poison() override {
        return Execute{statements(broken_statement), std::vector<Value>(4)};
    }
    std::shared_ptr<const Statements> sample_statements() override { return statements("put"); }
    std::optional<std::string> sample_value(std::string_view key) override {
        for (const Execute& execute : database_->executed()) {
            const auto& values = execute.values;
            if (std::get<std::string>(values[0]) == key)
                return text(values[1]);
            if (std::get<std::string>(values[2]) + ".2" == key)
                return text(values[3]);
        }
        return {};
    }

  private:
    static std::optional<std::string> text(const Value& value) {
        const auto* bytes = std::get_if<Bytes>(&value);
        return bytes == nullptr ? std::nullopt : std::optional{bytes->data};
    }

    std::shared_ptr<MemoryDatabase> database_ = std::make_shared<MemoryDatabase>();
};

}  // namespace
}  // namespace keepmq::store::testing

KEEPMQ_BACKEND_CONTRACT(Memory, [] { return std::make_unique<MemorySubject>(); })
