#include "cli/simulate_report.hpp"

#include <fmt/format.h>

namespace hookfleet::cli {
namespace {

using simulate::Generator;
using simulate::Kind;
using simulate::Token;

double ms(std::chrono::nanoseconds time) { return std::chrono::duration<double, std::milli>(time).count(); }

std::string time_of(std::chrono::nanoseconds time) {
  if (time < std::chrono::seconds(1)) return fmt::format("{:.1f}ms", ms(time));
  if (time < std::chrono::minutes(1)) return fmt::format("{:.2f}s", ms(time) / 1000);
  return age_text(std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
}

double rate(const SimulateReport& report, std::uint64_t count) {
  const double seconds = std::chrono::duration<double>(report.sending).count();
  return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

std::string line(std::string_view name, const std::string& text) { return fmt::format("{:<14} {}\n", name, text); }

std::string name_of(const Token& token, const ChatName& chat_of) {
  const std::string chat = chat_of(token);
  return fmt::format("instance {}, {}, sequence {}, idMessage {}, \"simulated\":\"{}\"", token.instance,
                     chat.empty() ? "no chat" : "chat " + shown(chat), token.sequence, Generator::id_message(token), token.text());
}

Json json_of(const Token& token, const ChatName& chat_of) {
  return {{"instance", token.instance},
          {"chat", chat_of(token)},
          {"sequence", token.sequence},
          {"idMessage", Generator::id_message(token)},
          {"simulated", token.text()}};
}

std::string more(std::uint64_t all, std::size_t listed) {
  return all > listed ? fmt::format("  … and {} more\n", all - listed) : std::string();
}

std::string proof_text(const SimulateReport::Proof& proof, bool served, const ChatName& chat_of) {
  const auto& verdict = proof.verdict;
  std::string text = line("received", fmt::format("{}, and {} again{}", verdict.received, verdict.received_again,
                                                  verdict.foreign > 0 ? fmt::format("; {} of others", verdict.foreign) : ""));
  text += line("dead letters", fmt::format("{}", verdict.dead));
  if (!proof.settled) {
    text += line("not caught up", fmt::format("{} entries wait in the fleet; {} acknowledged ones have not come yet: --settle waits longer",
                                              proof.backlog, verdict.lost));
  }
  text += line("verdict", fmt::format("{} lost, {} out of order", verdict.lost, verdict.out_of_order));
  if (verdict.lost > 0 && proof.settled) {
    text += fmt::format("lost: {}, then neither received nor in the dead letters\n",
                        served ? "deleted from the provider's queue" : "acknowledged with 200");
  } else if (verdict.lost > 0) {
    text += "missing so far:\n";
  }
  for (const Token& token : verdict.lost_first) text += "  " + name_of(token, chat_of) + '\n';
  text += more(verdict.lost, verdict.lost_first.size());
  if (verdict.out_of_order > 0) text += "out of order: received for the first time after a later one of the same chat\n";
  for (const auto& one : verdict.out_of_order_first) text += fmt::format("  {}, after sequence {}\n", name_of(one.token, chat_of), one.by);
  text += more(verdict.out_of_order, verdict.out_of_order_first.size());
  return text;
}

}  // namespace

bool SimulateReport::good() const {
  const bool acknowledged = served ? served->deleted > 0 && served->waiting == 0 : tally.acknowledged > 0;
  return acknowledged && (!proof || (proof->verdict.kept() && (proof->settled || proof->verdict.lost == 0)));
}

std::string to_text(const SimulateReport& report, const ChatName& chat_of) {
  const auto& tally = report.tally;
  std::string kinds, answers;
  for (std::size_t i = 0; i < simulate::kKinds; ++i) {
    if (tally.by_kind[i] > 0)
      kinds += fmt::format("{}{} {}", kinds.empty() ? "" : ", ", tally.by_kind[i], simulate::to_text(static_cast<Kind>(i)));
  }
  for (const auto& [answer, count] : tally.by_answer) answers += fmt::format("{}{}: {}", answers.empty() ? "" : ", ", answer, count);
  std::string text = line("sent to", shown(report.to));
  text += line("sent", fmt::format("{} in {} ({}/s){}", tally.sent(), time_of(report.sending), number_text(rate(report, tally.sent())),
                                   kinds.empty() ? "" : ": " + kinds));
  if (report.served) {
    const auto& served = *report.served;
    text += line("queues", fmt::format("{} deleted by pollers, {} receives{}", served.deleted, served.receives,
                                       served.switched_off > 0 ? fmt::format("; {} not put in: switched off", served.switched_off) : ""));
    if (served.waiting > 0) {
      text += line("still waiting", fmt::format("{} in the provider's queues: {}; --settle waits longer", served.waiting,
                                                served.receives == 0 ? "no poller has asked" : "no poller has deleted them yet"));
    }
    if (report.proof) text += proof_text(*report.proof, true, chat_of);
    return text + line("seed", fmt::format("{}", report.seed));
  }
  text += line("answers", answers.empty() ? "none" : answers);
  text += line("acknowledged", fmt::format("{}{}{}", tally.acknowledged,
                                           report.unacknowledged > 0 ? fmt::format(", {} not yet", report.unacknowledged) : "",
                                           tally.given_up > 0 ? fmt::format(", {} given up", tally.given_up) : ""));
  if (tally.latencies.count() > 0) {
    text += line("latency", fmt::format("p50 {}  p90 {}  p99 {}  max {}", time_of(tally.latencies.percentile(0.5)),
                                        time_of(tally.latencies.percentile(0.9)), time_of(tally.latencies.percentile(0.99)),
                                        time_of(tally.latencies.longest())));
  }
  text += line("pauses", fmt::format("{}", tally.pauses));
  if (report.proof) text += proof_text(*report.proof, false, chat_of);
  text += line("seed", fmt::format("{}", report.seed));
  return text;
}

Json to_json(const SimulateReport& report, const ChatName& chat_of) {
  const auto& tally = report.tally;
  Json json{
      {"to", report.to}, {"seed", report.seed}, {"seconds", std::chrono::duration<double>(report.sending).count()}, {"sent", tally.sent()}};
  for (std::size_t i = 0; i < simulate::kKinds; ++i) json["kinds"][std::string(simulate::to_text(static_cast<Kind>(i)))] = tally.by_kind[i];
  if (report.served) {
    json["queues"] = {{"deleted", report.served->deleted},
                      {"waiting", report.served->waiting},
                      {"receives", report.served->receives},
                      {"switched_off", report.served->switched_off}};
  }
  json["requests"] = tally.requests;
  json["answers"] = Json::object();
  for (const auto& [answer, count] : tally.by_answer) json["answers"][answer] = count;
  json["acknowledged"] = report.served ? report.served->deleted : tally.acknowledged;
  json["unacknowledged"] = report.unacknowledged;
  json["given_up"] = tally.given_up;
  json["pauses"] = tally.pauses;
  json["latency_ms"] = {{"p50", ms(tally.latencies.percentile(0.5))},
                        {"p90", ms(tally.latencies.percentile(0.9))},
                        {"p99", ms(tally.latencies.percentile(0.99))},
                        {"max", ms(tally.latencies.longest())}};
  if (report.proof) {
    const auto& verdict = report.proof->verdict;
    Json lost = Json::array(), disorder = Json::array();
    for (const Token& token : verdict.lost_first) lost.push_back(json_of(token, chat_of));
    for (const auto& one : verdict.out_of_order_first) {
      disorder.push_back(json_of(one.token, chat_of));
      disorder.back()["after"] = one.by;
    }
    json["proof"] = {{"settled", report.proof->settled},
                     {"backlog", report.proof->backlog},
                     {"received", verdict.received},
                     {"received_again", verdict.received_again},
                     {"foreign", verdict.foreign},
                     {"dead_letters", verdict.dead},
                     {"lost", verdict.lost},
                     {"out_of_order", verdict.out_of_order},
                     {"lost_first", std::move(lost)},
                     {"out_of_order_first", std::move(disorder)}};
  }
  json["good"] = report.good();
  return json;
}

std::string progress_line(const SimulateReport& report, std::optional<std::uint64_t> missing) {
  const auto& tally = report.tally;
  std::string text = fmt::format("{} sent {} ({}/s)", time_of(report.sending), tally.sent(), number_text(rate(report, tally.sent())));
  if (report.served) {
    text += fmt::format(", deleted {}, waiting {}", report.served->deleted, report.served->waiting);
  } else {
    text += fmt::format(", acknowledged {}", tally.acknowledged);
    if (tally.latencies.count() > 0 && !report.settling) {
      text += fmt::format(", p50 {}, p99 {}", time_of(tally.latencies.percentile(0.5)), time_of(tally.latencies.percentile(0.99)));
    }
  }
  for (const auto& [answer, count] : tally.by_answer) {
    if (answer != "200") text += fmt::format(", {}: {}", answer, count);
  }
  if (tally.pauses > 0) text += fmt::format(", pauses {} ({} now)", tally.pauses, report.pausing);
  if (!report.settling) return text + (missing ? fmt::format(", on their way {}", *missing) : std::string());
  std::string what;
  const auto add = [&](std::uint64_t count, std::string_view of) {
    if (count > 0) what += fmt::format("{}{} {}", what.empty() ? "" : ", ", count, of);
  };
  add(report.unacknowledged, "without a 200");
  add(report.served ? report.served->waiting : 0, "in the provider's queues");
  add(missing.value_or(0), "not received yet");
  add(report.settling->backlog, "in the fleet");
  return text + fmt::format("; waiting {} of {}{}{}", time_of(report.settling->since), time_of(report.settling->at_most),
                            what.empty() ? "" : " for ", what);
}

}  // namespace hookfleet::cli
