#include <fmt/format.h>

#include <algorithm>

#include "cli/diagnosis.hpp"
#include "cli/instances.hpp"
#include "cli/pollers.hpp"
#include "cli/text.hpp"
#include "cli/values.hpp"
#include "cli/verb_list.hpp"
#include "common/base/listing.hpp"
#include "common/base/number.hpp"

namespace hookfleet::cli {
namespace {

class InstancesVerb final : public Verb {
 public:
  void declare(config::Arguments& arguments) override {
    arguments.positionals("ID", ids_, "Only these instances [default: all that have told something or are fetched for]");
    declare_output(arguments, output_);
    fleet_.declare(arguments);
  }

  int run(Console& console, const Environment& environment) override {
    std::vector<std::uint64_t> asked;
    for (const std::string& text : ids_) {
      const auto id = base::to_number<std::uint64_t>(text);
      if (!id) wrong_usage(shown(text, 40) + ": is no idInstance (digits)");
      asked.push_back(*id);
    }
    Fleet fleet(fleet_, environment);
    auto [told, problems] = read_instances(fleet);
    const Pollers pollers = read_pollers(fleet);
    problems.insert(problems.end(), pollers.problems.begin(), pollers.problems.end());
    FactsById instances;
    for (const std::uint64_t id : asked) instances[id] = told[id];
    if (asked.empty()) {
      for (const PolledInstance& one : pollers.instances) told[one.id];
      instances = std::move(told);
    }
    console.out(is_json(output_) ? json(instances) : table(instances));
    std::vector<std::string> silent;
    bool unknown = false;  // one that was asked for
    for (const auto& [id, facts] : instances) {
      if (!facts.contains("state")) silent.push_back(std::to_string(id));
      unknown = unknown || (!asked.empty() && facts.empty());
    }
    if (problems.empty() && (instances.empty() || !silent.empty())) console.err(hint(silent));
    for (const std::string& problem : problems) console.err(problem + '\n');
    return problems.empty() && !unknown ? kOk : kFailed;
  }

 private:
  static std::string hint(const std::vector<std::string>& silent) {
    const std::string who = silent.empty() ? "no instance" : "not " + base::listed(silent);
    return fmt::format(
        "{} has told of its state yet: the service tells it at the next change, where stateWebhook is on (hookfleet connect --id ID "
        "switches it on) and the shipped handlers get stateInstanceChanged\n"
        "to ask the service now: hookfleet doctor --instance {} --api-token-file FILE\n",
        who, silent.size() == 1 ? silent.front() : "ID");
  }
  static std::string json(const FactsById& instances) {
    Json all = Json::array();
    for (const auto& [id, facts] : instances) {
      Json one{{"idInstance", id}};
      for (const auto& [what, fact] : facts) one[what] = Json{{"text", fact.text}, {"time", time_text(fact.time * 1000)}};
      all.push_back(std::move(one));
    }
    return json_text(all) + '\n';
  }
  static std::string table(const FactsById& instances) {
    Table table({">INSTANCE", "STATE", "SINCE", "QUOTA", "DEVICE"});
    for (const auto& [id, facts] : instances) {
      const auto of = [&facts = facts](const char* what) {
        const auto found = facts.find(what);
        return found == facts.end() ? InstanceFact{} : found->second;
      };
      const auto text = [&](const char* what) { return of(what).text.empty() ? std::string("-") : of(what).text; };
      table.row({std::to_string(id), text("state"), time_text(of("state").time * 1000), text("quota"), text("device")});
    }
    return table.text();
  }

  std::vector<std::string> ids_;
  std::string output_;
  FleetOptions fleet_;
};

constexpr std::string_view kInstancesExamples = R"(
What each instance told last: its state and since when, its last used-up quota, its device. Needs the notifications stateInstanceChanged,
quotaExceeded and deviceInfo, and the shipped handlers. Instances that the pollers fetch for are there before they have told anything.

Examples:
  hookfleet instances
  hookfleet instances 1101000001
  hookfleet instances -o json | jq '.[] | select(.state.text != "authorized")'
)";

}  // namespace

VerbSpec instances_verb() {
  return {"instances", "[ID…]", "Show the last known state of each instance", kInstancesExamples, make_verb<InstancesVerb>};
}

}  // namespace hookfleet::cli
