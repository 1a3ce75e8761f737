#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "cli/audit.hpp"
#include "cli/text.hpp"
#include "cli/values.hpp"
#include "cli/verb_list.hpp"
#include "common/alert/notice.hpp"
#include "common/alert/outbox.hpp"
#include "common/alert/sink_state.hpp"
#include "common/base/clock.hpp"

// What operators are told: `alerts list` and `alerts test`.
namespace hookfleet::cli {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kAlertsListed = 20;
constexpr std::size_t kAlertsPage = 256;

/// Who delivers, and how far each sink is.
struct Delivering {
  std::string owner;  // empty: nobody
  std::vector<alert::SinkState> sinks;
};

Delivering delivering(Fleet& fleet) {
  const redis::Reply lease = fleet.call({"HGETALL", fleet.keys().alerts_lease()});
  Delivering found;
  if (lease.view().field("until").integer() > fleet.now_ms()) found.owner = lease.view().field("owner").text();
  for (std::size_t i = 0; i + 1 < lease.view().size(); i += 2) {
    const auto key = alert::sink_of_field(lease.view()[i].text());
    if (!key || !lease.view().field(alert::gone_field(*key)).is_nil()) continue;  // one that has gone is told nothing
    if (auto state = alert::SinkState::parse(lease.view()[i + 1].text())) found.sinks.push_back(*std::move(state));
  }
  std::sort(found.sinks.begin(), found.sinks.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return found;
}

std::string problem_of(const alert::SinkState& sink) {
  if (sink.problem.empty()) return "ok";
  return sink.tries == 0 ? "refused the last one: " + sink.problem : fmt::format("{} tries failed: {}", sink.tries, sink.problem);
}

/// Entries of hf:alerts behind `cursor`.
std::uint64_t waiting(Fleet& fleet, stream::StreamId cursor) {
  std::uint64_t count = 0;
  for (;;) {
    const redis::Reply page = fleet.range(fleet.keys().alerts(), after(cursor), "+", kAlertsPage);
    count += page.view().size();
    if (page.view().size() < kAlertsPage) return count;
    const auto last = stream::StreamId::parse(page.view()[kAlertsPage - 1][0].text());
    if (!last) return count;
    cursor = *last;
  }
}

class AlertsListVerb final : public Verb {
 public:
  void declare(config::Arguments& arguments) override {
    arguments.option("-n,--limit", limit_, "COUNT", fmt::format("The youngest COUNT alerts of the queue [default: {}]", kAlertsListed));
    declare_output(arguments, output_);
    fleet_.declare(arguments);
  }

  int run(Console& console, const Environment& environment) override {
    const std::uint64_t limit = count_of("--limit", limit_, kAlertsListed);
    Fleet fleet(fleet_, environment);
    const std::string& key = fleet.keys().alerts();
    const Delivering now = delivering(fleet);
    const auto queued = static_cast<std::uint64_t>(fleet.call({"XLEN", key}).view().integer());
    const redis::Reply youngest = fleet.call({"XREVRANGE", key, "+", "-", "COUNT", std::to_string(limit)});

    Json json{{"queued", queued}, {"delivered_by", now.owner}, {"sinks", Json::array()}, {"alerts", Json::array()}};
    Table sinks({"SINK", ">WAITING", "STATE"});
    for (const alert::SinkState& sink : now.sinks) {
      const std::uint64_t behind = waiting(fleet, sink.cursor);
      json["sinks"].push_back({{"name", sink.name}, {"waiting", behind}, {"tries", sink.tries}, {"problem", sink.problem}});
      sinks.row({sink.name, std::to_string(behind), problem_of(sink)});
    }
    Table alerts({"TIME", "SEVERITY", "KIND", "TYPE", "INSTANCE", ">HELD BACK", "TEXT"});
    for (std::size_t i = youngest.view().size(); i-- > 0;) {
      const auto notice = alert::decode(youngest.view()[i][1]);
      if (!notice) {
        alerts.row({"-", "-", "unreadable", "-", "-", "-", notice.error()});
        json["alerts"].push_back({{"unreadable", notice.error()}});
        continue;
      }
      const std::string_view severity = alert::to_text(alert::severity(notice->kind));
      alerts.row({time_text(base::unix_ms(notice->at)), std::string(severity), std::string(alert::to_text(notice->kind)),
                  notice->type_webhook.empty() ? "-" : notice->type_webhook,
                  notice->id_instance == 0 ? "-" : std::to_string(notice->id_instance), std::to_string(notice->suppressed),
                  notice->text.substr(0, 100)});
      json["alerts"].push_back({{"time", time_text(base::unix_ms(notice->at))},
                                {"severity", severity},
                                {"kind", alert::to_text(notice->kind)},
                                {"typeWebhook", notice->type_webhook},
                                {"idInstance", notice->id_instance},
                                {"id", notice->id},
                                {"suppressed", notice->suppressed},
                                {"text", notice->text}});
    }
    if (is_json(output_)) {
      console.out(json_text(json) + '\n');
      return kOk;
    }
    console.out(fmt::format("queued {}  delivered by {}\n", queued, now.owner.empty() ? "nobody" : shown(now.owner)));
    if (!sinks.empty()) console.out("\n" + sinks.text());
    if (!alerts.empty()) console.out("\n" + alerts.text());
    return kOk;
  }

 private:
  std::string limit_, output_;
  FleetOptions fleet_;
};

class TestVerb final : public Verb {
 public:
  void declare(config::Arguments& arguments) override {
    arguments.option("--timeout", timeout_, "DURATION", "How long to wait for the sinks [default: 30s]");
    fleet_.declare(arguments);
  }

  int run(Console& console, const Environment& environment) override {
    const auto timeout = duration_of("--timeout", timeout_, 30s);
    Fleet fleet(fleet_, environment);
    if (delivering(fleet).owner.empty()) {
      throw Failed{"nobody delivers alerts: no worker runs, or alerts.sinks of its settings is empty"};
    }
    const alert::Alert test{.kind = alert::Kind::kTest, .text = "a test by " + who(environment) + ": this sink is told what goes wrong"};
    const alert::Notice notice = alert::make_notice(test, alert::Attach::kNone, base::SystemClock().wall(), "hookfleet alerts test");
    redis::Command command;
    command.borrow("XADD").borrow(fleet.keys().alerts()).borrow("MAXLEN").borrow("~").number(alert::Outbox::kStreamMax).borrow("*");
    alert::encode(command, notice);
    const auto id = stream::StreamId::parse(fleet.call(command.argv()).view().text());
    if (!id) throw Failed{"XADD answered with no id"};

    console.catch_interrupts();
    const base::BootTime until = base::BootClock::now() + timeout;
    for (;;) {
      const Delivering now = delivering(fleet);
      const auto has_it = [&](const alert::SinkState& sink) { return sink.cursor >= *id; };
      const bool all = !now.sinks.empty() && std::all_of(now.sinks.begin(), now.sinks.end(), has_it);
      if (!all && base::BootClock::now() < until && console.wait(100ms) != Console::Woken::kInterrupt) continue;
      bool ok = all;
      for (const alert::SinkState& sink : now.sinks) {
        const bool told = has_it(sink) && sink.problem.empty();
        ok = ok && told;
        console.out(fmt::format("{:<16} {}\n", shown(sink.name),
                                told           ? "told"
                                : has_it(sink) ? shown(problem_of(sink))
                                               : "not yet: " + shown(problem_of(sink))));
      }
      if (now.sinks.empty()) console.out("no sink is known yet\n");
      return ok ? kOk : kFailed;
    }
  }

 private:
  std::string timeout_;
  FleetOptions fleet_;
};

constexpr std::string_view kAlertsListExamples = R"(
What is in the queue hf:alerts: what some sink is still to be told. What all sinks have is gone from it. Without sinks
the last 10,000 alerts stay. Each alert is also a record of the log of whoever told it: "event":"alert".

Examples:
  hookfleet alerts list
  hookfleet alerts list -n 100 -o json
)";

constexpr std::string_view kTestExamples = R"(
Sends one alert of kind `test` through the queue to all sinks, and says what came of it: exit 0 when each was told.

Examples:
  hookfleet alerts test
  hookfleet alerts test --timeout 2min
)";

}  // namespace

VerbSpec alerts_list_verb() {
  return {"alerts list", "", "What operators are still to be told, and each sink", kAlertsListExamples, make_verb<AlertsListVerb>};
}
VerbSpec alerts_test_verb() { return {"alerts test", "", "Tell every sink a test alert", kTestExamples, make_verb<TestVerb>}; }

}  // namespace hookfleet::cli
