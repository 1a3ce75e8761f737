// hookfleet-poller: the second door. Fetches notifications by HTTP API, appends them durably, deletes them at the service.
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/alert/outbox.hpp"
#include "common/lifecycle/log_level.hpp"
#include "common/lifecycle/name.hpp"
#include "common/lifecycle/open_files.hpp"
#include "common/lifecycle/process.hpp"
#include "common/lifecycle/surface.hpp"
#include "ingress/append/watch.hpp"
#include "ingress/poll/config.hpp"
#include "ingress/poll/poller.hpp"
#include "ingress/poll/table.hpp"
#include "ingress/watch/watcher.hpp"

namespace {

using namespace std::chrono_literals;
using namespace hookfleet;

constexpr char kProgram[] = "hookfleet-poller";
constexpr char kAbout[] = "Fetches GREEN-API notifications: deletes one at the service when it is durable in Redis.";
constexpr auto kLoopSilence = 10s;        // a loop that stands for longer makes /livez fail
constexpr std::size_t kOpenFiles = 8192;  // a connection for each instance

std::vector<watch::Instance> watched(const std::vector<poll::Instance>& instances) {
  std::vector<watch::Instance> all;
  for (const poll::Instance& instance : instances) {
    if (auto one = poll::watched(instance)) all.push_back(*std::move(one));
  }
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  poll::Config config;
  config::Settings settings;
  poll::declare(settings, config);
  const auto begun = lifecycle::Process::begin({kProgram, kAbout, argc, argv}, settings, config.metrics_listen, config.log);
  if (!begun) return begun.error();
  lifecycle::Process& process = **begun;
  const log::Logger& log = process.log();
  lifecycle::raise_open_files(log, kOpenFiles);

  const base::SystemClock clock;
  lifecycle::Surface surface(poll::kProgramTable, kProgram, process, clock);
  metrics::Registry& registry = surface.registry();
  lifecycle::Health& health = surface.health();
  health.require("poller");
  health.watch("poller", kLoopSilence);
  health.watch("watcher", kLoopSilence);
  if (!surface.serve(config.metrics_listen)) return lifecycle::Process::kFailed;

  const std::string name = lifecycle::unique_name();
  const auto sinks = alert::make_sinks(config.alerts);
  const alert::Metrics alert_metrics(registry, sinks);
  web::Client web;
  alert::Outbox outbox(
      {.endpoint = config.redis.endpoint, .layout = config.layout, .options = config.alerts, .process = std::string(kProgram) + ' ' + name},
      sinks, web, alert_metrics, log, clock);

  lifecycle::LogLevel log_level(log, "poller", config.log.level);
  append::Watch watch({.who = "a poller", .not_stored = "notifications stay at the service", .full = "notifications stay at the service"},
                      config.alerts.window, outbox, health, log_level, process, clock);
  const append::Metrics append_metrics(registry, config.layout.partitions);
  append::Appender appender(config.redis.endpoint, config.layout, config.append, append_metrics, log, clock, watch.events());

  const watch::Metrics watch_metrics(registry);
  watch::Watcher watcher(config.poller.watch, watch_metrics, log, clock, outbox, [&] { health.beat("watcher"); });
  watcher.set_instances(watched(config.poller.instances));

  const poll::Metrics poll_metrics(registry);
  poll::Poller poller({.endpoint = config.redis.endpoint,
                       .timeouts = {},
                       .layout = config.layout,
                       .options = config.poller,
                       .append_deadline = config.append.deadline,
                       .identical_max = config.log.identical_max,
                       .name = name},
                      appender, poll_metrics, log, clock, outbox,
                      {.beat = [&] { health.beat("poller"); },
                       .members = [&](const std::vector<std::string>& live, const std::string& self) { watcher.set_members(live, self); },
                       .other_fleet = [&](const std::string& why) { watch.other_fleet(why); }});
  health.ready("poller");
  log.info("system.started", "at work", {{"poller", name}, {"server.metrics_listen", config.metrics_listen}});
  if (config.poller.instances.empty()) log.warn("poll.idle", "poller.instances is empty: there is nothing to fetch");

  lifecycle::Process::Duties duties;
  // Instances and log level are swapped as a whole.
  duties.reload = [&]() -> std::optional<std::string> {
    poll::Config fresh;
    config::Settings fresh_settings;
    poll::declare(fresh_settings, fresh);
    if (auto problems = process.reread(fresh_settings)) return problems;
    const poll::Changes changes = poll::compare(config.poller.instances, fresh.poller.instances);
    config.poller.instances = fresh.poller.instances;
    watcher.set_instances(watched(fresh.poller.instances));
    poller.set_instances(fresh.poller.instances);
    log_level.set_own(fresh.log.level);
    log.set_payload(fresh.log.payload);
    log.info("system.reloaded", "poller.instances, log level and log.payload were read again",
             {{"added", changes.added}, {"gone", changes.gone}, {"changed", changes.changed}});
    return std::nullopt;
  };
  duties.refused = [&](const std::string& problems) { outbox.tell(alert::settings_refused("the pollers", problems)); };
  duties.look = [&] {
    const std::string loops = health.hung(config.hang_timeout);
    if (loops.empty()) return;
    process.end_hung(loops, config.hang_timeout, [&] {
      outbox.tell(alert::process_hung("a poller", loops, "another one goes on with its work"));
      outbox.stop();
    });
  };
  process.wait_for_stop(duties);

  log.info("system.stopping", "finishing what is in hand, handing instances over");
  health.stopping();
  const poll::Poller::Left left = poller.stop();
  appender.stop();
  outbox.stop();
  int exit_code = watch.exit_code();
  if (!left.nothing()) {
    // What was not deleted is fetched again by the next poller, once the leases have ended, and dropped as a repeat if it was stored.
    if (exit_code == 0) exit_code = lifecycle::Process::kFailed;
    log.warn("system.stopped",
             "stopped without having given everything back: others fetch for these instances when their leases have run out",
             {{"exit_code", exit_code},
              {"leases", poll::names_of(left.leases)},
              {"leases_end_ms", left.leases_end.count()},
              {"in_hand", poll::names_of(left.in_hand)}});
    return exit_code;
  }
  log.info("system.stopped", "stopped", {{"exit_code", exit_code}});
  return exit_code;
}
