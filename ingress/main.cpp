// hookfleet-ingress: judges what is posted, appends it durably, answers. Reads settings, builds the parts, runs until SIGTERM.
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <string>
#include <utility>

#include "common/alert/outbox.hpp"
#include "common/alert/redis_watch.hpp"
#include "common/lifecycle/health.hpp"
#include "common/lifecycle/log_level.hpp"
#include "common/lifecycle/metrics.hpp"
#include "common/lifecycle/process.hpp"
#include "common/metrics/listener.hpp"
#include "ingress/config.hpp"
#include "ingress/http/webhook.hpp"
#include "ingress/metrics.hpp"

namespace {

using namespace std::chrono_literals;
using namespace hookfleet;

constexpr char kProgram[] = "hookfleet-ingress";
constexpr char kAbout[] = "Receives GREEN-API notifications: answers 200 when one is durable in Redis.";
constexpr auto kRedisGrace = 30s;   // a Redis restart shorter than this doesn't take the process out of the fleet
constexpr auto kLoopSilence = 10s;  // a loop that stands for longer makes /livez fail

// Each sender holds a connection or two through nginx; the shells' default of 1,024 is too few.
void raise_open_files(const log::Logger& log) {
  constexpr rlim_t kWanted = 8192;
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= kWanted) return;
  limit.rlim_cur = std::min(kWanted, limit.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < kWanted) {
    log.warn("system.open_files", "few files may be open: raise the hard limit of nofile to 8192", {{"limit", limit.rlim_cur}});
  }
}

std::string host_and_pid() {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return std::string(host.data()) + ':' + std::to_string(::getpid());
}

}  // namespace

int main(int argc, char** argv) {
  ingress::Config config;
  config::Settings settings;
  ingress::declare(settings, config);
  const auto begun = lifecycle::Process::begin({kProgram, kAbout, argc, argv}, settings, config.metrics_listen, config.log);
  if (!begun) return begun.error();
  lifecycle::Process& process = **begun;
  const log::Logger& log = process.log();
  raise_open_files(log);

  const base::SystemClock clock;
  metrics::Registry registry(ingress::kTable, kProgram);
  lifecycle::export_log(registry, log);
  lifecycle::export_reloads(registry, process);
  lifecycle::Health health(clock);
  health.require("redis", kRedisGrace);
  health.require("server");
  health.watch("http", kLoopSilence);
  health.watch("appender", kLoopSilence);
  const auto listener =
      metrics::Listener::start(config.metrics_listen, registry, {[&] { return health.livez(); }, [&] { return health.readyz(); }});
  if (!listener) {
    log.error("system.failed", "cannot serve metrics", {{"error", listener.error()}});
    return lifecycle::Process::kFailed;
  }

  const auto sinks = alert::make_sinks(config.alerts);
  const alert::Metrics alert_metrics(registry, sinks);
  web::Client web;
  alert::Outbox outbox({.endpoint = config.redis.endpoint,
                        .layout = config.layout,
                        .options = config.alerts,
                        .process = std::string(kProgram) + ' ' + host_and_pid()},
                       sinks, web, alert_metrics, log, clock);

  int exit_code = 0;
  append::Events events;
  alert::RedisWatch redis_watch(outbox, config.alerts.window);  // the writer thread's
  events.beat = [&] {
    health.beat("appender");
    redis_watch.tick(clock.now());
  };
  events.memory = [&](bool closed, std::uint64_t used, std::uint64_t maxmemory) {
    redis_watch.say(alert::Kind::kRedisFull, closed,
                    "Redis uses " + std::to_string(used >> 20U) + " of " + std::to_string(maxmemory >> 20U) +
                        " MiB: new notifications get 503 until enough is handled, dropped or forgotten",
                    clock.now());
  };
  events.state = [&, was_ready = false](const append::State& state) mutable {
    redis_watch.say(alert::Kind::kRedisDown, !state.writable && !state.reachable,
                    "an ingress can't reach Redis, deliveries get 504: " + state.reason, clock.now());
    redis_watch.say(alert::Kind::kRedisNotDurable, !state.writable && state.reachable,
                    "Redis wouldn't keep what it acknowledges, deliveries get 504: " + state.reason, clock.now());
    if (state.writable) {
      health.ready("redis");
      if (!std::exchange(was_ready, true)) log.info("system.ready", "deliveries are stored");  // later changes: redis.*
    } else {
      health.unready("redis", state.reason);
    }
    if (!state.foreign_layout) return;
    log.error("system.failed", "Redis belongs to a fleet with another layout", {{"error", state.reason}});
    exit_code = lifecycle::Process::kBadSettings;
    process.request_stop();
  };
  lifecycle::LogLevel log_level(log, "ingress", config.log.level);
  events.control = [&](redis::ReplyView control) { log_level.observe(control); };
  const append::Metrics append_metrics(registry, config.layout.partitions);
  append::Appender appender(config.redis.endpoint, config.layout, config.append, append_metrics, log, clock, events);

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
      outbox.tell(
          {.kind = alert::Kind::kProcessHung,
           .which = loops,
           .text = "an ingress stood still (" + loops + "), ended itself and is to be started again: nothing acknowledged is lost"});
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
  log.info("system.stopped", "stopped", {{"exit_code", exit_code}});
  return exit_code;
}
