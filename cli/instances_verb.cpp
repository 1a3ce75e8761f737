#include "cli/instances.hpp"
#include "cli/text.hpp"
#include "cli/values.hpp"
#include "cli/verb_list.hpp"

namespace hookfleet::cli {
namespace {

class InstancesVerb final : public Verb {
 public:
  void declare(config::Arguments& arguments) override {
    declare_output(arguments, output_);
    fleet_.declare(arguments);
  }

  int run(Console& console, const Environment& environment) override {
    Fleet fleet(fleet_, environment);
    const auto [instances, problems] = read_instances(fleet);
    console.out(is_json(output_) ? json(instances) : table(instances));
    if (instances.empty() && problems.empty()) console.err("no instance has told of its state yet; stateWebhook switches that on\n");
    for (const std::string& problem : problems) console.err(problem + '\n');
    return problems.empty() ? kOk : kFailed;
  }

 private:
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

  std::string output_;
  FleetOptions fleet_;
};

constexpr std::string_view kExamples = R"(
What each instance told last: its state and since when, its last used-up quota, its device. Needs the notifications stateInstanceChanged,
quotaExceeded and deviceInfo, and the shipped handlers.

Examples:
  hookfleet instances
  hookfleet instances -o json | jq '.[] | select(.state.text != "authorized")'
)";

}  // namespace

VerbSpec instances_verb() { return {"instances", "", "Show the last known state of each instance", kExamples, make_verb<InstancesVerb>}; }

}  // namespace hookfleet::cli
