// The file of a spool: what is in it, and what happens when it is damaged.

#include "store/spool.hpp"

#include <gmock/gmock.h>
#include <sqlite3.h>

#include <algorithm>
#include <fstream>

#include "spool_support.hpp"
#include "store/op_codec.hpp"

namespace keepmq::store::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

SpoolRow row(std::uint64_t seq, std::string rule = "r", std::string op = "op") {
    return {seq,
            {seq * 0x9E3779B97F4A7C15U, seq % 2 == 0},
            std::move(rule),
            WallTime{Micros{1000 + static_cast<std::int64_t>(seq)}},
            std::move(op)};
}

std::vector<std::uint64_t> seqs_of(const std::vector<SpoolRow>& rows) {
    std::vector<std::uint64_t> seqs;
    for (const SpoolRow& one : rows) seqs.push_back(one.seq);
    return seqs;
}

/// Overwrites pages of a file; the first one is 0.
void rubbish(const std::string& path, std::uint64_t page, std::uint64_t count) {
    std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
    file.seekp(static_cast<std::streamoff>(4096 * page));
    file << std::string(4096 * count, 'y');
}

class SpoolTest : public ::testing::Test {
  protected:
    [[nodiscard]] std::unique_ptr<Spool> open() const {
        auto opened = Spool::open(path);
        if (const auto* why = std::get_if<Spool::NotOpened>(&opened)) {
            ADD_FAILURE() << why->failure.text;
            return nullptr;
        }
        return std::get<0>(std::move(opened));
    }
    [[nodiscard]] Spool::NotOpened refusal() const {
        auto opened = Spool::open(path);
        const auto* why = std::get_if<Spool::NotOpened>(&opened);
        return why == nullptr ? Spool::NotOpened{} : *why;
    }
    static std::vector<SpoolRow> load(const Spool& spool,
                                      std::uint64_t after,
                                      std::size_t rows = 100,
                                      std::size_t bytes = 1'000'000) {
        auto loaded = spool.load(after, rows, bytes);
        EXPECT_EQ(loaded.index(), 0U);
        return std::get<0>(std::move(loaded));
    }
    /// With rows that fill many pages.
    void fill(std::uint64_t count) const {
        std::vector<SpoolRow> rows;
        for (std::uint64_t seq = 1; seq <= count; ++seq)
            rows.push_back(row(seq, "r", std::string(200, 'x')));
        ASSERT_FALSE(open()->append(rows));
    }
    void overwrite(std::uint64_t page, std::uint64_t count) const { rubbish(path, page, count); }
    [[nodiscard]] Spool::Rescued rescue() const {
        auto rescued = Spool::rescue(path);
        if (const auto* why = std::get_if<Failure>(&rescued))
            ADD_FAILURE() << why->text;
        const auto* done = std::get_if<Spool::Rescued>(&rescued);
        return done == nullptr ? Spool::Rescued{} : *done;
    }
    void run(const char* sql) const {
        sqlite3* db = nullptr;
        ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
        EXPECT_EQ(sqlite3_exec(db, sql, nullptr, nullptr, nullptr), SQLITE_OK)
            << sqlite3_errmsg(db);
        sqlite3_close(db);
    }

    TempDir folder;
    std::string path = folder.file("spool/x.db");
};

TEST_F(SpoolTest, KeepsRowsAsTheyWere) {
    const std::string bytes{"\0\xff'", 3};
    {
        const auto spool = open();
        ASSERT_FALSE(spool->append(std::vector{row(1, "it's", bytes), row(2, "", ""), row(7)}));
        EXPECT_EQ(spool->rows(), 3U);
    }
    const auto spool = open();
    EXPECT_EQ(spool->rows(), 3U);
    EXPECT_EQ(spool->bytes(), 3 * SpoolRow::overhead + 5);
    EXPECT_EQ(spool->last_seq(), 7U);
    EXPECT_EQ(spool->oldest(), WallTime{Micros{1001}});
    const auto rows = load(*spool, 0);
    ASSERT_THAT(rows, SizeIs(3));
    EXPECT_EQ(rows[0].rule, "it's");
    EXPECT_EQ(rows[0].op, bytes);
    EXPECT_EQ(rows[0].order.key, row(1).order.key);
    EXPECT_FALSE(rows[0].order.after_all);
    EXPECT_TRUE(rows[1].order.after_all);
    EXPECT_EQ(rows[1].op, "");
    EXPECT_EQ(rows[2].at, row(7).at);
}

