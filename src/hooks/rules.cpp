// Events in, operations out. Nothing here waits, and the hot path (on_publish) allocates only the
// operations themselves.

#include "hooks/rules.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "hooks/rule_set.hpp"
#include "hooks/subject.hpp"
#include "model/topic.hpp"

namespace keepmq::hooks {
namespace {

using store::Order;

void count(store::Counter& counter) {
    counter.fetch_add(1, std::memory_order_relaxed);
}

void not_applicable(const Rule& rule) {
    count(rule.context->stats.not_applicable);
}

Order by_topic(std::string_view topic) {
    return {store::order_key(topic), false};
}

Order by_client(const ClientInfo& who) {
    return {store::order_key(who.client.view()), false};
}

Write write_of(const Rule& rule, store::Op op, Order order, bool awaited = false) {
    return {rule.pool, std::move(op), order, rule.context.get(), awaited};
}

/// Runs the user's statements of the matching rules.
store::Op execute(const Rule& rule, Evaluator& evaluator) {
    store::Execute op{rule.statements, {}};
    op.values.reserve(rule.parameters.size());
    for (const auto& parameter : rule.parameters) op.values.push_back(evaluator(parameter));
    return op;
}

template <class Plans>
bool names_pool(const Plans& plans, std::size_t pool) {
    return std::ranges::any_of(plans, [pool](const auto& plan) { return plan.pool == pool; });
}

store::FetchMode mode_of(Function function) {
    switch (function) {
        case Function::on_message_fetch_for_queue:
            return store::FetchMode::queue;
        case Function::on_message_fetch_for_keep_latest:
            return store::FetchMode::latest;
        default:
            return store::FetchMode::after_cursor;
    }
}

/// The rules of one hook that match, in order, each counted.
template <class Bounds, class Each>
void for_matching(const Bounds& bounds, std::string_view topic, Each&& each) {
    for (const auto& bound : bounds) {
        if (!bound.match(topic))
            continue;
        count(bound.rule->context->stats.hits);
        each(*bound.rule);
    }
}

}  // namespace

void RuleSet::Impl::bind() {
    for (const auto& rule : rules) {
        by_hook[static_cast<std::size_t>(rule.hook)].push_back({TopicMatch{rule.filter}, &rule});
        if (rule.function != Function::on_subscribe_lookup)
            continue;
        if (std::ranges::find(lookups, rule.pool, &Rule::pool) == lookups.end())
            lookups.push_back(&rule);
    }
}

RuleSet::RuleSet(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}
RuleSet::~RuleSet() = default;

std::shared_ptr<const RuleSet> RuleSet::compile(const config::PluginConf& conf,
                                                const store::BackendDescriptor& descriptor,
                                                std::string node,
                                                Diagnostics& diagnostics) {
    auto impl = std::make_unique<Impl>();
    impl->node = std::move(node);
    for (const auto& pool : conf.pools) impl->pool_names.push_back(pool.name);
    bool failed = false;
    for (const auto& spec : conf.rules) {
        if (auto rule = compile_rule(spec, conf, descriptor, diagnostics))
            impl->rules.push_back(std::move(*rule));
        else
            failed = true;
    }
    Diagnostics found;
    check_parts(impl->rules, impl->pool_names, found);
    diagnostics.append(found);
    if (failed || found.has_errors())
        return nullptr;
    impl->bind();
    return std::shared_ptr<const RuleSet>{new RuleSet{std::move(impl)}};
}

bool RuleSet::listens(Hook hook) const {
    return !impl_->bound(hook).empty() ||
           (hook == Hook::client_connected && !impl_->lookups.empty());
}

std::span<const Rule> RuleSet::rules() const {
    return impl_->rules;
}

std::span<const std::string> RuleSet::pool_names() const {
    return impl_->pool_names;
}

void RuleSet::on_connected(const ClientConnected& event, ConnectPlan& plan, Lookups lookups) const {
    const auto subject = subject_of(event);
    const auto order = by_client(event.who);
    Evaluator evaluator{subject, impl_->node};
    for_matching(impl_->bound(Hook::client_connected), {}, [&](const Rule& rule) {
        if (!rule.function) {
            plan.writes.push_back(write_of(rule, execute(rule, evaluator), order));
        } else if (*rule.function == Function::on_client_connected) {
            store::ClientOnline op{event.who.client, impl_->node, event.at};
            plan.writes.push_back(write_of(rule, std::move(op), order));
        } else if (lookups == Lookups::as_bound && !names_pool(plan.lookups, rule.pool)) {
            plan.lookups.push_back({rule.pool, rule.context.get()});
        }
    });
    if (lookups != Lookups::every_connect)
        return;
    for (const auto* rule : impl_->lookups) {
        if (rule->hook != Hook::client_connected)  // those were counted above
            count(rule->context->stats.hits);
        plan.lookups.push_back({rule->pool, rule->context.get()});
    }
}

void RuleSet::on_session(const Event& event, ConnectPlan& plan, Lookups lookups) const {
    const auto hook = hook_of(event);
    if (hook != Hook::session_created && hook != Hook::session_resumed &&
        hook != Hook::session_terminated)
        return;
    const auto subject = subject_of(event);
    const Order order{store::order_key(subject.client), false};
    Evaluator evaluator{subject, impl_->node};
    for (const auto& bound : impl_->bound(hook)) {
        const auto& rule = *bound.rule;
        if (!rule.function) {
            count(rule.context->stats.hits);
            plan.writes.push_back(write_of(rule, execute(rule, evaluator), order));
        } else if (lookups == Lookups::as_bound) {
            count(rule.context->stats.hits);
            if (!names_pool(plan.lookups, rule.pool))
                plan.lookups.push_back({rule.pool, rule.context.get()});
        }
    }
}

void RuleSet::on_disconnected(const ClientDisconnected& event, std::vector<Write>& writes) const {
    const auto subject = subject_of(event);
    const auto order = by_client(event.who);
    Evaluator evaluator{subject, impl_->node};
    for_matching(impl_->bound(Hook::client_disconnected), {}, [&](const Rule& rule) {
        if (!rule.function) {
            writes.push_back(write_of(rule, execute(rule, evaluator), order));
            return;
        }
        store::ClientOffline op{event.who.client, impl_->node, event.at, event.connected_at};
        writes.push_back(write_of(rule, std::move(op), order));
    });
}

namespace {

/// A fetch and, where it has a read position, the write that creates the position.
void plan_fetch(const Rule& rule, const SessionSubscribed& event, SubscribePlan& plan) {
    // Without acknowledgements a position could never move, and a shared subscription has no client
    // of its own to keep one for.
    if (event.shared || event.qos == Qos::at_most_once || plan.fetch) {
        not_applicable(rule);
        return;
    }
    const auto mode = mode_of(*rule.function);
    plan.fetch =
        FetchPlan{rule.pool, mode, rule.max_returned_count, rule.time_range, rule.context.get()};
    if (mode == store::FetchMode::queue)
        return;
    // For a wildcard filter the newest id of all topics is wanted: of every lane.
    const bool wildcard = has_wildcard(event.filter.view());
    store::InitCursor op{event.who.client,
                         event.filter,
                         wildcard ? store::FetchFrom::latest : rule.fetch_from,
                         event.at};
    Order order = by_topic(event.filter.view());
    order.after_all = wildcard;
    plan.writes.push_back(write_of(rule, std::move(op), order, true));
}

}  // namespace

void RuleSet::on_subscribed(const SessionSubscribed& event,
                            SubscribePlan& plan,
                            Subscribing subscribing) const {
    const auto subject = subject_of(event);
    Evaluator evaluator{subject, impl_->node};
    for_matching(
        impl_->bound(Hook::session_subscribed), event.filter.view(), [&](const Rule& rule) {
            if (!rule.function) {
                if (subscribing == Subscribing::before)
                    return not_applicable(rule);
                plan.writes.push_back(
                    write_of(rule, execute(rule, evaluator), by_topic(event.filter.view())));
            } else if (*rule.function != Function::on_retain_lookup) {
                plan_fetch(rule, event, plan);
            } else if (event.shared || names_pool(plan.retained, rule.pool)) {
                not_applicable(rule);
            } else {
                plan.retained.push_back({rule.pool, rule.context.get()});
            }
        });
}

void RuleSet::on_unsubscribed(const SessionUnsubscribed& event, std::vector<Write>& writes) const {
    const auto subject = subject_of(event);
    const auto order = by_topic(event.filter.view());
    Evaluator evaluator{subject, impl_->node};
    bool forgotten = false;  // all on_acked_delete rules of a topic name one pool
    for_matching(
        impl_->bound(Hook::session_unsubscribed), event.filter.view(), [&](const Rule& rule) {
            if (!rule.function) {
                writes.push_back(write_of(rule, execute(rule, evaluator), order));
            } else if (event.shared || std::exchange(forgotten, true)) {
                not_applicable(rule);  // a shared subscription has no position to forget
            } else {
                store::DeleteCursor op{event.who.client, event.filter};
                writes.push_back(write_of(rule, std::move(op), order));
            }
        });
}

namespace {

/// What a built-in function of message.publish does with one message.
class Publishing {
  public:
    Publishing(const std::shared_ptr<Message>& message, PublishPlan& plan)
        : message_{message},
          plan_{plan},
          order_{by_topic(message->topic.view())},
          first_{plan.writes.size()} {}

