#pragma once
// The names that travel through every layer, each its own type, so that a topic cannot be passed
// where a client identifier is wanted.

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace keepmq {

/// UTF-8 text with a meaning. Compares by bytes.
template <class Tag>
class Named {
  public:
    Named() = default;
    explicit Named(std::string text) : text_{std::move(text)} {}
    explicit Named(std::string_view text) : text_{text} {}
    explicit Named(const char* text) : text_{text} {}

    [[nodiscard]] const std::string& str() const { return text_; }
    [[nodiscard]] std::string_view view() const { return text_; }
    [[nodiscard]] bool empty() const { return text_.empty(); }

    friend bool operator==(const Named&, const Named&) = default;
    friend auto operator<=>(const Named&, const Named&) = default;

  private:
    std::string text_;
};

using ClientId = Named<struct ClientIdTag>;    ///< MQTT Client Identifier
using TopicName = Named<struct TopicNameTag>;  ///< what a message is published to: no wildcards
using TopicFilter =
    Named<struct TopicFilterTag>;  ///< what a client subscribes to, without `$share/<group>/`

enum class Qos : std::uint8_t { at_most_once = 0, at_least_once = 1, exactly_once = 2 };

/// One Network Connection of this process; never reused while the process lives.
enum class ConnectionId : std::uint64_t {};

/// Identifies a pending asynchronous step of the broker (an ack slot, a position to initialise).
enum class Ticket : std::uint64_t {};

/// Lets unordered containers look up a Named by string_view.
struct NamedHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
        return std::hash<std::string_view>{}(text);
    }
    template <class Tag>
    std::size_t operator()(const Named<Tag>& name) const {
        return std::hash<std::string_view>{}(name.view());
    }
};
struct NamedEqual {
    using is_transparent = void;
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
        return view(a) == view(b);
    }

  private:
    static std::string_view view(std::string_view text) { return text; }
    template <class Tag>
    static std::string_view view(const Named<Tag>& name) {
        return name.view();
    }
};

}  // namespace keepmq

template <class Tag>
struct std::hash<keepmq::Named<Tag>> {
    std::size_t operator()(const keepmq::Named<Tag>& name) const {
        return std::hash<std::string_view>{}(name.view());
    }
};