TEST_F(SpoolTest, LoadsInPartsAndRemovesRanges) {
    const auto spool = open();
    std::vector<SpoolRow> rows;
    for (std::uint64_t seq = 1; seq <= 10; ++seq) rows.push_back(row(seq, "r", "12345"));
    ASSERT_FALSE(spool->append(rows));
    EXPECT_THAT(seqs_of(load(*spool, 0, 3)), ElementsAre(1, 2, 3));
    EXPECT_THAT(seqs_of(load(*spool, 3, 100, 12)), ElementsAre(4, 5, 6));
    EXPECT_THAT(seqs_of(load(*spool, 9, 100, 1)), ElementsAre(10)) << "at least one";
    EXPECT_THAT(load(*spool, 10), IsEmpty());
    ASSERT_FALSE(spool->remove(2, 4));
    ASSERT_FALSE(spool->remove(2, 4)) << "a second time is nothing";
    EXPECT_THAT(seqs_of(load(*spool, 0)), ElementsAre(1, 5, 6, 7, 8, 9, 10));
    EXPECT_EQ(spool->rows(), 7U);
    EXPECT_EQ(spool->bytes(), 7 * (SpoolRow::overhead + 5));
}

TEST_F(SpoolTest, CountsTheRowsOfEachRule) {
    const auto spool = open();
    ASSERT_FALSE(spool->append(std::vector{row(1, "a"), row(2, "b"), row(3, "a"), row(4, "")}));
    std::vector<std::pair<std::string, std::uint64_t>> found;
    const auto note = [&](std::string_view rule, std::uint64_t rows) {
        found.emplace_back(rule, rows);
    };
    spool->each_rule(0, note);
    EXPECT_THAT(found, UnorderedElementsAre(Pair("a", 2), Pair("b", 1), Pair("", 1)));
    found.clear();
    spool->each_rule(2, note);
    EXPECT_THAT(found, UnorderedElementsAre(Pair("a", 1), Pair("", 1)));
}

TEST_F(SpoolTest, BelongsToOneOnly) {
    const auto spool = open();
    const auto second = refusal();
    EXPECT_EQ(second.failure.code, errc::busy);
    EXPECT_FALSE(second.damaged);
}

TEST_F(SpoolTest, AFailedTransactionChangesNothing) {
    const auto spool = open();
    ASSERT_FALSE(spool->append(std::vector{row(5)}));
    EXPECT_TRUE(spool->append(std::vector{row(6), row(5)})) << "5 is there";
    EXPECT_EQ(spool->rows(), 1U);
    EXPECT_THAT(seqs_of(load(*spool, 0)), ElementsAre(5));
    EXPECT_FALSE(spool->append(std::vector{row(6)}));
}

