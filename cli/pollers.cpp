#include "cli/pollers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "common/base/number.hpp"
#include "common/greenapi/answer.hpp"

namespace hookfleet::cli {
namespace {

bool passes(const stream::PollTrouble& trouble) {
  const auto kind = greenapi::failure_kind(trouble.kind);
  return kind && greenapi::passes_by_itself(*kind);
}

}  // namespace

Pollers read_pollers(Fleet& fleet, const std::vector<std::uint64_t>& expected) {
  Pollers result;
  const stream::Keys& keys = fleet.keys();
  std::vector<Words> commands{{"ZRANGE", keys.pollers(), "0", "-1", "WITHSCORES"}, {"ZRANGE", keys.polled(), "0", "-1"}};
  const auto readable = [&](const redis::Reply& reply, const std::string& key) {
    if (!reply.view().is_error()) return true;
    result.problems.push_back(shown(key) + ": " + shown(reply.view().text(), 160));
    return false;
  };
  const std::vector<redis::Reply> lists = fleet.ask_all(commands);
  std::set<std::uint64_t> ids(expected.begin(), expected.end());
  if (readable(lists[1], commands[1][1])) {
    for (std::size_t i = 0; i < lists[1].view().size(); ++i) {
      if (const auto id = base::to_number<std::uint64_t>(lists[1].view()[i].text())) ids.insert(*id);
    }
  }
  const std::string list = commands[0][1];
  commands.clear();
  for (const std::uint64_t id : ids)
    commands.push_back({"HMGET", keys.poll(id), "owner", "epoch", "until", std::string(stream::PollTrouble::kField)});
  const std::vector<redis::Reply> leases = fleet.ask_all(commands);
  result.now_ms = fleet.now_ms();

  std::map<std::string, PollerState> by_name;
  if (readable(lists[0], list)) {
    const redis::ReplyView members = lists[0].view();
    for (std::size_t i = 0; i + 1 < members.size(); i += 2) {
      PollerState& poller = by_name[std::string(members[i].text())];
      poller.heartbeat_age_ms = std::max<std::int64_t>(0, result.now_ms - members[i + 1].integer());
    }
  }
  std::size_t at = 0;
  for (const std::uint64_t id : ids) {
    const redis::Reply& reply = leases[at];
    PolledInstance& instance = result.instances.emplace_back();
    instance.id = id;
    if (!readable(reply, commands[at++][1])) continue;
    const redis::ReplyView lease = reply.view();
    if (lease[0].text().empty() || lease[2].integer() <= result.now_ms) continue;  // never taken, given back, or run out
    instance.poller = lease[0].text();
    instance.since_ms = lease[1].integer();  // an epoch is the time at which it began, or a little more
    instance.trouble = stream::PollTrouble::parse(lease[3].text());
    if (instance.trouble && instance.trouble->epoch != lease[1].text()) instance.trouble.reset();
    const auto owner = by_name.find(instance.poller);
    if (owner == by_name.end()) continue;  // killed: its lease has not run out yet
    ++owner->second.instances;
    if (instance.trouble) ++owner->second.in_trouble;
    if (owner->second.since_ms == 0 || instance.since_ms < owner->second.since_ms) owner->second.since_ms = instance.since_ms;
  }
  for (auto& [name, poller] : by_name) {
    poller.name = name;
    result.pollers.push_back(poller);
  }
  return result;
}

bool has_pollers(const Pollers& pollers) { return !pollers.pollers.empty() || !pollers.instances.empty(); }

std::string render(const Pollers& pollers, std::size_t rows_max) {
  Table members({"POLLER", ">HEARTBEAT", "SINCE", ">INSTANCES", ">FAILING"});
  for (const PollerState& one : pollers.pollers) {
    members.row({one.name, age_text(one.heartbeat_age_ms) + " ago", time_text(one.since_ms), std::to_string(one.instances),
                 one.in_trouble == 0 ? "-" : std::to_string(one.in_trouble)});
  }
  std::string out = members.empty() ? "no poller runs\n" : members.text();
  Table odd({">INSTANCE", "STATE", ">FOR", "POLLER", "WHY"});
  std::size_t failing = 0, unowned = 0;
  for (const PolledInstance& one : pollers.instances) {
    std::string state = "unowned", since = "-", poller = "-", reason = "no poller holds it";
    if (one.poller.empty()) {
      ++unowned;
    } else if (one.trouble) {
      ++failing;
      state = passes(*one.trouble) ? "failing" : "paused";
      since = age_text(std::max<std::int64_t>(0, pollers.now_ms - one.trouble->since_ms));
      poller = one.poller;
      reason = one.trouble->kind + ": " + one.trouble->message;  // escaped by the table
    } else {
      continue;
    }
    if (failing + unowned <= rows_max) odd.row({std::to_string(one.id), state, since, poller, reason});
  }
  out += fmt::format("instances {}  failing {}  unowned {}\n", pollers.instances.size(), failing, unowned);
  if (!odd.empty()) out += odd.text();
  if (failing + unowned > rows_max) out += fmt::format("… {} more: -o json has them all\n", failing + unowned - rows_max);
  return out;
}

Json to_json(const Pollers& pollers) {
  Json json{{"pollers", Json::array()}, {"polled", Json::array()}};
  for (const PollerState& one : pollers.pollers) {
    json["pollers"].push_back({{"name", one.name},
                               {"heartbeat_age_ms", one.heartbeat_age_ms},
                               {"since", one.since_ms == 0 ? Json() : Json(time_text(one.since_ms))},
                               {"instances", one.instances},
                               {"failing", one.in_trouble}});
  }
  for (const PolledInstance& one : pollers.instances) {
    Json instance{{"idInstance", one.id}, {"poller", one.poller.empty() ? Json() : Json(one.poller)}};
    if (!one.poller.empty()) instance["since"] = time_text(one.since_ms);
    if (one.trouble) {
      instance["trouble"] = {{"kind", one.trouble->kind}, {"since", time_text(one.trouble->since_ms)}, {"error", one.trouble->message}};
    }
    json["polled"].push_back(std::move(instance));
  }
  return json;
}

}  // namespace hookfleet::cli
