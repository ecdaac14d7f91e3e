#include "base/log.hpp"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

namespace keepmq {
namespace {

spdlog::sink_ptr shared_sink() {
    static const spdlog::sink_ptr sink = [] {
        // For loggers that are made later: `initialize_logger` gives each the common format and
        // level.
        spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e %^%l%$ %n: %v");
        return std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
    }();
    return sink;
}

}  // namespace

Log::Log(std::string_view module) {
    const std::string name{module};
    logger_ = spdlog::get(name);
    if (!logger_) {
        logger_ = std::make_shared<spdlog::logger>(name, shared_sink());
        spdlog::initialize_logger(logger_);
    }
}

bool set_log_level(std::string_view level) {
    const auto parsed = spdlog::level::from_str(std::string{level});
    if (parsed == spdlog::level::off && level != "off")
        return false;
    spdlog::set_level(parsed);
    return true;
}

std::string escaped(std::string_view text) {
    constexpr std::size_t limit = 120;
    std::string out;
    for (const char c : text.substr(0, limit)) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte > 0x7e)
            out += fmt::format("\\x{:02x}", byte);
        else
            out += c;
    }
    if (text.size() > limit)
        out += fmt::format("...({} bytes)", text.size());
    return out;
}

}  // namespace keepmq
