// The thread between the shards and the file.

#include <fstream>

#include "sessions/tests/support.hpp"

namespace keepmq::sessions::testing {
namespace {

/// A file that fails until it is told to work, and counts.
class ScriptedFile final : public File {
  public:
    struct Script {
        std::atomic<bool> works{true};
        std::atomic<int> commits{0};
        std::atomic<std::size_t> rows{0};
    };
    explicit ScriptedFile(Script& script) : script_{script} {}
    [[nodiscard]] std::variant<std::vector<Change>, Failure> load() override {
        return std::vector<Change>{};
    }
    [[nodiscard]] std::unique_ptr<Failure> commit(const Batch& batch) override {
        if (!script_.works)
            return std::make_unique<Failure>(Failure{"disk full", false});
        ++script_.commits;
        script_.rows += batch.size();
        return nullptr;
    }

  private:
    Script& script_;
};

struct SessionStore : ::testing::Test {
    void append(std::vector<Change> changes, std::uint64_t newest) {
        store.append(notices, changes, newest);
        EXPECT_TRUE(changes.empty());
    }

    ScriptedFile::Script script;
    Notices notices;
    Store store{"sessions.db", 3, std::make_unique<ScriptedFile>(script)};
};

TEST_F(SessionStore, WhatWaitsIsCommittedTogether) {
    append({session(1)}, 1);
    append({session(2), session(3)}, 3);
    store.start();
    notices.await_committed(3);
    EXPECT_EQ(script.commits, 1);
    EXPECT_EQ(script.rows, 3U);
    EXPECT_EQ(store.stats().changes, 3U);
}

TEST_F(SessionStore, ItSaysWhenItIsFull) {
    append({session(1), session(2)}, 2);
    EXPECT_TRUE(store.has_room());
    append({session(3)}, 3);
    EXPECT_FALSE(store.has_room());
    store.start();
    EXPECT_TRUE(store.drain(std::chrono::steady_clock::now() + std::chrono::minutes{1}));
    EXPECT_TRUE(store.has_room());
}

TEST_F(SessionStore, AFullDiskIsToldAndTriedAgain) {
    script.works = false;
    store.start();
    append({session(1)}, 1);
    notices.await_failures(2);
    EXPECT_EQ(notices.committed(), 0U);
    EXPECT_EQ(store.last_error(), "disk full");
    EXPECT_FALSE(store.drain(std::chrono::steady_clock::now()));
    append({session(2)}, 2);
    script.works = true;
    notices.await_committed(2);
    EXPECT_EQ(script.rows, 2U);
    EXPECT_EQ(store.last_error(), "");
    EXPECT_GE(store.stats().failures, 2U);
}

TEST_F(SessionStore, ItCanBeStoppedWhileTheDiskIsFull) {
    script.works = false;
    store.start();
    append({session(1)}, 1);
    notices.await_failures(1);
    store.stop();
    EXPECT_EQ(notices.committed(), 0U);
}

struct SessionStoreFile : ::testing::Test {
    std::unique_ptr<Store> open() {
        auto opened = Store::open(path, 1000);
        if (const auto* failure = std::get_if<Failure>(&opened)) {
            ADD_FAILURE() << failure->text;
            return nullptr;
        }
        return std::move(std::get<0>(opened));
    }
    void fill() {
        const auto store = open();
        Notices notices;
        std::vector<Change> changes;
        for (std::uint64_t i = 1; i <= 2000; ++i)
            changes.emplace_back(RetainedKept{message(i, "t/" + std::to_string(i))});
        store->start();
        store->append(notices, changes, 2000);
        notices.await_committed(2000);
    }

    TempDir folder;
    std::string path = folder.file("sessions.db");
};

TEST_F(SessionStoreFile, TheNextRunFindsWhatWasCommitted) {
    fill();
    const auto store = open();
    EXPECT_EQ(store->newest_id(), message(2000)->id.time());
    EXPECT_THAT(store->take_loaded(), SizeIs(2000));
    EXPECT_EQ(store->stats().set_aside, 0U);
}

TEST_F(SessionStoreFile, ADamagedFileIsSetAside) {
    fill();
    {
        std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
        file.seekp(64'000);
        const std::string noise(20'000, '\xA5');
        file.write(noise.data(), static_cast<std::streamsize>(noise.size()));
    }
    const auto size = std::filesystem::file_size(path);
    const auto store = open();
    EXPECT_THAT(store->take_loaded(), IsEmpty());
    EXPECT_EQ(store->stats().set_aside, 1U);
    bool found = false;
    for (const auto& each : std::filesystem::directory_iterator{folder.path()})
        if (each.path().filename().string().starts_with("sessions.db.damaged-"))
            found |= std::filesystem::file_size(each.path()) == size;
    EXPECT_TRUE(found) << "nothing of it may be thrown away";
}

TEST_F(SessionStoreFile, SomethingElseThanADatabaseIsSetAside) {
    std::ofstream{path} << std::string(10'000, 'x');
    EXPECT_EQ(open()->stats().set_aside, 1U);
}

TEST_F(SessionStoreFile, AFolderThatIsNotThereIsAnErrorAndNotDamage) {
    auto opened = Store::open(folder.file("none/sessions.db"), 1000);
    const auto* failure = std::get_if<Failure>(&opened);
    ASSERT_NE(failure, nullptr);
    EXPECT_THAT(failure->text, HasSubstr("none/sessions.db"));
}

}  // namespace
}  // namespace keepmq::sessions::testing
