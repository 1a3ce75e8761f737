// hookfleet-ingress: judges what is posted, appends it durably, answers. Reads settings, builds the parts, runs until SIGTERM.
#include <optional>
#include <string>
#include <utility>

#include "common/alert/outbox.hpp"
#include "common/lifecycle/log_level.hpp"
#include "common/lifecycle/name.hpp"
#include "common/lifecycle/open_files.hpp"
#include "common/lifecycle/process.hpp"
#include "common/lifecycle/surface.hpp"
#include "ingress/append/watch.hpp"
#include "ingress/config.hpp"
#include "ingress/http/webhook.hpp"
#include "ingress/metrics.hpp"

namespace {

using namespace std::chrono_literals;
using namespace hookfleet;

constexpr char kProgram[] = "hookfleet-ingress";
constexpr char kAbout[] = "Receives GREEN-API notifications: answers 200 when one is durable in Redis.";
constexpr auto kLoopSilence = 10s;  // a loop that stands for longer makes /livez fail

// Each sender holds a connection or two through nginx.
constexpr std::size_t kOpenFiles = 8192;

}  // namespace

int main(int argc, char** argv) {
  ingress::Config config;
  config::Settings settings;
  ingress::declare(settings, config);
  const auto begun = lifecycle::Process::begin({kProgram, kAbout, argc, argv}, settings, config.metrics_listen, config.log);
  if (!begun) return begun.error();
  lifecycle::Process& process = **begun;
  const log::Logger& log = process.log();
  lifecycle::raise_open_files(log, kOpenFiles);

  const base::SystemClock clock;
  lifecycle::Surface surface(ingress::kTable, kProgram, process, clock);
  metrics::Registry& registry = surface.registry();
  lifecycle::Health& health = surface.health();
  health.require("server");
  health.watch("http", kLoopSilence);
  if (!surface.serve(config.metrics_listen)) return lifecycle::Process::kFailed;

  const auto sinks = alert::make_sinks(config.alerts);
  const alert::Metrics alert_metrics(registry, sinks);
  web::Client web;
  alert::Outbox outbox({.endpoint = config.redis.endpoint,
                        .layout = config.layout,
                        .options = config.alerts,
                        .process = std::string(kProgram) + ' ' + lifecycle::host_and_pid()},
                       sinks, web, alert_metrics, log, clock);

  lifecycle::LogLevel log_level(log, "ingress", config.log.level);
  append::Watch watch({.who = "an ingress", .not_stored = "deliveries get 504", .full = "new notifications get 503"}, config.alerts.window,
                      outbox, health, log_level, process, clock);
  const append::Metrics append_metrics(registry, config.layout.partitions);
  append::Appender appender(config.redis.endpoint, config.layout, config.append, append_metrics, log, clock, watch.events());

  const http::Metrics http_metrics(registry);
  http::Webhook webhook({.body_max = config.http.body_max, .deadline = config.append.deadline},
                        std::make_shared<const accept::Acceptor>(config.accept), appender, http_metrics, clock, log, outbox);
  http::Server::Hooks hooks;
  hooks.handle = [&](const http::Request& request, http::Reply reply) { webhook.receive(request, std::move(reply)); };
  hooks.ready = [&] { return health.readyz().ok; };
  hooks.beat = [&] { health.beat("http"); };
  const auto server = http::Server::start(config.http, hooks, http_metrics, log);
  if (!server) {
    log.error("system.failed", "cannot serve the webhook", {{"error", server.error()}});
    return lifecycle::Process::kFailed;
  }
  health.ready("server");
  log.info("system.started", "serving", {{"server.listen", config.http.listen}, {"server.metrics_listen", config.metrics_listen}});

  const auto end_hung = [&](const std::string& loops) {
    process.end_hung(loops, config.hang_timeout, [&] {
      // What is counted here ends with the process: the alert, and what starts it again, keep the count.
      outbox.tell(alert::process_hung("an ingress", loops, "nothing acknowledged is lost"));
      outbox.stop();
    });
  };

  lifecycle::Process::Duties duties;
  // Tokens, allowlist, trusted proxies and log level are swapped as a whole.
  duties.reload = [&]() -> std::optional<std::string> {
    ingress::Config fresh;
    config::Settings fresh_settings;
    ingress::declare(fresh_settings, fresh);
    if (auto problems = process.reread(fresh_settings)) return problems;
    webhook.set_acceptor(std::make_shared<const accept::Acceptor>(fresh.accept));
    log_level.set_own(fresh.log.level);
    log.set_payload(fresh.log.payload);
    log.info("system.reloaded", "tokens, allowlist, trusted proxies, log level and log.payload were read again");
    return std::nullopt;
  };
  duties.refused = [&](const std::string& problems) { outbox.tell(alert::settings_refused("the ingresses", problems)); };
  duties.look = [&] {
    if (const std::string loops = health.hung(config.hang_timeout); !loops.empty()) end_hung(loops);
  };
  process.wait_for_stop(duties);

  log.info("system.stopping", "refusing new requests, answering those inside");
  health.stopping();
  const http::Server::Drained drained = (*server)->drain(config.append.deadline + 1s);
  if (drained == http::Server::Drained::kHung) end_hung("http");
  if (drained == http::Server::Drained::kCutOff) log.error("system.drain_failed", "some requests were cut off without an answer");
  appender.stop();
  outbox.stop();
  log.info("system.stopped", "stopped", {{"exit_code", watch.exit_code()}});
  return watch.exit_code();
}
