#include "hooks/functions.hpp"

#include <algorithm>
#include <array>

namespace keepmq::hooks {
namespace {

struct Known {
    std::string_view name;
    Function function;
};

/// The first line of a function is its own name, the others are what EMQ X also calls it.
constexpr std::array known{
    Known{"on_client_connected", Function::on_client_connected},
    Known{"on_client_disconnected", Function::on_client_disconnected},
    Known{"on_subscribe_lookup", Function::on_subscribe_lookup},
    Known{"on_subscription_lookup", Function::on_subscribe_lookup},
    Known{"on_message_fetch", Function::on_message_fetch},
    Known{"on_message_fetch_for_pubsub", Function::on_message_fetch},
    Known{"on_message_fetch_for_queue", Function::on_message_fetch_for_queue},
    Known{"on_message_fetch_for_keep_latest", Function::on_message_fetch_for_keep_latest},
    Known{"on_retain_lookup", Function::on_retain_lookup},
    Known{"on_acked_delete", Function::on_acked_delete},
    Known{"on_message_publish", Function::on_message_publish},
    Known{"on_message_store", Function::on_message_store},
    Known{"on_message_store_keep_latest", Function::on_message_store_keep_latest},
    Known{"on_message_retain", Function::on_message_retain},
    Known{"on_retain_delete", Function::on_retain_delete},
    Known{"on_message_delivered", Function::on_message_delivered},
    Known{"on_message_acked", Function::on_message_acked},
    Known{"on_message_acked_for_pubsub", Function::on_message_acked},
    Known{"on_message_acked_for_queue", Function::on_message_acked_for_queue},
    Known{"on_message_acked_for_keep_latest", Function::on_message_acked_for_keep_latest},
};

std::vector<Hook> hooks_for(Function function) {
    switch (function) {
        case Function::on_client_connected:
            return {Hook::client_connected};
        case Function::on_client_disconnected:
            return {Hook::client_disconnected};
        case Function::on_subscribe_lookup:
            return {Hook::client_connected, Hook::session_created, Hook::session_resumed};
        case Function::on_message_fetch:
        case Function::on_message_fetch_for_queue:
        case Function::on_message_fetch_for_keep_latest:
        case Function::on_retain_lookup:
            return {Hook::session_subscribed};
        case Function::on_acked_delete:
            return {Hook::session_unsubscribed};
        case Function::on_message_publish:
        case Function::on_message_store:
        case Function::on_message_store_keep_latest:
        case Function::on_message_retain:
        case Function::on_retain_delete:
            return {Hook::message_publish};
        case Function::on_message_delivered:
            return {Hook::message_delivered};
        case Function::on_message_acked:
        case Function::on_message_acked_for_queue:
        case Function::on_message_acked_for_keep_latest:
            return {Hook::message_acked};
    }
    return {};
}

}  // namespace

std::string_view to_string(Function function) {
    const auto* found = std::ranges::find(known, function, &Known::function);
    return found == known.end() ? std::string_view{} : found->name;
}

std::optional<Function> parse_function(std::string_view name) {
    const auto* found = std::ranges::find(known, name, &Known::name);
    if (found == known.end())
        return std::nullopt;
    return found->function;
}

const std::vector<std::string_view>& function_names() {
    static const std::vector<std::string_view> names = [] {
        std::vector<std::string_view> all;
        all.reserve(std::size(known));
        for (const auto& one : known) all.push_back(one.name);
        return all;
    }();
    return names;
}

bool belongs_to(Function function, Hook hook) {
    const auto hooks = hooks_for(function);
    return std::ranges::find(hooks, hook) != hooks.end();
}

std::string hooks_of(Function function) {
    const auto hooks = hooks_for(function);
    std::string text;
    for (std::size_t i = 0; i < hooks.size(); ++i) {
        if (i > 0)
            text += i + 1 == hooks.size() ? " or " : ", ";
        text += to_string(hooks[i]);
    }
    return text;
}

Part part_of(Function function) {
    switch (function) {
        case Function::on_message_publish:
        case Function::on_message_store:
        case Function::on_message_store_keep_latest:
            return Part::store;
        case Function::on_message_fetch:
        case Function::on_message_fetch_for_queue:
        case Function::on_message_fetch_for_keep_latest:
            return Part::fetch;
        case Function::on_acked_delete:
        case Function::on_message_acked:
        case Function::on_message_acked_for_queue:
        case Function::on_message_acked_for_keep_latest:
            return Part::acknowledge;
        default:
            return Part::none;
    }
}

bool can_expire(Function function) {
    return part_of(function) == Part::store || function == Function::on_message_retain;
}

}  // namespace keepmq::hooks
