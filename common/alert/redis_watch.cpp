#include "common/alert/redis_watch.hpp"

#include <utility>

namespace hookfleet::alert {

RedisWatch::RedisWatch(Operator& operators, std::chrono::milliseconds window)
    : operators_(operators),
      watched_{{{Kind::kRedisDown, {kPatience, window}},
                {Kind::kRedisNotDurable, {kPatience, window}},
                {Kind::kRedisFull, {std::chrono::milliseconds(0), window}}}} {}

void RedisWatch::say(Kind kind, bool goes_on, std::string text, base::BootTime now) {
  for (Watched& watched : watched_) {
    if (watched.kind != kind) continue;
    watched.goes_on = goes_on;
    watched.text = std::move(text);
    break;
  }
  tick(now);
}

void RedisWatch::tick(base::BootTime now) {
  for (Watched& watched : watched_) {
    if (watched.lasting.due(watched.goes_on, now)) operators_.tell({.kind = watched.kind, .text = watched.text});
  }
}

}  // namespace hookfleet::alert
