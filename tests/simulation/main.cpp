// simulation: the worker's decisions under random schedules.
//
//   build/release/bin/simulation                                  every mode, seeds 1 to 2000
//   build/release/bin/simulation --mode 4 --seeds 1-100000        a long search, on all cores
//   build/release/bin/simulation --mode 4 --seeds 4711 --trace    one seed again, with all that happens
//   build/release/bin/simulation --mode 2 --seeds 17 --shrink     the same, cut down to what is needed to fail
//   build/release/bin/simulation --without marks                  without a rule (--list names them), to see what breaks
//
// A schedule (schedule.hpp) is drawn from mode and seed: senders that repeat and change what they send, ingresses that freeze and append
// late, workers that crash, freeze, are told to stop and join, connections cut before or after a call is executed, Redis away, clocks
// that step, handlers that fail, hang or end the process, redrives. fleet.cpp runs several worker::Core through it, on a model of Redis
// (redis_model.hpp) and one clock, and looks for what must never happen (Broken in fleet.hpp). Whatever is printed comes again from the
// same mode, seed and rules.
//
// Exit 0: nothing broke; 1: something did; 2: usage.
#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/simulation/fleet.hpp"

namespace hookfleet::simulation {
namespace {

struct Command {
  std::vector<unsigned> modes;
  std::uint64_t first = 1, last = 2000;
  Rules rules;
  bool trace = false;
  bool shrink = false;
  unsigned threads = std::max(1U, std::thread::hardware_concurrency());
};

constexpr const char* kUsage =
    "usage: simulation [--mode N] [--seeds FIRST[-LAST]] [--without RULE] [--trace] [--shrink] [--threads N]\n"
    "  --mode     0 connections cut · 1 Redis away for long · 2 crashes, freezes, poison · 3 unknown outcomes and redrives · 4 = 3 with\n"
    "             crashes · 5 aimed at takeovers · 6 Redis away again and again · 7 clocks step · 8 hand-overs aimed at begins · 9 poison\n"
    "             in one process · 10 = 2 with memory for a handful of entries · 11 = 2 with asynchronous handlers; default all\n"
    "  --seeds    default 1-2000\n"
    "  --without  a rule to take out; --list names them\n"
    "  --trace    all that happens, a line each\n"
    "  --shrink   the first schedule that fails, cut down, with its trace\n"
    "  --threads  default: one a core\n"
    "Exit 0: nothing broke; 1: something did; 2: usage.\n";

[[noreturn]] void usage(const std::string& why) {
  std::fprintf(stderr, "simulation: %s\n%s", why.c_str(), kUsage);
  std::exit(2);
}

std::uint64_t number(std::string_view text, const char* what) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    usage(std::string(what) + " takes numbers, not '" + std::string(text) + "'");
  return value;
}

Command parse(int argc, char** argv) {
  Command command;
  for (int i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    const auto value = [&]() -> std::string_view {
      if (i + 1 == argc) usage(std::string(option) + " needs a value");
      return argv[++i];
    };
    if (option == "--mode") {
      const auto mode = number(value(), "--mode");
      if (mode >= kModes) usage("modes are 0 to " + std::to_string(kModes - 1));
      command.modes = {static_cast<unsigned>(mode)};
    } else if (option == "--seeds") {
      const std::string_view seeds = value();
      const auto dash = seeds.find('-');
      command.first = command.last = number(seeds.substr(0, dash), "--seeds");
      if (dash != std::string_view::npos) command.last = number(seeds.substr(dash + 1), "--seeds");
    } else if (option == "--without") {
      const std::string_view name = value();
      const auto* rule =
          std::find_if(std::begin(kRuleNames), std::end(kRuleNames), [&](const RuleName& known) { return known.name == name; });
      if (rule == std::end(kRuleNames)) usage("no rule '" + std::string(name) + "': see --list");
      command.rules.without = rule->rule;
    } else if (option == "--threads") {
      command.threads = std::max(1U, static_cast<unsigned>(number(value(), "--threads")));
    } else if (option == "--trace") {
      command.trace = true;
    } else if (option == "--shrink") {
      command.shrink = true;
    } else if (option == "--help") {
      std::printf("%s", kUsage);
      std::exit(0);
    } else if (option == "--list") {
      for (const RuleName& rule : kRuleNames) std::printf("%s\n", std::string(rule.name).c_str());
      std::exit(0);
    } else {
      usage("unknown option '" + std::string(option) + "'");
    }
  }
  if (command.modes.empty()) {
    for (unsigned mode = 0; mode < kModes; ++mode) command.modes.push_back(mode);
  }
  if (command.last < command.first) usage("--seeds FIRST-LAST: LAST is less than FIRST");
  return command;
}

void print(const std::vector<std::string>& trace) {
  for (const std::string& line : trace) std::printf("%s\n", line.c_str());
}

struct Found {
  std::vector<std::uint64_t> seeds;
  std::string detail;
};

/// Runs all seeds of a mode. True when something broke.
bool search(const Command& command, unsigned mode) {
  std::mutex mutex;
  std::map<Broken, Found> found;
  std::uint64_t steps = 0, handled = 0, again = 0;
  double simulated = 0;
  std::atomic<std::uint64_t> next{command.first};
  const auto start = std::chrono::steady_clock::now();
  const auto work = [&] {
    std::uint64_t own_steps = 0, own_handled = 0, own_again = 0;
    double own_simulated = 0;
    for (;;) {
      const std::uint64_t seed = next.fetch_add(1);
      if (seed > command.last) break;
      std::vector<std::string> trace;
      const Result result = run(draw(seed, static_cast<Mode>(mode)), command.rules, command.trace ? &trace : nullptr);
      own_steps += result.steps;
      own_handled += result.handled;
      own_again += result.again;
      own_simulated += std::chrono::duration<double>(result.length).count();
      const std::lock_guard lock(mutex);
      if (command.trace) print(trace);
      for (const Violation& violation : result.violations) {
        Found& one = found[violation.broken];
        if (one.seeds.empty() || seed < one.seeds.front()) one.detail = violation.detail;
        one.seeds.push_back(seed);
      }
    }
    const std::lock_guard lock(mutex);
    steps += own_steps;
    handled += own_handled;
    again += own_again;
    simulated += own_simulated;
  };
  std::vector<std::thread> threads;
  for (unsigned i = 1; i < command.threads; ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const auto schedules = static_cast<double>(command.last - command.first + 1);
  std::printf(
      "mode %u: %.0f schedules in %.1f s (%.0f a second); of each %.0f s and %.0f steps; %llu handled, %llu of them lawfully again\n", mode,
      schedules, seconds, schedules / seconds, simulated / schedules, static_cast<double>(steps) / schedules,
      static_cast<unsigned long long>(handled), static_cast<unsigned long long>(again));
  std::string without;
  for (const RuleName& rule : kRuleNames) {
    if (command.rules.without == rule.rule) without = " --without " + std::string(rule.name);
  }
  for (auto& [broken, one] : found) {
    std::sort(one.seeds.begin(), one.seeds.end());
    std::printf("  BROKEN %s: %zu seeds, first %llu (%s)\n    replay: simulation --mode %u --seeds %llu%s --trace\n",
                std::string(to_text(broken)).c_str(), one.seeds.size(), static_cast<unsigned long long>(one.seeds.front()),
                one.detail.c_str(), mode, static_cast<unsigned long long>(one.seeds.front()), command.rules.without ? " --without …" : "");
    if (!command.shrink) continue;
    std::vector<std::string> trace;
    const Schedule small = shrink(draw(one.seeds.front(), static_cast<Mode>(mode)), command.rules, broken);
    run(small, command.rules, &trace);
    print(trace);
  }
  return !found.empty();
}

}  // namespace
}  // namespace hookfleet::simulation

int main(int argc, char** argv) {
  using namespace hookfleet::simulation;
  const Command command = parse(argc, argv);
  name_schedule_on_abort();
  bool broken = false;
  for (const unsigned mode : command.modes) broken = search(command, mode) || broken;
  return broken ? 1 : 0;
}
