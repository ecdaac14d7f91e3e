#include "app/limits.hpp"

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

}  // namespace keepmq::app