    void apply(const Rule& rule) {
        switch (*rule.function) {
            case Function::on_message_publish:
                keep(rule, store::Keep::all, false);
                break;
            case Function::on_message_store:
                keep(rule, store::Keep::all, true);
                break;
            case Function::on_message_store_keep_latest:
                keep(rule, store::Keep::latest, false);
                break;
            case Function::on_message_retain:
                if (message_->retain && !message_->payload.empty())
                    add(rule, store::StoreRetained{message_, rule.expired_time, rule.form});
                else
                    not_applicable(rule);
                break;
            case Function::on_retain_delete:
                if (message_->retain && message_->payload.empty())
                    add(rule, store::DeleteRetained{message_->topic});
                else
                    not_applicable(rule);
                break;
            default:
                break;
        }
    }

    void add(const Rule& rule, store::Op op) {
        // A QoS 0 message has no acknowledgement that could wait, but its delivery can.
        const bool held = rule.deliver == Deliver::after_commit;
        const bool awaited =
            rule.durability == Durability::commit && (held || message_->qos != Qos::at_most_once);
        plan_.deliver_after_commit |= awaited && held;
        plan_.writes.push_back(write_of(rule, std::move(op), order_, awaited));
    }

  private:
    void keep(const Rule& rule, store::Keep keep, bool any_qos) {
        const bool clears_retained = message_->retain && message_->payload.empty();
        const bool has_qos = message_->qos != Qos::at_most_once;
        if (clears_retained || !(has_qos || any_qos) || is_kept_in(rule.pool)) {
            not_applicable(rule);
            return;
        }
        add(rule, store::StoreMessage{message_, keep, rule.expired_time, rule.form});
        message_->stored = true;
    }

