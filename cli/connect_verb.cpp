#include <fmt/format.h>

#include <chrono>
#include <optional>

#include "cli/api.hpp"
#include "cli/audit.hpp"
#include "cli/follow.hpp"
#include "cli/instances.hpp"
#include "cli/text.hpp"
#include "cli/values.hpp"
#include "cli/verb_list.hpp"
#include "cli/webhook_url.hpp"
#include "common/config/command_line.hpp"
#include "common/config/value.hpp"
#include "common/greenapi/authorization.hpp"
#include "common/greenapi/wanted.hpp"

namespace hookfleet::cli {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kSettle = 5min;  // "after any settings change up to 5 minutes"
constexpr std::chrono::milliseconds kLookAtFacts = 2s;
constexpr std::chrono::milliseconds kLookAtInstance = 10s;
constexpr std::chrono::milliseconds kBeforeSet = 1'200ms;  // getSettings and setSettings: once a second

using Clock = std::chrono::steady_clock;

/// Waits for the first notification of an instance in the fleet's Redis, from the moment it is made.
class Arrival {
 public:
  Arrival(Fleet& fleet, std::uint64_t id_instance, stream::Source door)
      : fleet_(fleet), id_instance_(id_instance), door_(door), follower_(fleet, std::nullopt, true), facts_(facts()) {}

  /// Waits a turn. What has arrived, for people; nothing so far.
  std::optional<std::string> wait() {
    try {
      if (lost_) fleet_.reconnect();
      lost_ = false;
      std::optional<std::string> arrived;
      follower_.read(Follower::kTurn, [&](const Found& found) {
        if (arrived || !found.entry || found.entry->id_instance != id_instance_ || found.entry->source != door_) return;
        arrived = fmt::format("{}, id {}, in partition {}",
                              found.entry->type_webhook.empty() ? "one without typeWebhook" : shown(found.entry->type_webhook, 60),
                              shown(found.entry->id), found.ref.partition);
      });
      if (arrived) return arrived;
      // A worker may have been quicker than we: what its handlers keep tells, too.
      if (const auto now = Clock::now(); now - looked_ >= kLookAtFacts) {
        looked_ = now;
        for (const auto& [what, fact] : facts()) {
          if (facts_[what] != fact)
            return fmt::format("its {} is {} since {}", shown(what, 40), shown(fact.text, 60), time_text(fact.time * 1000));
        }
      }
    } catch (const ConnectionLost&) {
      lost_ = true;
    }
    return std::nullopt;
  }
  bool lost() const { return lost_; }

 private:
  InstanceFacts facts() {
    Instances all = read_instances(fleet_);
    return std::move(all.facts[id_instance_]);
  }

  Fleet& fleet_;
  const std::uint64_t id_instance_;
  const stream::Source door_;
  Follower follower_;
  InstanceFacts facts_;
  Clock::time_point looked_ = Clock::now();
  bool lost_ = false;
};

class ConnectVerb final : public Verb {
 public:
  void declare(config::Arguments& arguments) override {
    arguments.group("The instance");
    account_.declare(arguments, "--id", "idInstance, as the console shows it");
    arguments.group("What it is to be set to");
    arguments.option("--url", url_, "URL", "webhookUrl: where the service posts to, as seen from the internet: https://HOST/webhook");
    arguments.flag("--poll", poll_, "No webhookUrl: hookfleet-poller fetches");
    arguments.option(
        "--token-file", token_file_, "FILE",
        "webhookUrlToken [default: what auth.instances or auth.tokens of --config and environment take, the first if another is set]");
    arguments.option("--switches", switches_, "NAMES", "Notifications that have to be on, by comma [default: all but the deprecated]");
    arguments.group("How");
    arguments.flag("--dry-run", dry_run_, "Show what differs and change nothing");
    arguments.flag("--yes", yes_, "Don't ask");
    arguments.flag("--no-wait", no_wait_, "Don't wait for the first notification, and do without Redis");
    arguments.option("--settle", settle_, "DURATION", "How long to wait for it [default: 5min, what the service takes at most]");
    fleet_.declare(arguments);
  }

