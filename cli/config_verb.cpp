#include "cli/fleet_settings.hpp"
#include "cli/verb_list.hpp"
#include "common/config/command_line.hpp"

namespace hookfleet::cli {
namespace {

enum class Action { kCheck, kPrint, kReference };

template <Action kAction>
class ConfigVerb final : public Verb {
 public:
  void declare(config::Arguments& arguments) override {
    if (kAction == Action::kReference) return;
    arguments.option("--config", file_, "FILE", "The settings in YAML [default: none, the defaults hold]");
    declare_handlers(arguments, handlers_);
  }

  int run(Console& console, const Environment& environment) override {
    FleetSettings settings(known_handlers(handlers_));
    if (kAction == Action::kReference) {
      console.out(config::reference_page(settings.programs()));
      return kOk;
    }
    const auto problems = settings.load(file_, environment);
    console.err(config::lines(problems));
    console.err(config::warning_lines(settings.warnings()));
    if (!problems.empty()) return kUsage;
    console.out(kAction == Action::kCheck ? "ok\n" : config::print(settings.programs()));
    return kOk;
  }

 private:
  std::string file_, handlers_;
};

constexpr std::string_view kCheckExamples = R"(
Prints "ok", or all problems that any program of the fleet finds, and exits with 2; what may be a mistake is a warning. Settings in the environment
(HOOKFLEET_SECTION__KEY) count too, as they do for the programs.

Examples:
  hookfleet config check --config hookfleet.yaml
  hookfleet config check --config hookfleet.yaml --handlers crm,orders
  HOOKFLEET_REDIS__URL=redis://redis:6379 hookfleet config check
)";
constexpr std::string_view kPrintExamples = R"(
The settings that count as one YAML file, secrets as ***; those of the environment (HOOKFLEET_SECTION__KEY) are in it.

Examples:
  hookfleet config print --config hookfleet.yaml
)";
constexpr std::string_view kReferenceExamples = R"(
Examples:
  hookfleet config reference > docs/settings.md
)";

}  // namespace

VerbSpec config_check_verb() {
  return {"config check", "[--config FILE]", "Check the settings of the whole fleet", kCheckExamples,
          make_verb<ConfigVerb<Action::kCheck>>};
}
VerbSpec config_print_verb() {
  return {"config print", "[--config FILE]", "Show the settings that count", kPrintExamples, make_verb<ConfigVerb<Action::kPrint>>};
}
VerbSpec config_reference_verb() {
  return {"config reference", "", "Print docs/settings.md: every setting of every program", kReferenceExamples,
          make_verb<ConfigVerb<Action::kReference>>};
}

}  // namespace hookfleet::cli
