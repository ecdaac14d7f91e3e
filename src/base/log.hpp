#pragma once
// Logging facade: one named logger per module, `fmt` formatting, one line per event.
//
//   namespace { const Log log{"store"}; }
//   log.warn("commit failed pool={} lane={} error={}", pool, lane, error.message());
//
// Never log payloads or passwords; client ids and topics go through `escaped`.
// Thread-safe. Lines go to standard error.

#include <fmt/format.h>
#include <spdlog/logger.h>

#include <memory>
#include <string>
#include <string_view>

namespace keepmq {

class Log {
  public:
    explicit Log(std::string_view module);

    template <class... Args>
    void error(fmt::format_string<Args...> format, Args&&... args) const {
        logger_->error(format, std::forward<Args>(args)...);
    }
    template <class... Args>
    void warn(fmt::format_string<Args...> format, Args&&... args) const {
        logger_->warn(format, std::forward<Args>(args)...);
    }
    template <class... Args>
    void info(fmt::format_string<Args...> format, Args&&... args) const {
        logger_->info(format, std::forward<Args>(args)...);
    }
    template <class... Args>
    void debug(fmt::format_string<Args...> format, Args&&... args) const {
        logger_->debug(format, std::forward<Args>(args)...);
    }

  private:
    std::shared_ptr<spdlog::logger> logger_;
};

/// Sets the level of all loggers: error, warning, info or debug. False for an unknown name.
bool set_log_level(std::string_view level);

/// Peer-controlled text made safe for one log line: control characters and non-ASCII as \xNN, cut
/// after 120 bytes.
[[nodiscard]] std::string escaped(std::string_view text);

}  // namespace keepmq