  int run(Console& console, const Environment& environment) override {
    const auto settle = duration_of("--settle", settle_, kSettle);
    FleetSettings settings;
    const auto problems = settings.load(fleet_.config, environment);
    greenapi::Account account = account_.account("--id", settings);
    check_door(settings, account.id_instance);
    const greenapi::Wanted wanted = wanted_of(console, settings, problems, account.id_instance);
    console.catch_interrupts();
    Api api(console, std::move(account));
    const auto found = api.settings();
    if (!found) throw Failed{api.name() + ": " + failure_text("getSettings", found.error())};
    const auto state = api.state();
    console.out(fmt::format("{}: {}\n", api.name(), state ? shown(*state) : failure_text("getStateInstance", state.error())));

    const auto differences = greenapi::differences(*found, wanted);
    if (differences.empty()) {
      console.out("its settings are as the fleet needs them\n");
    } else {
      Table table({"SETTING", "IS", "WANTED"});
      for (const greenapi::Difference& one : differences) table.row({one.name, one.is_shown(), one.want_shown()});
      console.out(table.text());
    }
    if (dry_run_) return kOk;
    if (!differences.empty() &&
        !confirmed(console, yes_, "setSettings restarts the instance, and may take up to 5 minutes to work. Change these?")) {
      throw Failed{"nothing was changed"};
    }
    if (no_wait_) {
      if (!differences.empty()) change(console, api, differences);
      return kOk;
    }
    Fleet fleet(fleet_, environment);
    Arrival arrival(fleet, api.account().id_instance, poll_ ? stream::Source::kPoll : stream::Source::kWebhook);
    if (!differences.empty()) {
      audit(fleet, console, environment, "connect",
            {{"instance", std::to_string(api.account().id_instance)}, {"settings", names_of(differences)}});
      change(console, api, differences);
    }
    return wait(console, api, wanted, arrival, settle, differences.empty() && state ? shown(*state) : "restarting");
  }

 private:
  /// The two doors of an instance exclude each other: what the pollers do by their settings must be what is set here.
  void check_door(const FleetSettings& settings, std::uint64_t id_instance) const {
    if (url_.empty() != poll_) wrong_usage("either --url URL, where the service posts to, or --poll");
    const poll::Instance* known = poller_instance(settings, id_instance);
    if (known != nullptr && known->receive && !poll_) {
      wrong_usage(
          fmt::format("poller.instances fetches for {}, and the service answers no poll of an instance that pushes. In the settings set "
                      "\"receive: false\" for it (it may be watched still: \"watch: true\") or take it out, and run this again; or --poll",
                      id_instance));
    }
    if (known != nullptr && !known->receive && poll_) {
      wrong_usage(
          fmt::format("poller.instances says \"receive: false\" for {}: nobody would fetch. Take that out of the settings, and run this "
                      "again",
                      id_instance));
    }
  }

  greenapi::Wanted wanted_of(Console& console, const FleetSettings& settings, const std::vector<config::Problem>& problems,
                             std::uint64_t id_instance) const {
    greenapi::Wanted wanted;
    wanted.webhook_url = url_;
    if (!poll_) {
      const WebhookUrl judged = WebhookUrl::judge(url_, id_instance);
      if (judged.refused) wrong_usage("--url: " + *judged.refused);
      for (const std::string& doubt : judged.doubts) console.err("warning: --url: " + doubt + '\n');
    }
    if (poll_ && !token_file_.empty()) wrong_usage("--token-file goes with --url: who polls is sent no token");
    if (!poll_) wanted.webhook_tokens = tokens_of(settings, problems, id_instance);
    if (switches_.empty()) return wanted;
    wanted.switches = config::split(switches_, ',');
    for (const std::string& name : wanted.switches) {
      if (!greenapi::is_notification_switch(name)) {
        wrong_usage("--switches: \"" + shown(name, 60) + "\" is none of " + alternatives(greenapi::notification_switches()));
      }
    }
    return wanted;
  }

  std::vector<std::string> tokens_of(const FleetSettings& settings, const std::vector<config::Problem>& problems,
                                     std::uint64_t id_instance) const {
    if (!token_file_.empty()) {
      const std::string token = secret_from("--token-file", token_file_);
      if (greenapi::token_of(token).empty()) wrong_usage("--token-file " + shown(token_file_) + ": holds no token");
      return {token};
    }
    if (!problems.empty()) {
      throw Failed{"the fleet's token can't be read from its settings (name it by --token-file, or the settings by --config):\n" +
                       config::lines(problems),
                   kUsage};
    }
    auto tokens = webhook_tokens_of(settings, id_instance);
    if (tokens.empty()) wrong_usage("the settings have no auth.tokens: name the token by --token-file, or the settings by --config");
    return tokens;
  }

  static std::string names_of(const std::vector<greenapi::Difference>& differences) {
    std::string names;
    for (const greenapi::Difference& one : differences) names += (names.empty() ? "" : ",") + one.name;
    return names;
  }

