#include "app/limits.hpp"

#include <malloc.h>
#include <sys/resource.h>
#include <sys/stat.h>

namespace keepmq::app {

void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &limit);
    }
}

void restrict_new_files() {
    ::umask(::umask(0777) | 027);
}

void keep_freed_memory() {
    ::mallopt(M_MMAP_THRESHOLD, 4 << 20);
    ::mallopt(M_TRIM_THRESHOLD, 16 << 20);
}

}  // namespace keepmq::app
