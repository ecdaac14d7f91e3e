#include "load/process.hpp"

#include <unistd.h>

#include <fstream>
#include <string>

namespace keepmq::load {

std::optional<Process> Process::find(pid_t pid) {
    clockid_t clock{};
    timespec now{};
    if (pid <= 0 || ::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &now) != 0)
        return std::nullopt;
    return Process{pid, clock};
}

Process Process::self() {
    return Process{::getpid(), CLOCK_PROCESS_CPUTIME_ID};
}

double Process::cpu_seconds() const {
    timespec time{};
    ::clock_gettime(clock_, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

std::uint64_t Process::resident_bytes() const {
    // The other files round by what each processor has not yet reported.
    std::ifstream in{"/proc/" + std::to_string(pid_) + "/smaps_rollup"};
    for (std::string word; in >> word;) {
        std::uint64_t kilobytes = 0;
        if (word == "Rss:" && in >> kilobytes)
            return kilobytes * 1024;
    }
    return 0;
}

}  // namespace keepmq::load
