#include "cli/snapshot.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/stream/layout.hpp"

namespace hookfleet::cli {
namespace {

constexpr std::size_t kPerPartition = 7;

struct Totals {
  std::uint64_t backlog = 0, retries = 0, dead_letters = 0;
  std::int64_t oldest_age_ms = -1, oldest_death_age_ms = -1;
  unsigned owned = 0;
  std::optional<Rates> rates;
  std::vector<std::pair<unsigned, HeldType>> holds;  // those that hold
};

Totals totals(const Snapshot& snapshot, const Snapshot* before) {
  Totals sum;
  for (const PartitionState& one : snapshot.partitions) {
    sum.backlog += one.backlog;
    sum.retries += one.retries;
    sum.dead_letters += one.dead_letters;
    sum.oldest_age_ms = std::max(sum.oldest_age_ms, one.oldest_age_ms);
    sum.oldest_death_age_ms = std::max(sum.oldest_death_age_ms, one.oldest_death_age_ms);
    sum.owned += one.owned() ? 1U : 0U;
    for (const HeldType& type : one.holds) {
      if (type.held()) sum.holds.emplace_back(one.partition, type);
    }
  }
  if (before != nullptr) {
    for (const auto& one : rates(*before, snapshot)) {
      if (!one) continue;
      if (!sum.rates) sum.rates = Rates{};
      sum.rates->in += one->in;
      sum.rates->out += one->out;
    }
  }
  return sum;
}

std::string hold_text(const std::vector<HeldType>& holds) {
  std::string text;
  for (const HeldType& one : holds) {
    if (one.held()) text += (text.empty() ? "" : ",") + one.type;
  }
  return text.empty() ? "-" : text;
}

std::string dash(std::uint64_t count) { return count == 0 ? "-" : std::to_string(count); }

}  // namespace

Snapshot take_snapshot(Fleet& fleet, const std::vector<std::uint64_t>& polled) {
  Snapshot snapshot;
  const stream::Keys& keys = fleet.keys();
  std::vector<Words> commands;
  for (unsigned p = 0; p < keys.partitions(); ++p) {
    commands.insert(commands.end(), {{"XLEN", keys.stream(p)},
                                     {"XRANGE", keys.stream(p), "-", "+", "COUNT", "1"},
                                     {"HLEN", keys.att(p)},
                                     {"HGETALL", keys.ctl(p)},
                                     {"XLEN", keys.dlq(p)},
                                     {"XRANGE", keys.dlq(p), "-", "+", "COUNT", "1"},
                                     {"EXISTS", keys.stream(p)}});
  }
  commands.push_back({"ZRANGE", keys.members(), "0", "-1", "WITHSCORES"});
  const std::vector<redis::Reply> replies = fleet.ask_all(commands);
  snapshot.now_ms = fleet.now_ms();

  const auto readable = [&](std::size_t at) {
    const redis::ReplyView reply = replies[at].view();
    if (!reply.is_error()) return true;
    const std::string problem = shown(commands[at][1]) + ": " + shown(reply.text(), 160);
    if (snapshot.problems.empty() || snapshot.problems.back() != problem) snapshot.problems.push_back(problem);
    return false;
  };
  std::vector<Words> infos;
  for (unsigned p = 0; p < keys.partitions(); ++p) {
    PartitionState& state = snapshot.partitions.emplace_back();
    state.partition = p;
    const std::size_t at = p * kPerPartition;
    if (readable(at)) state.backlog = static_cast<std::uint64_t>(replies[at].view().integer());
    if (readable(at + 1) && replies[at + 1].view().size() > 0) {
      const redis::ReplyView oldest = replies[at + 1].view()[0];
      const std::int64_t received_ms = oldest[1].field("r").integer();
      const auto id = stream::StreamId::parse(oldest[0].text()).value_or(stream::StreamId{});
      state.oldest_age_ms = std::max<std::int64_t>(0, snapshot.now_ms - (received_ms > 0 ? received_ms : static_cast<std::int64_t>(id.ms)));
    }
    if (readable(at + 2)) state.retries = static_cast<std::uint64_t>(replies[at + 2].view().integer());
    if (readable(at + 3)) {
      const redis::ReplyView ctl = replies[at + 3].view();
      state.owner = ctl.field("owner").text();
      state.lease_ms = state.owner.empty() ? 0 : ctl.field("until").integer() - snapshot.now_ms;
      for (std::size_t i = 0; i + 1 < ctl.size(); i += 2) {
        const auto type = stream::held_type(ctl[i].text());
        if (!type) continue;
        HeldType& held = state.holds.emplace_back(HeldType{std::string(*type), stream::TypeHold::parse(ctl[i + 1].text())});
        if (held.hold) continue;
        held.problem = shown(keys.ctl(p)) + ": the field " + shown(ctl[i].text(), 80) + " is of a format that this version doesn't know";
        snapshot.problems.push_back(held.problem);
      }
    }
    if (readable(at + 4)) state.dead_letters = static_cast<std::uint64_t>(replies[at + 4].view().integer());
    if (readable(at + 5) && replies[at + 5].view().size() > 0) {
      const auto id = stream::StreamId::parse(replies[at + 5].view()[0][0].text()).value_or(stream::StreamId{});
      state.oldest_death_age_ms = std::max<std::int64_t>(0, snapshot.now_ms - static_cast<std::int64_t>(id.ms));
    }
    const bool exists = replies[at + 6].view().integer() == 1;
    state.adds_known = !exists;  // none were added to what isn't there
    if (exists && !replies[at].view().is_error()) infos.push_back({"XINFO", "STREAM", keys.stream(p)});
  }
  const std::vector<redis::Reply> told = fleet.ask_all(infos);
  for (std::size_t i = 0; i < told.size(); ++i) {
    for (PartitionState& state : snapshot.partitions) {
      if (keys.stream(state.partition) != infos[i][2]) continue;
      const redis::ReplyView added = told[i].view().field("entries-added");
      state.adds_known = added.is_integer();
      state.added = static_cast<std::uint64_t>(added.integer());
    }
  }

  if (readable(replies.size() - 1)) {
    const redis::ReplyView members = replies.back().view();
    for (std::size_t i = 0; i + 1 < members.size(); i += 2) {
      MemberState& member = snapshot.members.emplace_back();
      member.name = members[i].text();
      member.heartbeat_age_ms = std::max<std::int64_t>(0, snapshot.now_ms - members[i + 1].integer());
      member.partitions = static_cast<unsigned>(std::count_if(snapshot.partitions.begin(), snapshot.partitions.end(),
                                                              [&](const auto& one) { return one.owned() && one.owner == member.name; }));
    }
    std::sort(snapshot.members.begin(), snapshot.members.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  }
  snapshot.pollers = read_pollers(fleet, polled);
  snapshot.problems.insert(snapshot.problems.end(), snapshot.pollers.problems.begin(), snapshot.pollers.problems.end());
  return snapshot;
}

std::vector<std::optional<Rates>> rates(const Snapshot& before, const Snapshot& after) {
  std::vector<std::optional<Rates>> result(after.partitions.size());
  const double seconds = static_cast<double>(after.now_ms - before.now_ms) / 1000;
  if (seconds <= 0 || before.partitions.size() != after.partitions.size()) return result;
  for (std::size_t p = 0; p < result.size(); ++p) {
    const PartitionState& a = before.partitions[p];
    const PartitionState& b = after.partitions[p];
    if (!a.adds_known || !b.adds_known || b.added < a.added) continue;
    const auto came = static_cast<double>(b.added - a.added);
    const double went = came - (static_cast<double>(b.backlog) - static_cast<double>(a.backlog));
    result[p] = Rates{came / seconds, std::max(0.0, went) / seconds};
  }
  return result;
}

std::string render(const Fleet& fleet, const Snapshot& snapshot, const Snapshot* before, unsigned height) {
  const Totals sum = totals(snapshot, before);
  std::string out =
      fmt::format("{}  prefix {}  layout {}  {}\n", fleet.server(), shown(fleet.layout().prefix),
                  fleet.stored_layout().empty() ? "none yet (no program of the fleet has run)" : stream::to_text(fleet.layout()),
                  time_text(snapshot.now_ms));
  out += fmt::format("partitions {}/{} owned  backlog {}  oldest {}  retries {}  dead letters {}{}  holds {}", sum.owned,
                     snapshot.partitions.size(), sum.backlog, age_text(sum.oldest_age_ms), sum.retries, sum.dead_letters,
                     sum.dead_letters > 0 ? " (oldest " + age_text(sum.oldest_death_age_ms) + ")" : "", sum.holds.size());
  if (sum.rates) out += fmt::format("  in {}/s  out {}/s", number_text(sum.rates->in), number_text(sum.rates->out));
  out += '\n';
  if (!sum.holds.empty()) {
    for (const auto& [partition, one] : sum.holds) {
      out += fmt::format("held: {} in partition {} for {}; `hookfleet resume {}` ends it\n", shown(one.type), partition,
                         age_text(snapshot.now_ms - one.hold->since_ms), shown(one.type));
    }
  }
  for (const std::string& problem : snapshot.problems) out += "unreadable: " + problem + '\n';
  out += '\n';

  Table members({"MEMBER", ">HEARTBEAT", ">PARTITIONS"});
  for (const MemberState& one : snapshot.members) {
    members.row({one.name, age_text(one.heartbeat_age_ms) + " ago", std::to_string(one.partitions)});
  }
  out += members.empty() ? "no members: no worker runs\n" : members.text();
  out += '\n';
  if (has_pollers(snapshot.pollers)) out += render(snapshot.pollers) + '\n';

  const auto by_partition = before != nullptr ? rates(*before, snapshot) : std::vector<std::optional<Rates>>();
  std::vector<std::string> headings{">P", "OWNER", ">LEASE", ">BACKLOG", ">OLDEST"};
  if (before != nullptr) headings.insert(headings.end(), {">IN/S", ">OUT/S"});
  headings.insert(headings.end(), {">RETRIES", ">DEAD", "HELD TYPES"});
  Table partitions(headings);
  for (std::size_t p = 0; p < snapshot.partitions.size(); ++p) {
    const PartitionState& one = snapshot.partitions[p];
    std::vector<std::string> row{std::to_string(one.partition), one.owner.empty() ? "-" : one.owner,
                                 one.owner.empty()  ? "-"
                                 : one.lease_ms > 0 ? age_text(one.lease_ms)
                                                    : "expired",
                                 std::to_string(one.backlog), age_text(one.oldest_age_ms)};
    if (before != nullptr) {
      const auto& rate = by_partition[p];
      row.insert(row.end(), {rate ? number_text(rate->in) : "?", rate ? number_text(rate->out) : "?"});
    }
    row.insert(row.end(), {dash(one.retries), dash(one.dead_letters), hold_text(one.holds)});
    partitions.row(std::move(row));
  }
  out += partitions.text();
  if (height == 0) return out;
  const auto lines = static_cast<std::size_t>(std::count(out.begin(), out.end(), '\n'));
  if (lines <= height) return out;
  std::size_t end = 0;
  for (unsigned line = 0; line + 1 < height; ++line) end = out.find('\n', end) + 1;
  return out.substr(0, end) + fmt::format("… {} more lines: a taller terminal shows them\n", lines - height + 1);
}

Json to_json(const Fleet& fleet, const Snapshot& snapshot, const Snapshot* before) {
  const Totals sum = totals(snapshot, before);
  Json json;
  json["server"] = fleet.server();
  json["prefix"] = fleet.layout().prefix;
  json["layout"] = fleet.stored_layout().empty() ? Json() : Json(fleet.stored_layout());
  json["time"] = time_text(snapshot.now_ms);
  Json& total = json["total"];
  total = {{"partitions", snapshot.partitions.size()},
           {"owned", sum.owned},
           {"backlog", sum.backlog},
           {"oldest_age_ms", sum.oldest_age_ms < 0 ? Json() : Json(sum.oldest_age_ms)},
           {"retries", sum.retries},
           {"dead_letters", sum.dead_letters}};
  if (sum.rates) total["in_per_s"] = sum.rates->in;
  if (sum.rates) total["out_per_s"] = sum.rates->out;
  json["members"] = Json::array();
  for (const MemberState& one : snapshot.members) {
    json["members"].push_back({{"name", one.name}, {"heartbeat_age_ms", one.heartbeat_age_ms}, {"partitions", one.partitions}});
  }
  const auto by_partition = before != nullptr ? rates(*before, snapshot) : std::vector<std::optional<Rates>>();
  json["partitions"] = Json::array();
  for (std::size_t p = 0; p < snapshot.partitions.size(); ++p) {
    const PartitionState& one = snapshot.partitions[p];
    Json partition = {{"partition", one.partition},
                      {"owner", one.owner.empty() ? Json() : Json(one.owner)},
                      {"owned", one.owned()},
                      {"lease_ms", one.lease_ms},
                      {"backlog", one.backlog},
                      {"oldest_age_ms", one.oldest_age_ms < 0 ? Json() : Json(one.oldest_age_ms)},
                      {"retries", one.retries},
                      {"dead_letters", one.dead_letters},
                      {"oldest_death_age_ms", one.oldest_death_age_ms < 0 ? Json() : Json(one.oldest_death_age_ms)}};
    if (before != nullptr && by_partition[p]) {
      partition["in_per_s"] = by_partition[p]->in;
      partition["out_per_s"] = by_partition[p]->out;
    }
    partition["holds"] = Json::array();
    for (const HeldType& type : one.holds) {
      if (!type.hold) continue;
      partition["holds"].push_back(
          {{"type", type.type}, {"held", type.held()}, {"since", time_text(type.hold->since_ms)}, {"crashes", type.hold->crashes.size()}});
    }
    json["partitions"].push_back(std::move(partition));
  }
  json.update(to_json(snapshot.pollers));
  json["problems"] = snapshot.problems;
  return json;
}

}  // namespace hookfleet::cli
