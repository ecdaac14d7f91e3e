#pragma once
// What a process has used, from outside: the broker under measurement, or this one.

#include <sys/types.h>

#include <cstdint>
#include <ctime>
#include <optional>

namespace keepmq::load {

class Process {
  public:
    /// Nothing if there is no such process.
    [[nodiscard]] static std::optional<Process> find(pid_t pid);
    [[nodiscard]] static Process self();

    [[nodiscard]] pid_t pid() const { return pid_; }
    /// User and kernel, all its threads.
    [[nodiscard]] double cpu_seconds() const;
    /// Resident memory; 0 if it has ended.
    [[nodiscard]] std::uint64_t resident_bytes() const;

  private:
    Process(pid_t pid, clockid_t clock) : pid_{pid}, clock_{clock} {}
    pid_t pid_;
    clockid_t clock_;
};

}  // namespace keepmq::load
