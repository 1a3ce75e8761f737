#include <fmt/format.h>

#include "cli/audit.hpp"
#include "cli/text.hpp"
#include "cli/values.hpp"
#include "cli/verb_list.hpp"
#include "common/log/logger.hpp"

namespace hookfleet::cli {
namespace {

std::vector<std::string> level_names() {
  std::vector<std::string> names;
  names.reserve(log::kLevels.size());
  for (const log::Level level : log::kLevels) names.emplace_back(log::to_text(level));
  return names;
}

const std::vector<std::string> kPrograms{"ingress", "worker"};

class LogLevelVerb final : public Verb {
 public:
  void declare(config::Arguments& arguments) override {
    arguments.positionals("LEVEL", levels_, alternatives(level_names()) + "; without it the wishes that hold are shown", level_names());
    arguments.option("--process", process_, "PROGRAM", "Only the processes of this program: ingress or worker [default: all]", kPrograms);
    arguments.flag("--reset", reset_, "Withdraw the wish: the setting log.level holds again");
    declare_output(arguments, output_);
    fleet_.declare(arguments);
  }

  int run(Console& console, const Environment& environment) override {
    if (levels_.size() > 1) wrong_usage("one LEVEL, please");
    if (reset_ && !levels_.empty()) wrong_usage("either a LEVEL or --reset");
    Fleet fleet(fleet_, environment);
    const std::string& key = fleet.keys().control();
    const std::string field_name = process_.empty() ? "log_level" : "log_level." + process_;
    if (!levels_.empty() || reset_) {
      fleet.call({"HGETALL", key});  // another type is found out before anything is written
      audit(fleet, console, environment, "log-level",
            {{"level", reset_ ? "reset" : levels_.front()}, {"process", process_.empty() ? "all" : process_}});
      // What is said to all replaces what was said to one.
      if (process_.empty()) {
        for (const std::string& program : kPrograms) fleet.call({"HDEL", key, "log_level." + program});
      }
      if (reset_) fleet.call({"HDEL", key, field_name});
      if (!reset_) fleet.call({"HSET", key, field_name, levels_.front()});
    }
    const redis::Reply wishes = fleet.call({"HGETALL", key});
    Json json = Json::object();
    Table table({"PROGRAM", "LOG LEVEL"});
    for (const std::string& program : kPrograms) {
      redis::ReplyView level = wishes.view().field("log_level." + program);
      if (!level.is_text()) level = wishes.view().field("log_level");
      json[program] = level.is_text() ? Json(std::string(level.text())) : Json();
      table.row({program, level.is_text() ? std::string(level.text()) : "the setting's (log.level)"});
    }
    console.out(is_json(output_) ? json_text(json) + '\n' : table.text());
    if (!levels_.empty() || reset_) console.err("running processes take it up within 5 s and log it; those that start later, too\n");
    return kOk;
  }

 private:
  bool reset_ = false;
  std::vector<std::string> levels_;
  std::string process_, output_;
  FleetOptions fleet_;
};

constexpr std::string_view kLogLevelExamples = R"(
A wish kept in Redis (hf:control) that every process of the fleet follows until it is withdrawn. Leaves a record in hf:audit.

Examples:
  hookfleet log-level debug --process worker
  hookfleet log-level --reset
  hookfleet log-level
)";

}  // namespace

VerbSpec log_level_verb() {
  return {"log-level", "[LEVEL | --reset]", "Change the log level of running processes", kLogLevelExamples, make_verb<LogLevelVerb>};
}

}  // namespace hookfleet::cli
