#include "ingress/append/watch.hpp"

#include <utility>

namespace hookfleet::append {
namespace {

using namespace std::chrono_literals;

constexpr auto kRedisGrace = 30s;   // a Redis restart shorter than this doesn't take the process out of the fleet
constexpr auto kLoopSilence = 10s;  // a loop that stands for longer makes /livez fail

}  // namespace

Watch::Watch(Wording wording, std::chrono::milliseconds alert_window, alert::Operator& operators, lifecycle::Health& health,
             lifecycle::LogLevel& log_level, lifecycle::Process& process, const base::Clock& clock)
    : wording_(std::move(wording)),
      redis_(operators, alert_window),
      health_(health),
      log_level_(log_level),
      process_(process),
      clock_(clock) {
  health_.require("redis", kRedisGrace);
  health_.watch("appender", kLoopSilence);
}

Events Watch::events() {
  Events events;
  events.beat = [this] {
    health_.beat("appender");
    redis_.tick(clock_.now());
  };
  events.memory = [this](bool closed, std::uint64_t used, std::uint64_t maxmemory) { memory(closed, used, maxmemory); };
  events.state = [this](const State& now) { state(now); };
  events.control = [this](redis::ReplyView control) { log_level_.observe(control); };
  return events;
}

void Watch::memory(bool closed, std::uint64_t used, std::uint64_t maxmemory) {
  redis_.say(alert::Kind::kRedisFull, closed,
             "Redis uses " + std::to_string(used >> 20U) + " of " + std::to_string(maxmemory >> 20U) + " MiB: " + wording_.full +
                 " until enough is handled, dropped or forgotten",
             clock_.now());
}

void Watch::state(const State& state) {
  redis_.say(alert::Kind::kRedisDown, !state.writable && !state.reachable,
             wording_.who + " can't reach Redis, " + wording_.not_stored + ": " + state.reason, clock_.now());
  redis_.say(alert::Kind::kRedisNotDurable, !state.writable && state.reachable,
             "Redis wouldn't keep what it acknowledges, " + wording_.not_stored + ": " + state.reason, clock_.now());
  if (state.writable) {
    health_.ready("redis");
    if (!std::exchange(was_ready_, true)) process_.log().info("system.ready", "notifications are stored");  // later changes: redis.*
  } else {
    health_.unready("redis", state.reason);
  }
  if (state.foreign_layout) other_fleet(state.reason);
}

void Watch::other_fleet(const std::string& why) {
  process_.log().error("system.failed", "Redis belongs to a fleet with another layout", {{"error", why}});
  exit_code_ = lifecycle::Process::kBadSettings;
  process_.request_stop();
}

}  // namespace hookfleet::append
