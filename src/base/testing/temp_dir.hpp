#pragma once
// A folder of its own for a test or a benchmark, removed with everything in it at the end.

#include <stdlib.h>

#include <filesystem>
#include <string>
#include <string_view>

namespace keepmq {

class TempDir {
  public:
    explicit TempDir(const std::filesystem::path& parent = std::filesystem::temp_directory_path()) {
        std::string pattern = (parent / "keepmq-XXXXXX").string();
        path_ = ::mkdtemp(pattern.data());
    }
    ~TempDir() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] std::string file(std::string_view name) const {
        return path_ + '/' + std::string{name};
    }

  private:
    std::string path_;
};

}  // namespace keepmq
