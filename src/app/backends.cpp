#include "app/backends.hpp"

#if KEEPMQ_WITH_REDIS
#include "backends/redis/backend.hpp"
#endif
#if KEEPMQ_WITH_MYSQL
#include "backends/mysql/backend.hpp"
#endif
#if KEEPMQ_WITH_PGSQL
#include "backends/pgsql/backend.hpp"
#endif
#if KEEPMQ_WITH_MONGO
#include "backends/mongo/backend.hpp"
#endif
#if KEEPMQ_WITH_CASSA
#include "backends/cassa/backend.hpp"
#endif
#if KEEPMQ_WITH_SQLITE
#include "backends/sqlite/backend.hpp"
#endif

namespace keepmq::app {

const runtime::Registry& backends() {
    // The formatter would indent each entry further than the one before.
    // clang-format off
    static const runtime::Registry list {
#if KEEPMQ_WITH_REDIS
        &redis::descriptor(),
#endif
#if KEEPMQ_WITH_MYSQL
        &mysql::descriptor(),
#endif
#if KEEPMQ_WITH_PGSQL
        &pgsql::descriptor(),
#endif
#if KEEPMQ_WITH_MONGO
        &mongo::descriptor(),
#endif
#if KEEPMQ_WITH_CASSA
        &cassa::descriptor(),
#endif
#if KEEPMQ_WITH_SQLITE
            &sqlite::descriptor(),
#endif
    };
    // clang-format on
    return list;
}

}  // namespace keepmq::app