    /// A second rule must not store the message again in the same pool.
    [[nodiscard]] bool is_kept_in(std::size_t pool) const {
        const auto& writes = plan_.writes;
        return std::any_of(writes.begin() + static_cast<std::ptrdiff_t>(first_),
                           writes.end(),
                           [pool](const Write& write) {
                               return write.pool == pool &&
                                      std::holds_alternative<store::StoreMessage>(write.op);
                           });
    }

    const std::shared_ptr<Message>& message_;
    PublishPlan& plan_;
    Order order_;
    std::size_t first_;
};

}  // namespace

bool RuleSet::wants_publish(std::string_view topic) const {
    return std::ranges::any_of(impl_->bound(Hook::message_publish),
                               [&](const Impl::Bound& bound) { return bound.match(topic); });
}

void RuleSet::on_publish(const std::shared_ptr<Message>& message, PublishPlan& plan) const {
    const auto& bounds = impl_->bound(Hook::message_publish);
    if (bounds.empty())
        return;
    const auto subject = subject_of(*message);
    Publishing publishing{message, plan};
    Evaluator evaluator{subject, impl_->node};
    for_matching(bounds, message->topic.view(), [&](const Rule& rule) {
        if (rule.function)
            publishing.apply(rule);
        else
            publishing.add(rule, execute(rule, evaluator));
    });
}

void RuleSet::on_delivered(const MessageDelivered& event, std::vector<Write>& writes) const {
    const auto topic = event.message->topic.view();
    const auto subject = subject_of(event);
    Evaluator evaluator{subject, impl_->node};
    for_matching(impl_->bound(Hook::message_delivered), topic, [&](const Rule& rule) {
        if (!rule.function)  // the function on_message_delivered only counts
            writes.push_back(write_of(rule, execute(rule, evaluator), by_topic(topic)));
    });
}

void RuleSet::on_acked(const MessageAcked& event, std::vector<Write>& writes) const {
    const auto topic = event.message->topic.view();
    const auto subject = subject_of(event);
    Evaluator evaluator{subject, impl_->node};
    for (const auto& bound : impl_->bound(Hook::message_acked)) {
        const auto& rule = *bound.rule;
        const bool queue = rule.function == Function::on_message_acked_for_queue;
        if ((rule.function && !queue) || !bound.match(topic))
            continue;  // read positions are on_position's
        count(rule.context->stats.hits);
        if (!queue) {
            writes.push_back(write_of(rule, execute(rule, evaluator), by_topic(topic)));
        } else if (event.message->stored && event.qos != Qos::at_most_once) {
            store::RemoveMessage op{event.message->topic, event.message->id};
            writes.push_back(write_of(rule, std::move(op), by_topic(topic)));
        } else {
            not_applicable(rule);
        }
    }
}

void RuleSet::on_position(const ClientId& client,
                          const TopicName& topic,
                          MessageId id,
                          WallTime at,
                          std::vector<Write>& writes) const {
    const auto first = static_cast<std::ptrdiff_t>(writes.size());
    for (const auto& bound : impl_->bound(Hook::message_acked)) {
        const auto& rule = *bound.rule;
        const bool moves = rule.function == Function::on_message_acked ||
                           rule.function == Function::on_message_acked_for_keep_latest;
        if (!moves || !bound.match(topic.view()))
            continue;
        count(rule.context->stats.hits);
        const bool done = std::any_of(writes.begin() + first,
                                      writes.end(),
                                      [&](const Write& write) { return write.pool == rule.pool; });
        if (done) {
            not_applicable(rule);
            continue;
        }
        store::AdvanceCursor op{client, topic, id, at};
        writes.push_back(write_of(rule, std::move(op), by_topic(topic.view())));
    }
}

}  // namespace keepmq::hooks
