#pragma once
// What the commands of `keepmq bench` have in common.

#include <unistd.h>

#include <functional>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "load/figures.hpp"
#include "load/options.hpp"
#include "load/process.hpp"
#include "load/swarm.hpp"

namespace keepmq::load {

struct BenchSettings {
    std::string host = "127.0.0.1";
    std::uint64_t port = 1883;
    mqtt::ProtocolVersion version = mqtt::ProtocolVersion::v3_1_1;
    std::optional<std::string> username;
    std::optional<std::string> password;
    std::string prefix = "bench-" + std::to_string(::getpid());  ///< of client identifiers
    std::uint64_t pid = 0;  ///< of the broker, to measure it; 0: not said
    std::string json;       ///< file, or `-`; empty: none
    bool progress = false;
    bool quiet = false;
};

[[nodiscard]] std::vector<Option> bench_options(BenchSettings& settings);
[[nodiscard]] Option qos_option(Qos& into, std::string help);

/// What came out. Not `complete`: something is missing that had to come.
struct BenchReport {
    Figures figures;
    std::string text;
    bool complete = true;
    std::string error;  ///< not empty: it could not run
};

/// CPU time and memory at one moment.
struct Usage {
    double load_cpu = 0;
    double broker_cpu = 0;
    std::uint64_t broker_memory = 0;
};

/// Surroundings of a command while it runs. Single thread.
class Bench {
  public:
    /// `progress`: where a line each second goes; null: nowhere.
    Bench(const BenchSettings& settings, std::ostream* progress)
        : settings_{settings}, progress_{progress} {}

    /// Looks up broker and process. Empty, or what is wrong.
    [[nodiscard]] std::string prepare();
    [[nodiscard]] Login login(std::uint16_t keep_alive = 300) const;
    [[nodiscard]] std::string client_id(std::string_view role, std::uint64_t number) const;

    /// From then on SIGINT and SIGTERM end a run early, and what was measured so far is reported; a
    /// second one ends the program.
    static void stop_on_signals();
    [[nodiscard]] static bool is_stopped();
    void progress(Micros now, const std::function<std::string()>& line);

    [[nodiscard]] Usage usage() const;
    /// Adds what was used between two moments, for so many messages or connections.
    void add_usage(BenchReport& report,
                   const Usage& before,
                   const Usage& after,
                   std::uint64_t load_units,
                   std::uint64_t broker_units,
                   std::string_view unit) const;

  private:
    const BenchSettings& settings_;
    std::ostream* progress_;
    Endpoint endpoint_;
    std::optional<Process> broker_;
    Micros next_line_ = 0;
};

/// Runs one of the commands: `pub`, `sub`, `conn`, `retain`, `replay`. The exit code: 0 measured, 1
/// it could not run or something is missing, 2 the command line is wrong.
int run_bench(std::span<const std::string_view> arguments, std::ostream& out, std::ostream& err);

}  // namespace keepmq::load