TEST_F(SpoolTest, GivesSpaceBack) {
    const auto spool = open();
    ASSERT_FALSE(spool->append(std::vector{row(1, "r", std::string(3'000'000, 'x'))}));
    ASSERT_FALSE(spool->remove(1, 1));
    spool->shrink();
    EXPECT_LT(std::filesystem::file_size(path), 100'000U);
    EXPECT_LT(std::filesystem::file_size(path + "-wal"), 100'000U);
}

TEST_F(SpoolTest, OfRubbishNothingIsRescuedAndItIsSetAside) {
    std::filesystem::create_directories(folder.file("spool"));
    const std::string rubbish(8192, 'x');
    std::ofstream{path} << rubbish;
    EXPECT_TRUE(refusal().damaged);
    for (int times = 1; times <= 2; ++times) {
        const auto [aside, rows] = rescue();
        EXPECT_THAT(aside, HasSubstr("x.db.damaged-"));
        EXPECT_EQ(std::filesystem::file_size(aside), rubbish.size());
        EXPECT_EQ(rows, 0U);
        EXPECT_EQ(open()->rows(), 0U);
        std::ofstream{path} << rubbish;
    }
}

TEST_F(SpoolTest, AroundPagesThatWereOverwrittenAllRowsAreRescued) {
    fill(2000);
    overwrite(20, 1);
    overwrite(60, 2);
    EXPECT_TRUE(refusal().damaged);
    const auto [aside, rows] = rescue();
    EXPECT_GT(std::filesystem::file_size(aside), 100'000U);
    const auto spool = open();
    EXPECT_EQ(spool->rows(), rows);
    EXPECT_EQ(spool->last_seq(), 2000U);
    const auto found = load(*spool, 0, 2000);
    std::size_t gaps = 0;
    std::uint64_t expected = 1;
    for (const SpoolRow& one : found) {
        gaps += one.seq == expected ? 0 : 1;
        expected = one.seq + 1;
        EXPECT_EQ(one.op, std::string(200, 'x'));
        EXPECT_EQ(one.order.key, row(one.seq).order.key);
    }
    EXPECT_EQ(gaps, 2U);
    EXPECT_GT(rows, 1930U) << "three pages of some fifteen rows";
    EXPECT_LT(rows, 2000U);
}

TEST_F(SpoolTest, DamageAtTheEndCostsOnlyTheEnd) {
    fill(500);
    const auto pages = std::filesystem::file_size(path) / 4096;
    overwrite(pages - 1, 1);
    const auto rows = rescue().rows;
    EXPECT_GT(rows, 470U);
    EXPECT_LT(rows, 500U);
    EXPECT_EQ(open()->last_seq(), rows);
}

TEST_F(SpoolTest, ARescueThatWasInterruptedIsEnded) {
    fill(3);
    // The damaged file has its new name, the new one not yet.
    std::filesystem::rename(path, path + ".rescued");
    EXPECT_EQ(open()->rows(), 3U);
    // The new one is not whole: it is made again.
    std::ofstream{path + ".rescued"} << "half";
    overwrite(2, 1);
    (void)rescue();
    EXPECT_FALSE(std::filesystem::exists(path + ".rescued"));
}

TEST_F(SpoolTest, AFileOfANewerVersionIsNotDamageAndNotTouched) {
    (void)open();
    run("pragma user_version = 2");
    EXPECT_THAT(refusal().failure.text, HasSubstr("newer version"));
    EXPECT_FALSE(refusal().damaged);
}

// --- a pool on such a file ----------------------------------------------------------------------

TEST_F(SpoolerTest, ADamagedFileIsSetAsideAndThePoolWorks) {
    std::filesystem::create_directories(folder.file("spool"));
    std::ofstream{settings.spool.path} << std::string(8192, 'x');
    start();
    submit(1);
    ASSERT_TRUE(sink.await(1));
    EXPECT_EQ(sink.all()[0].outcome.fate, Fate::committed);
    EXPECT_EQ(pool->spool()->set_aside, 1U);
    database->go_down();
    submit(2);
    ASSERT_TRUE(sink.await(2));
    EXPECT_EQ(sink.all()[1].outcome.fate, Fate::spooled);
    std::size_t kept = 0;
    for (const auto& file : std::filesystem::directory_iterator{folder.file("spool")})
        kept += file.path().string().find(".damaged-") != std::string::npos ? 1 : 0;
    EXPECT_EQ(kept, 1U);
}

TEST_F(SpoolerTest, AFileThatIsDamagedMeanwhileIsSetAsideAndWhatIsReadableGoesOn) {
    constexpr std::uint64_t count = 1500;
    {
        auto opened = Spool::open(settings.spool.path);
        std::vector<SpoolRow> rows;
        for (std::uint64_t seq = 1; seq <= count; ++seq) {
            const auto one = std::make_shared<Message>();
            one->id = MessageId{seq, 1};
            one->topic = TopicName{"t0"};
            one->payload.resize(3000, 'x');
            rows.push_back(row(seq, rule.name, encode(StoreMessage{one, Keep::all, {}})));
        }
        ASSERT_FALSE(std::get<0>(opened)->append(rows));
    }
    settings.max_batch = 10;  // little is in the lanes before the database is back
    database->go_down();
    start();
    ASSERT_TRUE(until([&] { return pool->spool()->rows == count; }));
    rubbish(settings.spool.path, 400, 2);
    database->come_back();
    ASSERT_TRUE(becomes_direct());
    EXPECT_EQ(pool->spool()->set_aside, 1U);
    const auto stored = committed()["t0"];
    EXPECT_GT(stored.size(), count - 10);
    EXPECT_LT(stored.size(), count);
    EXPECT_TRUE(std::ranges::is_sorted(stored));
    EXPECT_EQ(stored.front(), 1U);
    EXPECT_EQ(stored.back(), count);
    EXPECT_EQ(pool->stats().dead_lettered, count - stored.size()) << "they are in the old file";
    expect_law();

    database->go_down();
    submit(count + 1);
    ASSERT_TRUE(sink.await(1));
    EXPECT_EQ(sink.all()[0].outcome.fate, Fate::spooled) << "the new file takes writes";
    database->come_back();
    ASSERT_TRUE(becomes_direct());
    EXPECT_EQ(committed()["t0"].back(), count + 1);
    expect_law();
}

TEST_F(SpoolerTest, ARowThatCannotBeReadIsKeptAndHoldsUpNothing) {
    {
        auto opened = Spool::open(settings.spool.path);
        auto& spool = *std::get<0>(opened);
        ASSERT_FALSE(spool.append(std::vector{row(1, rule.name, encode(store_op(1, "t0"))),
                                              row(2, rule.name, "\x01\x63 rubbish"),
                                              row(3, rule.name, encode(store_op(3, "t0")))}));
    }
    start();
    ASSERT_TRUE(becomes_direct());
    EXPECT_EQ(committed()["t0"], (std::vector<std::uint64_t>{1, 3}));
    EXPECT_EQ(pool->spool()->set_aside, 1U);
    EXPECT_EQ(pool->stats().dead_lettered, 1U);
    expect_law();
    pool.reset();
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(settings.spool.path.c_str(), &db), SQLITE_OK);
    int rows = 0;
    EXPECT_EQ(sqlite3_exec(
                  db,
                  "select * from unreadable where why like '%no operation%'",
                  [](void* count, int, char**, char**) { return ++*static_cast<int*>(count), 0; },
                  &rows,
                  nullptr),
              SQLITE_OK);
    sqlite3_close(db);
    EXPECT_EQ(rows, 1);
}

}  // namespace
}  // namespace keepmq::store::testing
