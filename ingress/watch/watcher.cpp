#include "ingress/watch/watcher.hpp"

#include <poll.h>

#include <algorithm>
#include <utility>

#include "common/base/thread.hpp"
#include "common/greenapi/request.hpp"
#include "common/lease/targets.hpp"

namespace hookfleet::watch {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::nanoseconds kWaitMax = 1s;

web::Request request_of(Call call, const greenapi::Account& account) {
  switch (call) {
    case Call::kCount: return greenapi::count(account);
    case Call::kState: return greenapi::state(account);
    case Call::kSettings: return greenapi::settings(account);
  }
  return {};
}

}  // namespace

Watcher::Watcher(const Options& options, const Metrics& metrics, const log::Logger& log, const base::Clock& clock,
                 alert::Operator& operators, std::function<void()> beat)
    : options_(options), metrics_(metrics), log_(log), clock_(clock), operators_(operators), beat_(std::move(beat)) {
  client_.emplace();
  thread_ = base::start_thread("watcher", [this](const std::stop_token& stop) { run(stop); });
}

Watcher::~Watcher() {
  thread_.request_stop();
  wakeup_.signal();
  thread_.join();
}

template <class Put>
void Watcher::post(Put put) {
  {
    const base::MutexLock lock(mutex_);
    put(inbox_);
  }
  wakeup_.signal();
}

void Watcher::set_instances(std::vector<Instance> instances) {
  post([&](Inbox& inbox) { inbox.instances = std::move(instances); });
}

void Watcher::set_members(std::vector<std::string> live, std::string self) {
  post([&](Inbox& inbox) { inbox.members = Members{std::move(live), std::move(self)}; });
}

void Watcher::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    beat_();
    take_inbox();
    // All of them at each turn: for thousands of instances that is some ten microseconds, a hundred times a second.
    const base::BootTime now = clock_.now();
    base::BootTime until = base::BootTime::max();
    auto next = lines_.lower_bound(turn_);
    for (std::size_t left = lines_.size(); left > 0; --left, ++next) {
      if (next == lines_.end()) next = lines_.begin();
      if (in_flight_ >= kInFlightMax) {  // an answer is the next turn
        turn_ = next->first;
        break;
      }
      auto& [id, line] = *next;
      if (const auto call = line.watch.wish(now)) ask(id, line, *call);
      until = std::min(until, line.watch.due());
    }
    wait(until);
  }
}

void Watcher::take_inbox() {
  Inbox inbox;
  {
    const base::MutexLock lock(mutex_);
    std::swap(inbox, inbox_);
  }
  for (const Answer& answer : inbox.answers) answered(answer);
  if (!inbox.instances && !inbox.members) return;
  if (inbox.instances) instances_ = *std::move(inbox.instances);
  if (inbox.members) members_ = *std::move(inbox.members);
  share();
}

/// Makes the lines those of the instances that fall to us; what has not changed goes on as it was.
void Watcher::share() {
  std::map<std::uint64_t, const Instance*> ours;
  if (!members_.live.empty()) {
    std::vector<std::string> names;
    names.reserve(instances_.size());
    for (const Instance& instance : instances_) names.push_back(std::to_string(instance.account.id_instance));
    const auto owners = lease::target_map(members_.live, names);
    for (std::size_t i = 0; i < owners.size(); ++i) {
      if (members_.live[owners[i]] == members_.self) ours.emplace(instances_[i].account.id_instance, &instances_[i]);
    }
  }
  for (auto line = lines_.begin(); line != lines_.end();) {
    const auto still = ours.find(line->first);
    if (still != ours.end() && *still->second == line->second.watch.instance()) {
      ours.erase(still);
      ++line;
      continue;
    }
    client_->cancel(line->second.ticket);
    line->second.gauges.set({});
    line = lines_.erase(line);
  }
  const base::BootTime now = clock_.now();
  for (const auto& [id, instance] : ours) {
    lines_.emplace(std::piecewise_construct, std::forward_as_tuple(id),
                   std::forward_as_tuple(Watch(options_, *instance, now, dice()), metrics_.of(id), ++serial_));
  }
  metrics_.instances.set(static_cast<double>(lines_.size()));
}

void Watcher::ask(std::uint64_t id_instance, Line& line, Call call) {
  line.watch.sent(call);
  ++in_flight_;
  line.ticket =
      client_->send(request_of(call, line.watch.instance().account), [this, id_instance, serial = line.serial, call](web::Result result) {
        post([&](Inbox& inbox) { inbox.answers.push_back({id_instance, serial, call, std::move(result)}); });
      });
}

template <class T>
std::optional<alert::Alert> Watcher::decoded(Line& line, Call call, const greenapi::Decoded<T>& answer,
                                             std::optional<alert::Alert> (Watch::*take)(const greenapi::Decoded<T>&, base::BootTime)) {
  const greenapi::Failure* failure = answer ? nullptr : &answer.error();
  metrics_.called(call, failure);
  if (failure != nullptr && !std::exchange(line.failing, true)) {
    if (const auto suppressed = failed_limit_.pass(clock_.now())) {
      log_.warn("watch.failed", "GREEN-API doesn't tell of a watched instance",
                {{"idInstance", line.watch.instance().account.id_instance},
                 {"call", to_text(call)},
                 {"error", failure->message},
                 {"suppressed", *suppressed}});
    }
  }
  if (failure == nullptr) line.failing = false;
  return (line.watch.*take)(answer, clock_.now());
}

void Watcher::answered(const Answer& answer) {
  --in_flight_;
  const auto found = lines_.find(answer.id_instance);
  if (found == lines_.end() || found->second.serial != answer.serial) return;  // watched otherwise by now, or by another
  Line& line = found->second;
  auto alert = [&]() -> std::optional<alert::Alert> {
    switch (answer.call) {
      case Call::kCount: return decoded(line, answer.call, greenapi::decode_count(answer.result), &Watch::counted);
      case Call::kState: return decoded(line, answer.call, greenapi::decode_state(answer.result), &Watch::stated);
      case Call::kSettings: return decoded(line, answer.call, greenapi::decode_settings(answer.result), &Watch::set);
    }
    return std::nullopt;
  }();
  line.gauges.set(line.watch.facts());
  if (alert) operators_.tell(*std::move(alert));
}

void Watcher::wait(base::BootTime until) {
  const auto left = std::clamp<std::chrono::nanoseconds>(until - clock_.now(), 0ns, kWaitMax);
  pollfd woken{wakeup_.fd(), POLLIN, 0};
  if (::poll(&woken, 1, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count())) > 0) wakeup_.clear();
}

}  // namespace hookfleet::watch
