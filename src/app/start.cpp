#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include "admin/server.hpp"
#include "app/backends.hpp"
#include "app/commands.hpp"
#include "app/limits.hpp"
#include "base/log.hpp"
#include "runtime/node.hpp"

namespace keepmq::app {
namespace {

const Log log{"keepmq"};

std::unique_ptr<admin::Server> start_admin(const config::Admin& settings, runtime::Node& node) {
    if (!settings.enabled)
        return nullptr;
    auto started = admin::Server::start(
        {settings.endpoint.host, settings.endpoint.port, settings.login, settings.password}, node);
    if (started.has_error()) {
        log.error("admin interface {}:{} cannot be opened: {}",
                  settings.endpoint.host,
                  settings.endpoint.port,
                  started.error().message());
        return nullptr;
    }
    log.info("listening on http:admin {}", (*started)->address());
    return std::move(*started);
}

void write_ports(const std::string& path, const runtime::Node& node, const admin::Server* admin) {
    if (path.empty())
        return;
    const std::string beside = path + ".new";
    std::ofstream{beside} << "{\"listeners\":" << node.listeners_json()
                          << ",\"admin\":" << (admin ? admin->port() : 0) << "}\n";
    static_cast<void>(std::rename(beside.c_str(), path.c_str()));
}

/// Signals are caught from before the first listener opens; they wait until somebody asks for them.
struct Signals {
    boost::asio::io_context loop{1};
    boost::asio::signal_set set{loop, SIGTERM, SIGINT, SIGHUP};
};

/// The main thread waits for signals and the second hand; everything else has threads of its own.
class Supervisor {
  public:
    Supervisor(runtime::Node& node, const Options& options, Signals& signals)
        : node_{node},
          options_{options},
          loop_{signals.loop},
          signals_{signals.set},
          second_{loop_} {}

    bool run() {
        await_signal();
        await_second();
        loop_.run();
        return clean_;
    }

  private:
    void await_signal() {
        signals_.async_wait([this](const ErrorCode& error, int signal) {
            if (error)
                return;
            if (signal == SIGHUP) {
                log.info("SIGHUP: reloading");
                if (const auto settings = load_settings(options_))
                    node_.reload(*settings);
                await_signal();
                return;
            }
            static_cast<void>(std::signal(SIGTERM, [](int) { std::_Exit(1); }));
            static_cast<void>(std::signal(SIGINT, [](int) { std::_Exit(1); }));
            log.info("{}: shutting down; a second signal ends at once",
                     signal == SIGTERM ? "SIGTERM" : "SIGINT");
            second_.cancel();
            clean_ = node_.shut_down();
            loop_.stop();
        });
    }

    void await_second() {
        second_.expires_after(std::chrono::seconds{1});
        second_.async_wait([this](const ErrorCode& error) {
            if (error)
                return;
            node_.housekeeping();
            await_second();
        });
    }

    runtime::Node& node_;
    const Options& options_;
    boost::asio::io_context& loop_;
    boost::asio::signal_set& signals_;
    boost::asio::steady_timer second_;
    bool clean_ = true;
};

}  // namespace

int run_start(const Options& options) {
    if (!options.rest.empty()) {
        std::cerr << "keepmq start: unknown argument " << options.rest.front() << '\n';
        return 2;
    }
    const auto settings = load_settings(options);
    if (!settings)
        return 1;
    set_log_level(settings->log_level);
    raise_descriptor_limit();
    keep_freed_memory();
    static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
    Signals signals;
    Diagnostics diagnostics;
    const auto node = runtime::Node::start(*settings, backends(), diagnostics);
    for (const auto& each : diagnostics.all()) std::cerr << each.to_string() << '\n';
    if (!node)
        return 1;
    const auto admin = start_admin(settings->admin, *node);
    if (settings->admin.enabled && !admin)
        return 1;
    write_ports(settings->ports_file, *node, admin.get());
    node->housekeeping();
    log.info("KeepMQ {} is running, node {}, data in {}",
             KEEPMQ_VERSION,
             settings->node.name,
             settings->node.data_dir);
    const bool clean = Supervisor{*node, options, signals}.run();
    log.info("stopped");
    return clean ? 0 : 1;
}

}  // namespace keepmq::app
