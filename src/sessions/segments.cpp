#include "sessions/segments.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace keepmq::sessions {

using broker::DeliveryKept;

/// Deliveries to rows, one after the other.
class Segments::Filling {
  public:
    Filling(Segments& segments, Plan& plan) : segments_{segments}, plan_{plan} {}

    void add(const DeliveryKept& delivery) {
        if (writer_.is_full_before(delivery))
            finish();
        writer_.add(delivery);
        deliveries_.push_back(delivery.number);
    }
    void finish() {
        if (writer_.is_empty())
            return;
        auto data = writer_.take();
        plan_.fresh.push_back({segments_.next_number(),
                               std::move(data),
                               std::move(writer_.segment),
                               std::exchange(deliveries_, {})});
        writer_ = {};
    }

  private:
    Segments& segments_;
    Plan& plan_;
    SegmentWriter writer_;
    std::vector<std::uint64_t> deliveries_;
};

bool Segments::prepare(sqlite3* database) {
    database_ = database;
    for (const auto& [statement, sql] :
         {std::pair{&put_, "replace into segments values(?,?)"},
          std::pair{&drop_, "delete from segments where segment=?"},
          std::pair{&get_, "select data from segments where segment=?"},
          std::pair{&put_marks_, "replace into marks values(?,?)"},
          std::pair{&drop_marks_, "delete from marks where segment=?"}}) {
        *statement = Statement{database, sql};
        if (!*statement)
            return false;
    }
    return true;
}

LoadProblem Segments::load(std::vector<broker::Change>& into) {
    std::vector<DeliveryKept> all;
    std::vector<std::pair<std::uint64_t, std::size_t>> order;  // number, index
    std::vector<std::uint32_t> places;
    std::unordered_map<MessageId, MessagePtr> known;
    const auto one_object = [&](MessagePtr& message) {
        if (message && !message->id.is_null())
            message = known.try_emplace(message->id, message).first->second;
    };
    auto problem = each_row(
        database_,
        "select s.segment,s.data,m.data from segments s left join marks m on m.segment=s.segment "
        "order by s.segment",
        "segments",
        [&](Statement& row) {
            const auto number = row.number();
            if (number < 0 || number > UINT32_MAX)
                return false;
            last_number_ = static_cast<std::uint32_t>(number);
            const auto data = row.bytes();
            places.clear();
            auto left = segments_[last_number_].read(data, row.bytes(), places);
            if (!left)
                return false;
            for (std::size_t i = 0; i < left->size(); ++i) {
                auto& delivery = (*left)[i];
                one_object(delivery.message);
                places_[delivery.number] = {last_number_, places[i]};
                order.emplace_back(delivery.number, all.size());
                all.push_back(std::move(delivery));
            }
            return true;
        });
    std::ranges::sort(order);
    for (const auto& [number, index] : order) into.emplace_back(std::move(all[index]));
    return problem;
}

std::uint32_t Segments::next_number() {
    do ++last_number_;
    while (segments_.contains(last_number_));
    return last_number_;
}

/// The segments that something happened to.
std::vector<std::uint32_t> Segments::mark(const Batch& batch) {
    std::vector<std::uint32_t> touched;
    for (const auto& [number, mark] : batch.marks) {
        const auto found = places_.find(number);
        if (found == places_.end())
            continue;
        const auto [segment, place] = found->second;
        segments_.at(segment).mark(place, mark);
        touched.push_back(segment);
        if (mark.gone)
            places_.erase(found);
    }
    std::ranges::sort(touched);
    touched.erase(std::unique(touched.begin(), touched.end()), touched.end());
    return touched;
}

Segments::Plan Segments::plan(const Batch& batch) {
    Plan plan;
    Filling filling{*this, plan};
    for (const auto number : mark(batch)) {
        const auto& segment = segments_.at(number);
        if (segment.is_empty()) {
            plan.dropped.push_back(number);
            continue;
        }
        const auto left = segment.is_sparse() ? survivors(number) : std::nullopt;
        if (!left) {
            plan.marked.push_back(number);
            continue;
        }
        for (const auto& delivery : *left) filling.add(delivery);
        plan.dropped.push_back(number);
    }
    for (const auto& delivery : batch.deliveries)
        if (delivery.number != 0)
            filling.add(delivery);
    filling.finish();
    return plan;
}

std::optional<std::vector<DeliveryKept>> Segments::survivors(std::uint32_t number) {
    get_.bind(number);
    std::optional<std::vector<DeliveryKept>> left;
    std::vector<std::uint32_t> places;
    if (get_.step() == SQLITE_ROW)
        left = Segment{}.read(get_.bytes(), segments_.at(number).marks(), places);
    get_.reset();
    return left;
}

bool Segments::write(const Batch& batch) {
    if (!plan_)
        plan_ = plan(batch);
    for (const auto number : plan_->dropped)
        if (!drop_.bind(number).run() || !drop_marks_.bind(number).run())
            return false;
    for (const auto& fresh : plan_->fresh)
        if (!put_.bind(fresh.number).bind_blob(fresh.data).run())
            return false;
    for (const auto number : plan_->marked) {
        const auto marks = segments_.at(number).marks();
        if (!put_marks_.bind(number).bind_blob(marks).run())
            return false;
    }
    return true;
}

void Segments::on_committed() {
    if (!plan_)
        return;
    for (auto& fresh : plan_->fresh) {
        segments_[fresh.number] = std::move(fresh.segment);
        for (std::uint32_t place = 0; place < fresh.deliveries.size(); ++place)
            places_[fresh.deliveries[place]] = {fresh.number, place};
    }
    for (const auto number : plan_->dropped) segments_.erase(number);
    plan_.reset();
}

}  // namespace keepmq::sessions
