#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "cli/api.hpp"
#include "cli/diagnosis.hpp"
#include "cli/fleet_settings.hpp"
#include "cli/values.hpp"
#include "cli/verb_list.hpp"
#include "common/config/command_line.hpp"
#include "common/redis/info.hpp"
#include "ingress/watch/options.hpp"

namespace hookfleet::cli {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kScanLimit = 100'000;
constexpr std::size_t kMeasured = 500;  // marks whose memory is asked for
constexpr std::size_t kNamed = 20;      // keys that a finding may name

/// For SCAN's MATCH: taken literally.
std::string literal(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("*?[]\\^").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

class DoctorVerb final : public Verb {
 public:
  void declare(config::Arguments& arguments) override {
    arguments.group("An instance of GREEN-API, too");
    account_.declare(arguments, "--instance",
                     "Ask the service for this instance's state, settings and queue, and hold them against the fleet's");
    arguments.option("--url", url_, "URL", "What its webhookUrl has to be [default: that of poller.instances, else it isn't looked at]");
    arguments.flag("--poll", poll_, "It must have no webhookUrl: hookfleet-poller fetches");
    arguments.group("How");
    arguments.option("--scan-limit", scan_limit_, "N", "Look at no more keys than this [default: 100000]");
    declare_output(arguments, output_);
    fleet_.declare(arguments);
  }

  int run(Console& console, const Environment& environment) override {
    const std::uint64_t scan_limit = count_of("--scan-limit", scan_limit_, kScanLimit);
    FleetSettings settings;
    const auto problems = settings.load(fleet_.config, environment);
    std::optional<greenapi::Account> account;
    if (!account_.id.empty()) account = account_.account("--instance", settings);
    if (!account && (poll_ || !url_.empty() || !account_.token_file.empty() || !account_.api_url.empty())) {
      wrong_usage("--url, --poll, --api-url and --api-token-file go with --instance ID");
    }
    if (poll_ && !url_.empty()) wrong_usage("either --url or --poll");
    Fleet fleet(fleet_, environment);
    console.catch_interrupts();
    std::vector<Finding> findings;
    const auto add = [&](std::vector<Finding> some) {
      findings.insert(findings.end(), std::make_move_iterator(some.begin()), std::make_move_iterator(some.end()));
    };

    if (problems.empty()) {
      findings.push_back({Health::kFine, "settings", fleet_.config.empty() ? "environment and defaults" : shown(fleet_.config)});
    } else {
      std::string text = config::lines(problems);
      text.pop_back();
      for (char& c : text) c = c == '\n' ? ';' : c;
      findings.push_back({Health::kWarn, "settings", shown(text, 300),
                          "give the fleet's own --config FILE and environment; hookfleet config check tells more"});
    }

    durability::ServerFacts facts;
    std::string version;
    for (const Words& words : {Words{"INFO"}, Words{"INFO", "commandstats"}}) {
      const std::vector<std::string_view> argv(words.begin(), words.end());
      const redis::Reply info = fleet.ask(redis::Argv(argv));
      if (info.view().is_error()) continue;
      facts.read_info(info.view().text());
      redis::for_each_info(info.view().text(), [&](std::string_view name, std::string_view value) {
        if (name == "redis_version") version = value;
      });
    }
    facts.config_readable = true;
    for (const char* name : durability::kConfigNames) {
      const redis::Reply config = fleet.ask({"CONFIG", "GET", name});
      facts.config_readable = facts.config_readable && config.view().is_array();
      facts.read_config(config.view()[0].text(), config.view()[1].text());
    }
    for (const std::vector<std::string>& command : durability::dry_runs_of_the_log(fleet.keys().meta())) {
      const std::vector<std::string_view> argv(command.begin(), command.end());
      const redis::Reply dry_run = fleet.ask(redis::Argv(argv));
      if (dry_run.view().is_text()) facts.read_dry_run(dry_run.view().text());
    }
    const ingress::Config& ingress = settings.ingress();
    findings.push_back(judge_version(version));
    add(judge_durability(facts, {ingress.append.required, ingress.append.assume, ingress.append.wait_replicas}));
    findings.push_back(judge_memory(facts.used_memory, facts.maxmemory, ingress.append.memory_max_percent));
    add(judge_sample(sample(console, fleet, scan_limit, settings.worker().dedup.keep), settings.worker().dedup.keep, facts.maxmemory));

    const auto before = std::chrono::system_clock::now();
    const std::int64_t redis_ms = fleet.now_ms();
    const auto after = std::chrono::system_clock::now();
    const auto round_trip = std::chrono::duration_cast<std::chrono::milliseconds>(after - before);
    findings.push_back(judge_clock(redis_ms - base::unix_ms(before + (after - before) / 2), round_trip.count()));
    findings.push_back(judge_layout(fleet.stored_layout(), fleet.settings_layout()));
    const poll::Options& polled = settings.poller().poller;
    std::vector<std::uint64_t> expected;
    for (const poll::Instance& one : polled.instances) {
      if (one.receive) expected.push_back(one.id);
    }
    const Snapshot snapshot = take_snapshot(fleet, expected);
    add(judge_snapshot(snapshot, settings.worker().worker.timers.member_ttl));
    add(judge_pollers(snapshot.pollers, polled.timers.member_ttl));
    if (account) add(ask(console, *account, settings));
    return print(console, fleet, findings);
  }

 private:
  std::vector<Finding> ask(Console& console, const greenapi::Account& account, const FleetSettings& settings) const {
    Api api(console, account);
    greenapi::Wanted wanted;
    if (const poll::Instance* known = poller_instance(settings, account.id_instance)) {
      wanted = watch::instance_of(account, known->watched, known->receive).wanted;
    }
    if (poll_ || !url_.empty()) wanted.webhook_url = url_;
    InstanceAnswers answers{api.settings(), api.state(), api.count()};
    // Who polls is sent no token.
    const bool polled = answers.settings && greenapi::differences(*answers.settings, {"", {}, {}}).empty();
    if (wanted.webhook_url ? wanted.webhook_url->empty() : polled) {
      wanted.webhook_tokens.clear();
    } else if (wanted.webhook_tokens.empty()) {
      wanted.webhook_tokens = webhook_tokens_of(settings, account.id_instance);
    }
    return judge_instance(answers, wanted);
  }

  static MemorySample sample(Console& console, Fleet& fleet, std::uint64_t scan_limit, std::chrono::milliseconds keep) {
    MemorySample result;
    const stream::Keys& keys = fleet.keys();
    const std::string& prefix = fleet.layout().prefix;
    const std::string pattern = literal(prefix) + ":*";
    std::string cursor = "0";
    std::vector<std::string> marks;
    std::uint64_t looked = 0;  // in the whole database: other fleets' keys are not given
    do {
      const redis::Reply page = fleet.call({"SCAN", cursor, "MATCH", pattern, "COUNT", "1000"});
      cursor = page.view()[0].text();
      looked += 1000;
      for (std::size_t i = 0; i < page.view()[1].size(); ++i) {
        const std::string_view key = page.view()[1][i].text();
        ++result.scanned;
        switch (kind_of(key, keys, prefix)) {
          case KeyKind::kKnown: break;
          case KeyKind::kMark:
            ++result.marks;
            if (marks.size() < kMeasured) marks.emplace_back(key);
            break;
          case KeyKind::kOtherLayout:
            if (result.other_layout.size() < kNamed && key.substr(key.find('}')).find(":m:") != 1)
              result.other_layout.push_back(shown(key, 80));
            break;
          case KeyKind::kUnknown:
            if (result.unknown.size() < kNamed) result.unknown.push_back(shown(key, 80));
            break;
        }
      }
    } while (cursor != "0" && looked < scan_limit && !console.interrupted());
    const redis::Reply size = fleet.ask({"DBSIZE"});
    result.keys = cursor == "0" ? result.scanned : std::max(result.scanned, static_cast<std::uint64_t>(size.view().integer()));

    std::vector<Words> commands;
    for (const std::string& mark : marks) {
      commands.push_back({"MEMORY", "USAGE", mark});
      commands.push_back({"PTTL", mark});
    }
    const auto told = fleet.ask_all(commands);
    std::vector<std::int64_t> ages;
    for (std::size_t i = 0; i < marks.size(); ++i) {
      const std::int64_t bytes = told[2 * i].view().integer();
      const std::int64_t left_ms = told[2 * i + 1].view().integer();
      if (bytes <= 0 || left_ms <= 0) continue;  // expired meanwhile, or MEMORY is not allowed
      ++result.measured;
      result.mark_bytes += static_cast<std::uint64_t>(bytes);
      ages.push_back(std::max<std::int64_t>(0, keep.count() - left_ms));
    }
    if (!ages.empty()) {
      result.span = std::clamp<std::chrono::milliseconds>(std::chrono::milliseconds(*std::max_element(ages.begin(), ages.end())), 1min, 1h);
      result.recent =
          static_cast<std::uint64_t>(std::count_if(ages.begin(), ages.end(), [&](std::int64_t age) { return age <= result.span.count(); }));
    }
    commands.clear();
    for (unsigned p = 0; p < keys.partitions(); ++p) {
      commands.push_back({"MEMORY", "USAGE", keys.stream(p)});
      commands.push_back({"MEMORY", "USAGE", keys.dlq(p)});
    }
    const auto sizes = fleet.ask_all(commands);
    for (std::size_t i = 0; i < sizes.size(); ++i)
      (i % 2 == 0 ? result.stream_bytes : result.dead_letter_bytes) +=
          static_cast<std::uint64_t>(std::max<std::int64_t>(0, sizes[i].view().integer()));
    return result;
  }

  int print(Console& console, const Fleet& fleet, const std::vector<Finding>& findings) const {
    bool failed = false;
    Json json{{"server", fleet.server()}, {"findings", Json::array()}};
    std::string text;
    std::size_t width = 0;
    for (const Finding& one : findings) width = std::max(width, one.check.size());
    for (std::size_t i = 0; i < findings.size(); ++i) {
      const Finding& one = findings[i];
      failed = failed || one.health == Health::kFail;
      json["findings"].push_back({{"health", to_text(one.health)}, {"check", one.check}, {"what", one.what}, {"advice", one.advice}});
      text += fmt::format("{:<4}  {:<{}}  {}\n", to_text(one.health), one.check, width, one.what);
      const bool same_follows = i + 1 < findings.size() && findings[i + 1].advice == one.advice;  // said once, behind the last
      if (!one.advice.empty() && !same_follows) text += fmt::format("      {:<{}}  → {}\n", "", width, one.advice);
    }
    json["healthy"] = !failed;
    console.out(is_json(output_) ? json_text(json, 2) + '\n' : text);
    return failed ? kFailed : kOk;
  }

  bool poll_ = false;
  std::string scan_limit_, output_, url_;
  AccountOptions account_;
  FleetOptions fleet_;
};

constexpr std::string_view kDoctorExamples = R"(
Looks at Redis (version, role, durability, memory and what fills it, what the dedup window needs at the present rate, clock) and at the
fleet (layout against settings, owners, leases, holds, dead letters, pollers and their instances, keys nobody knows). Each finding is ok,
warn or fail, with what to do. Run it with the fleet's own --config and environment. Exit code 1 when something fails.

Examples:
  hookfleet doctor --config hookfleet.yaml
  hookfleet doctor --config hookfleet.yaml --instance 1101000001 --api-token-file api-token --url https://fleet.example.com/webhook
  hookfleet doctor -o json | jq -r '.findings[] | select(.health != "ok") | .what'
)";

}  // namespace

VerbSpec doctor_verb() { return {"doctor", "", "Check Redis and the fleet, and say what to do", kDoctorExamples, make_verb<DoctorVerb>}; }

}  // namespace hookfleet::cli
