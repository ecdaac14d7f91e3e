#include "hooks/topic_match.hpp"

#include "model/topic.hpp"

namespace keepmq::hooks {

TopicMatch::TopicMatch(const std::optional<TopicFilter>& filter) {
    if (!filter)
        return;
    text_ = filter->str();
    const std::string_view text = text_;
    if (text == "#") {
        shape_ = Shape::all_but_dollar;
    } else if (!has_wildcard(text)) {
        shape_ = Shape::exact;
    } else if (text.ends_with("/#") && !has_wildcard(text.substr(0, text.size() - 2))) {
        shape_ = Shape::subtree;
        text_.resize(text_.size() - 2);
    } else {
        shape_ = Shape::general;
    }
}

bool TopicMatch::slow(std::string_view topic) const {
    switch (shape_) {
        case Shape::exact:
            return topic == text_;
        case Shape::subtree:
            return topic.starts_with(text_) &&
                   (topic.size() == text_.size() || topic[text_.size()] == '/');
        default:
            return filter_matches(text_, topic);
    }
}

}  // namespace keepmq::hooks
