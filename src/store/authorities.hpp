#pragma once
// For client libraries that do not know the authorities of the system.

#include "store/pool_conf.hpp"

namespace keepmq::store {

/// Refuses `verify = verify_peer` without `cacertfile`, which would have nothing to verify with.
void require_authorities(PoolConfReader& read, const Tls& tls);

}  // namespace keepmq::store
