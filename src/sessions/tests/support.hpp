#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/testing/temp_dir.hpp"
#include "sessions/store.hpp"

namespace keepmq::sessions::testing {

using namespace broker;

/// Waits for what the store says.
class Notices final : public CommitSink {
  public:
    void on_committed(std::uint64_t change) override {
        const std::lock_guard lock{mutex_};
        committed_ = change;
        changed_.notify_all();
    }
    void on_commit_failed() override {
        const std::lock_guard lock{mutex_};
        ++failures_;
        changed_.notify_all();
    }
    void await_committed(std::uint64_t change) {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [&] { return committed_ >= change; });
    }
    void await_failures(int count) {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [&] { return failures_ >= count; });
    }
    [[nodiscard]] std::uint64_t committed() {
        const std::lock_guard lock{mutex_};
        return committed_;
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t committed_ = 0;
    int failures_ = 0;
};

[[nodiscard]] inline std::shared_ptr<Message> message(std::uint64_t number,
                                                      std::string topic = "t") {
    auto made = std::make_shared<Message>();
    made->id = MessageId{1'700'000'000'000'000 + number, number};
    made->topic = TopicName{std::move(topic)};
    made->payload = std::string{"pay\0load ", 9} + std::to_string(number);
    made->qos = Qos::at_least_once;
    made->sender = ClientId{"sender"};
    made->at = made->id.time();
    return made;
}

[[nodiscard]] inline SessionKept session(std::uint64_t number) {
    SessionKept kept;
    kept.session = number;
    kept.client = ClientId{"client" + std::to_string(number)};
    kept.expiry_interval = 600;
    return kept;
}

[[nodiscard]] inline DeliveryKept delivery(std::uint64_t session,
                                           std::uint64_t number,
                                           MessagePtr message) {
    DeliveryKept kept;
    kept.session = session;
    kept.number = number;
    kept.message = std::move(message);
    return kept;
}

/// Those of one kind among all.
template <class T>
[[nodiscard]] std::vector<T> those(const std::vector<Change>& all) {
    std::vector<T> found;
    for (const auto& change : all)
        if (const auto* one = std::get_if<T>(&change))
            found.push_back(*one);
    return found;
}

/// `kept`: what the last `open` found.
struct SessionFile : ::testing::Test {
    void open() {
        file.reset();
        auto opened = File::open(path);
        if (const auto* failure = std::get_if<Failure>(&opened))
            FAIL() << failure->text;
        file = std::move(std::get<0>(opened));
        auto loaded = file->load();
        if (const auto* failure = std::get_if<Failure>(&loaded))
            FAIL() << failure->text;
        kept = std::move(std::get<0>(loaded));
    }
    void commit(std::vector<Change> changes) {
        Batch batch;
        for (auto& change : changes) batch.add(std::move(change));
        const auto failure = file->commit(batch);
        ASSERT_FALSE(failure) << failure->text;
    }

    TempDir folder;
    std::string path = folder.file("sessions.db");
    std::unique_ptr<File> file;
    std::vector<Change> kept;
};

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

}  // namespace keepmq::sessions::testing
