#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>

#include "cli/audit.hpp"
#include "cli/dead_letters.hpp"
#include "cli/fleet_settings.hpp"
#include "cli/snapshot.hpp"
#include "cli/values.hpp"
#include "cli/verb_list.hpp"
#include "common/stream/layout.hpp"

namespace hookfleet::cli {
namespace {

// Every program writes a missing layout again with its check, every 5 s at the latest.
constexpr auto kWatch = std::chrono::seconds(6);

/// What keeps the layout from being changed.
struct Obstacles {
  std::vector<std::string> lines;
  std::vector<std::string> dead_letters;
};

Obstacles obstacles(const Snapshot& snapshot, std::chrono::milliseconds member_ttl) {
  Obstacles found;
  std::map<std::string, std::pair<unsigned, std::int64_t>> owners;  // leases, the longest one's rest
  for (const PartitionState& one : snapshot.partitions) {
    if (one.backlog > 0)
      found.lines.push_back(fmt::format("partition {}: {} entries wait: let the workers handle them", one.partition, one.backlog));
    if (one.owned()) {
      auto& [count, left_ms] = owners[one.owner];
      ++count;
      left_ms = std::max(left_ms, one.lease_ms);
    }
    if (one.dead_letters > 0) found.dead_letters.push_back(fmt::format("partition {}: {} dead letters", one.partition, one.dead_letters));
  }
  for (const auto& [owner, lease] : owners) {
    found.lines.push_back(fmt::format("worker {} holds {} leases, for {} more: stop it, or wait if it is dead", shown(owner), lease.first,
                                      age_text(lease.second)));
  }
  for (const MemberState& one : snapshot.members) {
    if (one.heartbeat_age_ms < member_ttl.count() && !owners.contains(one.name)) {
      found.lines.push_back(fmt::format("worker {} lives (heartbeat {} ago): stop it", shown(one.name), age_text(one.heartbeat_age_ms)));
    }
  }
  for (const std::string& problem : snapshot.problems) found.lines.push_back("unreadable: " + problem);
  return found;
}

constexpr std::string_view kDeadLettersWayOut =
    "dead letters would be out of the reach of the new layout: redrive them, or export and drop them, or leave them behind with "
    "--abandon-dead-letters\n";

class LayoutShowVerb final : public Verb {
 public:
  void declare(config::Arguments& arguments) override {
    declare_output(arguments, output_);
    fleet_.declare(arguments);
  }

  int run(Console& console, const Environment& environment) override {
    Fleet fleet(fleet_, environment);
    const Snapshot snapshot = take_snapshot(fleet);
    const Obstacles found = obstacles(snapshot, member_ttl(fleet_.config, environment));
    const std::string settings = stream::to_text(fleet.settings_layout());
    if (is_json(output_)) {
      console.out(json_text(Json{{"stored", fleet.stored_layout().empty() ? Json() : Json(fleet.stored_layout())},
                                 {"settings", settings},
                                 {"obstacles", found.lines},
                                 {"dead_letters", found.dead_letters}}) +
                  '\n');
      return kOk;
    }
    console.out(fmt::format("stored in {}   {}\nin the settings  {}\n", shown(fleet.keys().meta()),
                            fleet.stored_layout().empty() ? "nothing: the first program that starts writes its own" : fleet.stored_layout(),
                            settings));
    console.out("(version, stream.partitions, stream.partition_by)\n");
    if (fleet.stored_layout().empty()) return kOk;
    for (const std::string& line : found.lines) console.out("in the way of a change: " + line + '\n');
    for (const std::string& line : found.dead_letters) console.out("in the way of a change: " + line + '\n');
    if (found.lines.empty() && found.dead_letters.empty()) {
      console.out("nothing is in the way of a change: with all ingresses and pollers stopped, `hookfleet layout clear`\n");
    }
    return kOk;
  }

