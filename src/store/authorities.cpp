#include "store/authorities.hpp"

namespace keepmq::store {

void require_authorities(PoolConfReader& read, const Tls& tls) {
    if (tls.verify && tls.ca_file.empty())
        read.refuse("verify",
                    "there is nothing to verify the server's certificate with",
                    "set cacertfile, for example to /etc/ssl/certs/ca-certificates.crt");
}

}  // namespace keepmq::store
