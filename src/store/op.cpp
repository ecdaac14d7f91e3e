#include "store/op.hpp"

#include "base/overloaded.hpp"

namespace keepmq::store {

std::string_view name_of(const Op& op) {
    return std::visit(
        Overloaded{
            [](const ClientOnline&) -> std::string_view { return "client_online"; },
            [](const ClientOffline&) -> std::string_view { return "client_offline"; },
            [](const StoreMessage&) -> std::string_view { return "store_message"; },
            [](const StoreRetained&) -> std::string_view { return "store_retained"; },
            [](const DeleteRetained&) -> std::string_view { return "delete_retained"; },
            [](const InitCursor&) -> std::string_view { return "init_cursor"; },
            [](const AdvanceCursor&) -> std::string_view { return "advance_cursor"; },
            [](const DeleteCursor&) -> std::string_view { return "delete_cursor"; },
            [](const RemoveMessage&) -> std::string_view { return "remove_message"; },
            [](const Execute&) -> std::string_view { return "execute"; },
        },
        op);
}

}  // namespace keepmq::store
