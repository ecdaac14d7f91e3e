#include "runtime/data_dir.hpp"

#include "runtime/tests/support.hpp"

namespace keepmq::runtime::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class DataDirTest : public testing::Test {
  protected:
    std::unique_ptr<DataDir> open() { return DataDir::open(dir.file("data"), diagnostics); }

    TempDir dir;
    Diagnostics diagnostics;
};

TEST_F(DataDirTest, MakesTheFolder) {
    const auto data = DataDir::open(dir.file("a/b/c"), diagnostics);
    ASSERT_TRUE(data);
    EXPECT_TRUE(std::filesystem::is_directory(dir.file("a/b/c")));
    EXPECT_EQ(dir.file("a/b/c/x"), data->file("x"));
    EXPECT_TRUE(diagnostics.all().empty());
}

TEST_F(DataDirTest, BelongsToOneBroker) {
    auto first = open();
    ASSERT_TRUE(first);
    EXPECT_FALSE(open());
    ASSERT_TRUE(diagnostics.has_errors());
    EXPECT_THAT(diagnostics.all()[0].message, HasSubstr("another broker"));
    first.reset();
    EXPECT_TRUE(open()) << "the lock ends with its owner";
}

TEST_F(DataDirTest, SaysWhyAFolderCannotBeUsed) {
    write_file(dir.file("data"), "a file");
    EXPECT_FALSE(open());
    ASSERT_TRUE(diagnostics.has_errors());
    EXPECT_EQ("node.data_dir", diagnostics.all()[0].key);
}

TEST_F(DataDirTest, NodeNumberIsMadeOnceAndKept) {
    auto data = open();
    const auto number = data->node_number();
    EXPECT_NE(0U, number);
    EXPECT_EQ(0U, number >> 48U) << "48 bits";
    EXPECT_EQ(0U, number & 0xFFU) << "room for the shard";
    EXPECT_EQ(number, data->node_number());
    data.reset();
    EXPECT_EQ(number, open()->node_number());
}

TEST_F(DataDirTest, InstallationsDiffer) {
    EXPECT_NE(open()->node_number(), DataDir::open(dir.file("other"), diagnostics)->node_number());
}

TEST_F(DataDirTest, IdFloorIsKept) {
    auto data = open();
    EXPECT_EQ(WallTime{}, data->id_floor());
    const WallTime newest{Micros{1'700'000'000'123'456}};
    data->save_id_floor(newest);
    data.reset();
    EXPECT_EQ(newest, open()->id_floor());
}

TEST_F(DataDirTest, NoListOfPluginsIsNotAnEmptyOne) {
    const auto data = open();
    EXPECT_EQ(std::nullopt, data->loaded_plugins());
    data->save_loaded_plugins({});
    EXPECT_EQ(std::vector<std::string>{}, data->loaded_plugins());
    data->save_loaded_plugins({"emqx_backend_sqlite", "emqx_backend_redis"});
    EXPECT_THAT(*data->loaded_plugins(), ElementsAre("emqx_backend_sqlite", "emqx_backend_redis"));
}

TEST_F(DataDirTest, LeavesNoHalfWrittenFile) {
    const auto data = open();
    data->save_loaded_plugins({"a"});
    data->save_id_floor(WallTime{Micros{1}});
    for (const auto& entry : std::filesystem::directory_iterator{data->path()})
        EXPECT_NE(".new", entry.path().extension()) << entry.path();
}

TEST_F(DataDirTest, AListOfPluginsMayBeEditedByHand) {
    const auto data = open();
    write_file(data->file("loaded_plugins"), "emqx_backend_redis\r\n\n  emqx_backend_sqlite  \n");
    EXPECT_THAT(*data->loaded_plugins(), ElementsAre("emqx_backend_redis", "emqx_backend_sqlite"));
}

}  // namespace
}  // namespace keepmq::runtime::test
