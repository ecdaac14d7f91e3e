#include "app/audit_store.hpp"

#include <chrono>
#include <filesystem>
#include <limits>
#include <thread>

#include "store/dead_letters.hpp"

namespace keepmq::app {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t page_size = 1000;
constexpr auto between_readings = 500ms;

}  // namespace

std::optional<std::string> AuditStore::read_rows(const load::AuditPlan& plan,
                                                 load::Judge& judge) const {
    const auto connection = backend_.connect(store::Role::reader);
    if (const auto failure = connection->open())
        return "the database cannot be read: " + failure->text;
    for (std::size_t topic = 0; topic < plan.topics; ++topic) {
        store::FetchMessages fetch;
        fetch.client = ClientId{plan.run};
        fetch.filter = TopicFilter{load::topic_name(plan, topic)};
        fetch.mode = store::FetchMode::queue;
        fetch.limit = page_size;
        do {
            const auto reply = connection->read(fetch);
            if (const auto* failure = std::get_if<store::Failure>(&reply))
                return "topic " + fetch.filter.str() + " cannot be read: " + failure->text;
            const auto& page = std::get<store::MessagePage>(std::get<store::Reply>(reply));
            for (const auto& message : page.messages)
                judge.row(message->topic.view(), message->payload);
            fetch.after = page.next;
        } while (fetch.after);
    }
    return std::nullopt;
}

std::optional<std::string> AuditStore::read_dead_letters(load::Judge& judge) const {
    if (!std::filesystem::exists(dead_letters_))
        return std::nullopt;
    const auto opened = store::DeadLetters::open(dead_letters_);
    if (const auto* failure = std::get_if<store::Failure>(&opened))
        return "the dead letters cannot be read: " + failure->text;
    for (const auto& letter : std::get<0>(opened)->list(std::numeric_limits<std::int32_t>::max()))
        judge.dead_letter(letter.topic, letter.payload);
    return std::nullopt;
}

std::optional<std::string> AuditStore::read(const load::AuditPlan& plan,
                                            const load::Ledger& ledger,
                                            load::Judge& judge) const {
    const auto deadline = std::chrono::steady_clock::now() + plan.settle;
    std::optional<std::uint64_t> before;
    for (;;) {
        judge = load::Judge{plan, ledger};
        auto failure = read_rows(plan, judge);
        if (!failure)
            failure = read_dead_letters(judge);
        const bool settled = !failure && judge.verdict().missing == 0 && before == judge.rows();
        if (settled || std::chrono::steady_clock::now() > deadline)
            return failure;
        before = failure ? std::nullopt : std::optional{judge.rows()};
        std::this_thread::sleep_for(between_readings);
    }
}

}  // namespace keepmq::app