 private:
  std::string output_;
  FleetOptions fleet_;
};

class ClearVerb final : public Verb {
 public:
  void declare(config::Arguments& arguments) override {
    arguments.flag("--abandon-dead-letters", abandon_, "Go on although dead letters are left: their keys stay, no program reads them");
    arguments.flag("--yes", yes_, "Don't ask");
    fleet_.declare(arguments);
  }

  int run(Console& console, const Environment& environment) override {
    Fleet fleet(fleet_, environment);
    console.catch_interrupts();
    if (fleet.stored_layout().empty()) {
      console.out("no layout is stored: nothing to do\n");
      return kOk;
    }
    const auto ttl = member_ttl(fleet_.config, environment);
    Obstacles found = obstacles(take_snapshot(fleet), ttl);
    if (!found.lines.empty() || (!found.dead_letters.empty() && !abandon_)) {
      std::string text = "the layout stays:\n";
      for (const std::string& line : found.lines) text += "  " + line + '\n';
      for (const std::string& line : found.dead_letters) text += "  " + line + '\n';
      if (!found.dead_letters.empty() && !abandon_) text += kDeadLettersWayOut;
      text.pop_back();
      throw Failed{text};
    }
    for (const std::string& line : found.dead_letters) console.err("left behind: " + line + '\n');
    if (!confirmed(console, yes_,
                   fmt::format("forget the layout \"{}\"? All ingresses and pollers must be stopped", fleet.stored_layout()))) {
      throw Failed{"nothing was changed"};
    }
    audit(fleet, console, environment, "layout clear", {{"layout", fleet.stored_layout()}});
    const std::string& meta = fleet.keys().meta();
    fleet.call({"HDEL", meta, "layout"});
    console.err(fmt::format("watching for {} s whether a program with the old layout still runs\n", kWatch.count()));
    const auto end = std::chrono::steady_clock::now() + kWatch;
    for (;;) {
      const redis::Reply again = fleet.call({"HGET", meta, "layout"});
      const bool late = std::chrono::steady_clock::now() >= end;
      if (again.view().is_text() && again.view().text() == fleet.stored_layout()) {
        throw Failed{
            "a program with the old layout still runs and has written it again: stop all ingresses, pollers and workers, then repeat"};
      }
      found = obstacles(take_snapshot(fleet), ttl);
      if (!found.lines.empty()) {
        // Somebody stored or took something meanwhile: what came in must be handled under the old layout.
        fleet.call({"HSETNX", meta, "layout", fleet.stored_layout()});
        throw Failed{"the layout was put back: meanwhile " + found.lines.front()};
      }
      if (late || again.view().is_text()) break;
      if (console.wait(std::chrono::milliseconds(250)) == Console::Woken::kInterrupt) {
        throw Failed{"interrupted: the layout is cleared, but it isn't known whether a program with the old one still runs"};
      }
    }
    console.out("cleared: the first program that starts stores its own layout; start everything with the same settings\n");
    return kOk;
  }

 private:
  bool abandon_ = false;
  bool yes_ = false;
  FleetOptions fleet_;
};

constexpr std::string_view kLayoutShowExamples = R"(
The layout says into how many partitions a fleet's chats are spread, and by what; all programs must agree.

Examples:
  hookfleet layout show
)";

const std::string& clear_examples() {
  static const std::string kText = "\nHow stream.partitions or stream.partition_by is changed:\n  " + stream::layout_procedure("\n  ") +
                                   '\n' + std::string(stream::kLayoutProcedureCost) + ".\n\nExamples:\n  hookfleet layout clear\n";
  return kText;
}

}  // namespace

VerbSpec layout_show_verb() {
  return {"layout show", "", "Into how many partitions the fleet is laid out", kLayoutShowExamples, make_verb<LayoutShowVerb>};
}
VerbSpec layout_clear_verb() {
  return {"layout clear", "[--yes]", "Forget the layout, so that it can be changed", clear_examples(), make_verb<ClearVerb>};
}

}  // namespace hookfleet::cli
