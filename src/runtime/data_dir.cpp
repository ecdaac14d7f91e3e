#include "runtime/data_dir.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <utility>

namespace keepmq::runtime {
namespace {

/// Written beside, flushed and renamed, so that a crash leaves the old or the new content.
void replace_file(const std::string& path, const std::string& content) {
    const std::string beside = path + ".new";
    const int file = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (file < 0)
        return;
    const bool written =
        ::write(file, content.data(), content.size()) == static_cast<ssize_t>(content.size()) &&
        ::fsync(file) == 0;
    ::close(file);
    std::error_code ignored;
    if (!written) {
        std::filesystem::remove(beside, ignored);
        return;
    }
    std::filesystem::rename(beside, path, ignored);
}

}  // namespace

DataDir::DataDir(std::string path, int lock) : path_{std::move(path)}, lock_{lock} {}

DataDir::~DataDir() {
    ::close(lock_);
}

std::unique_ptr<DataDir> DataDir::open(const std::string& path, Diagnostics& diagnostics) {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    const std::string lock_file = path + "/keepmq.lock";
    const int lock = error ? -1 : ::open(lock_file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (lock < 0) {
        diagnostics.error(
            {path, 0},
            "node.data_dir",
            "cannot be used: " + (error ? error.message() : std::string{std::strerror(errno)}),
            "make it writable for this user or set node.data_dir");
        return nullptr;
    }
    if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
        ::close(lock);
        diagnostics.error({path, 0},
                          "node.data_dir",
                          "another broker is running on this folder",
                          "stop it, or give this one its own node.data_dir");
        return nullptr;
    }
    return std::unique_ptr<DataDir>{new DataDir{path, lock}};
}

std::uint64_t DataDir::node_number() {
    std::uint64_t number = 0;
    if (std::ifstream in{file("node_number")}; in >> number)
        return number;
    std::random_device device;
    number = ((static_cast<std::uint64_t>(device()) << 32U) | device()) & 0xFFFFFFFFFF00ULL;
    replace_file(file("node_number"), std::to_string(number) + '\n');
    return number;
}

WallTime DataDir::id_floor() const {
    std::int64_t micros = 0;
    if (std::ifstream in{file("id_floor")}; in >> micros)
        return WallTime{Micros{micros}};
    return {};
}

void DataDir::save_id_floor(WallTime newest) const {
    replace_file(file("id_floor"), std::to_string(newest.time_since_epoch().count()) + '\n');
}

std::optional<std::vector<std::string>> DataDir::loaded_plugins() const {
    return loaded_plugins_of(path_);
}

std::optional<std::vector<std::string>> DataDir::loaded_plugins_of(const std::string& path) {
    std::ifstream in{path + "/loaded_plugins"};
    if (!in)
        return std::nullopt;
    std::vector<std::string> names;
    // One name each; operator>> also drops what an editor left at the ends of lines.
    for (std::string name; in >> name;) names.push_back(name);
    return names;
}

void DataDir::save_loaded_plugins(const std::vector<std::string>& names) const {
    std::string content;
    for (const auto& name : names) content += name + '\n';
    replace_file(file("loaded_plugins"), content);
}

}  // namespace keepmq::runtime
