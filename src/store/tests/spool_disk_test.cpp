// A spool on a disk without room.

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <csignal>

#include "spool_support.hpp"

namespace keepmq::store::testing {
namespace {

using ::testing::HasSubstr;

/// No file of this process can grow beyond a size: stands in for a full disk.
class FullDisk {
  public:
    explicit FullDisk(std::uintmax_t size) {
        old_handler_ = std::signal(SIGXFSZ, SIG_IGN);
        ::getrlimit(RLIMIT_FSIZE, &old_limit_);
        const rlimit limit{size, old_limit_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    ~FullDisk() {
        ::setrlimit(RLIMIT_FSIZE, &old_limit_);
        std::signal(SIGXFSZ, old_handler_);
    }
    FullDisk(const FullDisk&) = delete;
    FullDisk& operator=(const FullDisk&) = delete;

  private:
    rlimit old_limit_{};
    void (*old_handler_)(int) = nullptr;
};

TEST_F(SpoolerTest, AFullDiskDoesNotKeepTheSpoolFromDraining) {
    settings.give_up_after = std::chrono::seconds{1};  // a new spool takes some time
    settings.max_batch = 10;                           // many pages
    start();
    begin_to_spool();
    for (std::uint64_t i = 2; i <= 500; ++i) submit(i);
    ASSERT_TRUE(sink.await(500));
    ASSERT_EQ(pool->stats().spooled, 500U);
    {
        const FullDisk full{std::filesystem::file_size(settings.spool.path + "-wal")};
        submit(501);
        ASSERT_TRUE(sink.await(501));
        EXPECT_EQ(sink.all().back().outcome.fate, Fate::refused);
        EXPECT_THAT(pool->spool()->last_error, HasSubstr("memory-pool1.db"));
        database->come_back();
        // Rows cannot be removed one by one, so the file goes when all are in the database.
        ASSERT_TRUE(becomes_direct());
        EXPECT_EQ(committed()["t0"].size(), 500U);
        EXPECT_EQ(committed()["t0"].back(), 500U);
        submit(502);
        ASSERT_TRUE(sink.await(502));
        EXPECT_EQ(sink.all().back().outcome.fate, Fate::committed);
    }
    // The new file takes writes.
    database->go_down();
    submit(503);
    ASSERT_TRUE(sink.await(503));
    EXPECT_EQ(sink.all().back().outcome.fate, Fate::spooled);
    restart();
    database->come_back();
    ASSERT_TRUE(becomes_direct());
    EXPECT_EQ(committed()["t0"].back(), 503U);
    EXPECT_EQ(committed()["t0"].size(), 502U) << "500, 502 and 503, each once";
}

}  // namespace
}  // namespace keepmq::store::testing
