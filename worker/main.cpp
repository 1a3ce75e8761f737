// hookfleet-worker: owns partitions by lease and handles what comes in them. Reads settings, builds the parts, runs until SIGTERM.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "common/config/command_line.hpp"
#include "common/lifecycle/health.hpp"
#include "common/lifecycle/healthcheck.hpp"
#include "common/lifecycle/log_level.hpp"
#include "common/lifecycle/pid_file.hpp"
#include "common/lifecycle/signals.hpp"
#include "common/metrics/listener.hpp"
#include "worker/config.hpp"
#include "worker/engine.hpp"
#include "worker/handlers/call.hpp"
#include "worker/handlers/device.hpp"
#include "worker/handlers/instance_state.hpp"
#include "worker/handlers/message.hpp"
#include "worker/handlers/message_status.hpp"
#include "worker/handlers/quota.hpp"
#include "worker/metrics.hpp"

namespace {

using namespace std::chrono_literals;
using namespace hookfleet;

constexpr char kProgram[] = "hookfleet-worker";
constexpr char kAbout[] = "Handles GREEN-API notifications from Redis: once each, in order per chat.";
constexpr int kFailed = 1;
constexpr int kBadSettings = 2;
constexpr auto kRedisGrace = 30s;   // a Redis restart shorter than this doesn't take the process out of the fleet
constexpr auto kLoopSilence = 10s;  // a loop that stands for longer makes /livez fail

}  // namespace

int main(int argc, char** argv) {
  worker::Config config;
  config::Settings settings;
  worker::declare(settings, config);
  const auto command_line = config::read(kProgram, kAbout, settings, argc, argv);
  if (const auto* exit = std::get_if<config::Exit>(&command_line)) return config::finish(*exit);
  const auto& options = std::get<config::CommandLine>(command_line);
  if (options.healthcheck) return lifecycle::healthcheck(config.metrics_listen);

  lifecycle::Signals signals;
  const base::SystemClock clock;
  const log::Logger log(config.log, kProgram);
  std::optional<lifecycle::PidFile> pid_file(options.pid_file);
  if (pid_file->error()) {
    std::fprintf(stderr, "%s\n", pid_file->error()->c_str());
    return kFailed;
  }
  log.info("system.starting", "starting", {{"version", config::version()}, {"config.file", options.config_file}});
  lifecycle::log_settings(log, settings);

  metrics::Registry registry(worker::kTable, kProgram);
  const worker::Metrics worker_metrics(registry, config.layout.partitions);
  lifecycle::Health health(clock);
  health.require("redis", kRedisGrace);
  health.watch("engine", kLoopSilence);
  const auto listener =
      metrics::Listener::start(config.metrics_listen, registry, {[&] { return health.livez(); }, [&] { return health.readyz(); }});
  if (!listener) {
    log.error("system.failed", "cannot serve metrics", {{"error", listener.error()}});
    return kFailed;
  }

  // Which handler takes which type: worker/routes.
  handlers::Handlers handlers;
  handlers.add("message", std::make_unique<handlers::MessageHandler>());
  handlers.add("message_status", std::make_unique<handlers::MessageStatusHandler>());
  handlers.add("instance_state", std::make_unique<handlers::InstanceStateHandler>());
  handlers.add("call", std::make_unique<handlers::CallHandler>());
  handlers.add("quota", std::make_unique<handlers::QuotaHandler>());
  handlers.add("device", std::make_unique<handlers::DeviceHandler>());
  const routes::Routes routes(handlers);

  std::atomic<int> exit_code = 0;
  worker::Engine::Callbacks callbacks;
  callbacks.beat = [&] { health.beat("engine"); };
  callbacks.redis = [&](bool reachable, const std::string& why) {
    if (reachable) {
      health.ready("redis");
    } else {
      health.unready("redis", why);
    }
  };
  callbacks.other_fleet = [&](const std::string& why) {
    log.error("system.failed", "Redis belongs to a fleet with another layout", {{"error", why}});
    exit_code = kBadSettings;
    signals.request_stop();
  };
  lifecycle::LogLevel log_level(log, "worker", config.log.level);
  callbacks.control = [&](redis::ReplyView control) { log_level.observe(control); };
  worker::Engine::Setup setup;
  setup.endpoint = config.redis.endpoint;
  setup.layout = config.layout;
  setup.options = config.worker;
  setup.dedup = config.dedup;
  setup.retry = config.retry;
  setup.payload = config.log.payload;
  const std::string name = setup.name;
  worker::Engine engine(std::move(setup), routes, worker_metrics, log, clock, std::move(callbacks));
  log.info("system.started", "at work", {{"worker", name}, {"server.metrics_listen", config.metrics_listen}});

  // SIGHUP: the log level is read again; with any problem all stays as it is.
  signals.wait_for_stop([&] {
    worker::Config fresh;
    config::Settings fresh_settings;
    worker::declare(fresh_settings, fresh);
    const auto reread = config::read(kProgram, kAbout, fresh_settings, argc, argv);
    if (const auto* exit = std::get_if<config::Exit>(&reread)) {
      log.error("system.reload_failed", "the settings are wrong; the old ones stay", {{"error", exit->output}});
      return;
    }
    log_level.set_own(fresh.log.level);
    log.info("system.reloaded", "the log level was read again");
  });

  log.info("system.stopping", "handing partitions over");
  health.stopping();
  if (!engine.stop()) {
    // A handler still runs, or Redis is away: leases expire by themselves, and the next owner handles what isn't acknowledged.
    log.warn("system.stopped", "stopped without having given everything back", {{"exit_code", kFailed}});
    log.flush();
    pid_file.reset();
    std::_Exit(kFailed);
  }
  log.info("system.stopped", "stopped", {{"exit_code", exit_code.load()}});
  return exit_code;
}
