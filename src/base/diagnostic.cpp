#include "base/diagnostic.hpp"

#include <algorithm>
#include <utility>

namespace keepmq {

std::string Diagnostic::to_string() const {
    std::string text = origin.file;
    if (origin.line > 0)
        text += ':' + std::to_string(origin.line);
    text += severity == Severity::error ? ": error: " : ": warning: ";
    if (!key.empty())
        text += key + ": ";
    text += message;
    if (!hint.empty())
        text += " (" + hint + ')';
    return text;
}

void Diagnostics::error(Origin origin,
                        std::string_view key,
                        std::string message,
                        std::string hint) {
    all_.push_back({Severity::error,
                    std::move(origin),
                    std::string{key},
                    std::move(message),
                    std::move(hint)});
}

void Diagnostics::warning(Origin origin,
                          std::string_view key,
                          std::string message,
                          std::string hint) {
    all_.push_back({Severity::warning,
                    std::move(origin),
                    std::string{key},
                    std::move(message),
                    std::move(hint)});
}

void Diagnostics::append(const Diagnostics& other) {
    all_.insert(all_.end(), other.all_.begin(), other.all_.end());
}

bool Diagnostics::has_errors() const {
    return std::ranges::any_of(all_, [](const auto& d) { return d.severity == Severity::error; });
}

}  // namespace keepmq
