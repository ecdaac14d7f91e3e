#include "store/pool_settings.hpp"

namespace keepmq::store {

std::vector<std::string_view> with_network_settings(std::initializer_list<std::string_view> own) {
    std::vector<std::string_view> names{own};
    names.insert(
        names.end(),
        {"ssl", "verify", "cacertfile", "certfile", "keyfile", "connect_timeout", "read_timeout"});
    return names;
}

}  // namespace keepmq::store