  static void change(Console& console, Api& api, const std::vector<greenapi::Difference>& differences) {
    if (console.wait(kBeforeSet) == Console::Woken::kInterrupt) throw Failed{"interrupted; nothing was changed"};
    if (const auto set = api.set_settings(greenapi::to_set(differences)); !set) {
      throw Failed{api.name() + ": " + failure_text("setSettings", set.error())};
    }
    console.out("set; the instance restarts\n");
  }

  int wait(Console& console, Api& api, const greenapi::Wanted& wanted, Arrival& arrival, std::chrono::milliseconds settle,
           std::string seen) const {
    const auto begin = Clock::now();
    auto looked = begin;
    console.err(fmt::format("waiting for a notification, at most {}: write a message to the account; Ctrl-C ends the waiting only\n",
                            age_text(settle.count())));
    std::optional<std::string> arrived;
    while (!arrived && Clock::now() - begin < settle && !console.interrupted()) {
      if (console.can_ask()) {
        const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin);
        console.err(fmt::format("\r{} of {}; the instance: {}{}\x1b[K", age_text(since.count()), age_text(settle.count()), seen,
                                arrival.lost() ? "; Redis doesn't answer" : ""));
      }
      arrived = arrival.wait();
      if (arrival.lost()) console.wait(Follower::kTurn);
      if (arrived || Clock::now() - looked < kLookAtInstance) continue;
      looked = Clock::now();
      const auto state = api.state(1);
      seen = state ? shown(*state) : shown(state.error().message, 60);
    }
    if (console.can_ask()) console.err("\r\x1b[K");
    if (arrived) {
      console.out("arrived: " + *arrived + '\n');
      return kOk;
    }
    if (console.interrupted()) throw Failed{"interrupted: the settings stay as they are now; hookfleet find and tail show what comes"};
    return explain(console, api, wanted);
  }

  /// Nothing came: what the service says about it, and what to look at.
  int explain(Console& console, Api& api, const greenapi::Wanted& wanted) const {
    std::string text = "no notification has arrived\n";
    if (const auto state = api.state(); !state) {
      text += "  " + failure_text("getStateInstance", state.error()) + '\n';
    } else if (*state != "authorized") {
      text += fmt::format("  the instance is {}: authorize it in its console; until then nothing happens in it\n", shown(*state));
    }
    if (const auto settings = api.settings(); settings) {
      for (const greenapi::Difference& one : greenapi::differences(*settings, wanted)) {
        text += fmt::format("  {} still is {} instead of {}: the service hasn't taken it; run this again\n", one.name,
                            shown(one.is_shown(), 200), shown(one.want_shown(), 200));
      }
    }
    const auto count = api.count();
    if (count && *count > 0) {
      text +=
          fmt::format("  {} notifications wait at the service: {}\n", *count,
                      poll_ ? "is a hookfleet-poller running, with this instance in poller.instances?"
                            : "it can't deliver them. Is the URL reachable from the internet, is its certificate valid? nginx's access log "
                              "and hookfleet_ingress_deliveries_total show what comes; hookfleet doctor looks at the storage");
    } else {
      text += "  nothing waits at the service: write a message to the account from another phone, and look with hookfleet tail\n";
    }
    console.err(text);
    return kFailed;
  }

  bool poll_ = false, dry_run_ = false, yes_ = false, no_wait_ = false;
  std::string url_, token_file_, switches_, settle_;
  AccountOptions account_;
  FleetOptions fleet_;
};

constexpr std::string_view kConnectExamples = R"(
Connects an instance to the fleet: reads its settings (getSettings), shows what is otherwise than the fleet needs it (webhookUrl,
webhookUrlToken, the switches of notifications), changes it when you say so (setSettings) and waits until a notification of it lies in the
fleet's Redis. Give it the fleet's own --config and environment, which have the token. Leaves a record in hf:audit. Run it again at any
time: what is right stays untouched. docs/connect.md tells more, and how to do it by hand.

Examples:
  hookfleet connect --id 1101000001 --api-token-file api-token --url https://fleet.example.com/webhook --config hookfleet.yaml
  hookfleet connect --id 1101000001 --api-token-file api-token --url https://fleet.example.com/webhook --token-file new-token --yes
  hookfleet connect --id 1101000001 --api-token-file api-token --poll --dry-run
)";

}  // namespace

VerbSpec connect_verb() {
  return {"connect", "--id ID --api-token-file FILE (--url URL | --poll)",
          "Set up an instance of GREEN-API so that its notifications come here", kConnectExamples, make_verb<ConnectVerb>};
}

}  // namespace hookfleet::cli
