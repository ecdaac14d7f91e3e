#pragma once
// The folder that belongs to one running broker.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/diagnostic.hpp"
#include "base/time.hpp"

namespace keepmq::runtime {

class DataDir {
  public:
    /// Makes the folder if needed and locks it; null with a diagnostic when another broker has it.
    [[nodiscard]] static std::unique_ptr<DataDir> open(const std::string& path,
                                                       Diagnostics& diagnostics);
    ~DataDir();
    DataDir(const DataDir&) = delete;
    DataDir& operator=(const DataDir&) = delete;

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] std::string file(const std::string& name) const { return path_ + '/' + name; }

    /// A random number of this installation, made at the first start: part of every message id.
    [[nodiscard]] std::uint64_t node_number();

    /// Newest message id time of earlier runs, so that ids do not go back with the clock.
    [[nodiscard]] WallTime id_floor() const;
    void save_id_floor(WallTime newest) const;

    /// Names of the plugins that were loaded when the broker last ran; nothing at the first start.
    [[nodiscard]] std::optional<std::vector<std::string>> loaded_plugins() const;
    /// The same for a folder that a running broker may have.
    [[nodiscard]] static std::optional<std::vector<std::string>> loaded_plugins_of(
        const std::string& path);
    void save_loaded_plugins(const std::vector<std::string>& names) const;

  private:
    DataDir(std::string path, int lock);
    std::string path_;
    int lock_;
};

}  // namespace keepmq::runtime
