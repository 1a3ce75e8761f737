#include <fmt/format.h>

#include <map>
#include <set>

#include "cli/audit.hpp"
#include "cli/snapshot.hpp"
#include "cli/values.hpp"
#include "cli/verb_list.hpp"

namespace hookfleet::cli {
namespace {

constexpr std::string_view kSoon = "the workers take it up within seconds; chats that memory had put aside within minutes";

class ResumeVerb final : public Verb {
 public:
  void declare(config::Arguments& arguments) override {
    arguments.positionals("TYPE", types_, "The typeWebhook whose entries are held back");
    arguments.flag("--all", all_, "All types that are held back");
    declare_output(arguments, output_);
    fleet_.declare(arguments);
  }

  int run(Console& console, const Environment& environment) override {
    if (types_.size() + (all_ ? 1 : 0) != 1) wrong_usage("say which: one TYPE, or --all; `hookfleet status` shows what is held");
    Fleet fleet(fleet_, environment);
    const Snapshot snapshot = take_snapshot(fleet);
    std::map<std::string, unsigned> held, counting, unreadable;  // type → partitions
    std::set<std::string> others;                                // held, and not asked for
    std::vector<std::string> problems = snapshot.problems;
    std::vector<Words> commands;
    for (const PartitionState& partition : snapshot.partitions) {
      for (const HeldType& one : partition.holds) {
        if (!all_ && one.type != types_.front()) {
          if (one.held()) others.insert(one.type);
          continue;
        }
        ++(!one.hold ? unreadable : one.held() ? held : counting)[one.type];
        if (!one.hold) std::erase(problems, one.problem);  // it goes now
        commands.push_back({"HDEL", fleet.keys().ctl(partition.partition), stream::hold_field(one.type)});
      }
    }
    std::string names;
    for (const auto* types : {&held, &counting, &unreadable}) {
      for (const auto& [type, partitions] : *types) names += (names.empty() ? "" : " ") + type;
    }
    if (!commands.empty())
      audit(fleet, console, environment, "resume", {{"types", names}, {"partitions", std::to_string(commands.size())}});
    const std::vector<redis::Reply> replies = fleet.ask_all(commands);
    for (std::size_t i = 0; i < replies.size(); ++i) {
      if (replies[i].view().is_error()) problems.push_back(shown(commands[i][1]) + ": " + shown(replies[i].view().text(), 160));
    }
    if (is_json(output_)) {
      console.out(
          json_text(Json{{"resumed", held}, {"counts_reset", counting}, {"unreadable_removed", unreadable}, {"problems", problems}}) +
          '\n');
    } else {
      for (const auto& [type, partitions] : held) {
        console.out(fmt::format("resumed {} in {} partition{}; {}\n", shown(type), partitions, partitions == 1 ? "" : "s", kSoon));
      }
      for (const auto& [type, partitions] : unreadable) {
        console.out(fmt::format("removed what stood of {} in {} partition{} in a format that this version doesn't know; {}\n", shown(type),
                                partitions, partitions == 1 ? "" : "s", kSoon));
      }
      for (const auto& [type, partitions] : counting) {
        if (!held.contains(type)) console.out(fmt::format("{} was not held; its count of crashes is reset\n", shown(type)));
      }
      if (commands.empty() && others.empty()) console.out(all_ ? "nothing is held back\n" : shown(types_.front()) + " is not held back\n");
    }
    if (commands.empty() && !others.empty()) {
      std::string held_back;
      for (const std::string& type : others) held_back += (held_back.empty() ? "" : ", ") + shown(type);
      problems.push_back(shown(types_.front()) + " is not held back; what is: " + held_back);
    }
    for (const std::string& problem : problems) console.err(problem + '\n');
    return problems.empty() ? kOk : kFailed;
  }

 private:
  bool all_ = false;
  std::vector<std::string> types_;
  std::string output_;
  FleetOptions fleet_;
};

constexpr std::string_view kResumeExamples = R"(
When more than three notifications of one typeWebhook have ended their process within an hour, the type's entries wait. Mend the cause, then
resume: they are handled again, in order. The dead letters of class crash stay until they are redriven. Leaves a record in hf:audit.

Examples:
  hookfleet resume incomingMessageReceived
  hookfleet resume --all
)";

}  // namespace

VerbSpec resume_verb() {
  return {"resume", "TYPE | --all", "Let a typeWebhook flow again that is held back", kResumeExamples, make_verb<ResumeVerb>};
}

}  // namespace hookfleet::cli
