#include "cli/dead_letters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "cli/values.hpp"
#include "common/base/ascii.hpp"
#include "common/base/uuid.hpp"

namespace hookfleet::cli {

Letter to_letter(const Found& found) {
  Letter letter;
  letter.ref = found.ref;
  if (found.death) {
    letter.readable = true;
    letter.dead_class = found.death->dead_class;
  }
  if (found.entry) {
    letter.ours = true;
    letter.id = found.entry->id;
    letter.names = names_of(*found.entry);
    letter.names.id_message.clear();
    letter.names.type_message.clear();
    letter.received_ms = found.entry->received_ms;
  }
  return letter;
}

void Selection::declare(config::Arguments& arguments) {
  arguments.positionals("ID", ids_, "Dead letters by id (UUID) or ref (PARTITION/STREAM-ID); none: by the filters");
  filter_.declare(arguments, true);
  if (must_choose_) arguments.flag("--all", all_, "All of them: needed where neither an ID nor a filter is given");
  arguments.option("--limit", limit_text_, "N",
                   "At most N" + (limit_ == UINT64_MAX ? std::string() : fmt::format(" [default: {}, IDs all]", limit_)));
}

void Selection::prepare() {
  limit_ = count_of("--limit", limit_text_, ids_.empty() ? limit_ : UINT64_MAX);
  if (const auto ok = filter_.prepare(std::chrono::system_clock::now()); !ok) wrong_usage(ok.error());
  for (std::string& id : ids_) {
    id = base::lower(id);
    if (Ref::parse(id) || base::unix_ms(base::uuid_v7_time(id)) > 0) continue;
    wrong_usage(shown(id, 80) + ": is neither an entry's id (UUIDv7) nor a ref PARTITION/STREAM-ID as `dead-letters list` shows it");
  }
  if (!ids_.empty() && !filter_.all()) wrong_usage("give either IDs or filters");
  if (must_choose_ && ids_.empty() && filter_.all() && !all_)
    wrong_usage("say which: IDs, a filter (--class, --type, --instance, --chat, --since, --until), or --all");
  if (all_ && (!ids_.empty() || !filter_.all())) wrong_usage("--all excludes IDs and filters");
}

Selection::Outcome Selection::visit(Fleet& fleet, Console& console, const std::function<Next(const Found&)>& each) const {
  Outcome outcome;
  Progress progress(console, UINT64_MAX);
  // False: nothing more is wanted.
  const auto partition = [&](unsigned p, const std::string& from, const std::string& to, const std::function<Next(const Found&)>& look) {
    Next next = Next::kMore;
    const bool whole = scan(fleet, p, true, from, to, progress, [&](const Found& found) { return (next = look(found)) == Next::kMore; });
    return whole || next == Next::kOtherPartition;
  };
  if (ids_.empty()) {
    const auto only = filter_.partition(fleet.layout());
    for (unsigned p = 0; p < fleet.partitions() && !outcome.limited; ++p) {
      if (only && *only != p) continue;
      outcome.limited = !partition(p, filter_.from(), filter_.to(),
                                   [&](const Found& found) { return filter_.matches(found) ? each(found) : Next::kMore; });
    }
    outcome.seen = progress.seen();
    return outcome;
  }

  std::vector<std::string> left;  // ids, without those that were found
  std::int64_t earliest = INT64_MAX;
  bool stopped = false;
  for (const std::string& id : ids_) {
    const auto ref = Ref::parse(id);
    if (!ref) {
      left.push_back(id);
      earliest = std::min(earliest, base::unix_ms(base::uuid_v7_time(id)));
    } else if (stopped || console.interrupted()) {
      outcome.unknown.push_back(id);
    } else if (const auto found = at_ref(fleet, *ref, true)) {
      stopped = each(*found) == Next::kNothing;
      if (stopped) outcome.unknown.push_back(id);
    } else {
      outcome.missing.push_back(id);
    }
  }
  // A dead letter has the time of its death, which lies behind its id's (a minute for clocks that differ).
  const std::string from = std::to_string(std::max<std::int64_t>(0, earliest - 60'000));
  bool whole = !stopped;
  for (unsigned p = 0; p < fleet.partitions() && whole && !left.empty(); ++p) {
    whole = partition(p, from, "+", [&](const Found& found) {
      if (!found.entry || std::find(left.begin(), left.end(), found.entry->id) == left.end()) return Next::kMore;
      const Next next = each(found);
      if (next == Next::kNothing) return next;
      std::erase(left, found.entry->id);
      return left.empty() ? Next::kOtherPartition : Next::kMore;
    });
  }
  auto& rest = whole ? outcome.missing : outcome.unknown;
  rest.insert(rest.end(), left.begin(), left.end());
  outcome.limited = !outcome.unknown.empty();
  outcome.seen = progress.seen();
  return outcome;
}

Selection::Outcome Selection::each(Fleet& fleet, Console& console, const std::function<void(const Found&)>& each) const {
  std::uint64_t matched = 0;
  Outcome outcome = visit(fleet, console, [&](const Found& found) {
    if (matched == limit_) return Next::kNothing;
    ++matched;
    each(found);
    return Next::kMore;
  });
  outcome.matched = matched;
  return outcome;
}

Selection::Outcome Selection::oldest(Fleet& fleet, Console& console, std::vector<Kept>& kept,
                                     const std::function<std::vector<std::string>(const Found&)>& each) const {
  const auto died_before = [](const Kept& a, const Kept& b) {
    return std::tie(a.ref.id, a.ref.partition) < std::tie(b.ref.id, b.ref.partition);
  };
  bool limited = false;
  Outcome outcome = visit(fleet, console, [&](const Found& found) {
    Kept one{found.ref, found.death ? std::string(stream::to_text(found.death->dead_class)) : "foreign", {}};
    if (kept.size() == limit_) {  // a heap, the one that died last on top
      limited = true;
      if (!died_before(one, kept.front())) return Next::kOtherPartition;  // those behind it died later still
      std::pop_heap(kept.begin(), kept.end(), died_before);
      kept.pop_back();
    }
    one.cells = each(found);
    kept.push_back(std::move(one));
    std::push_heap(kept.begin(), kept.end(), died_before);
    return Next::kMore;
  });
  std::sort_heap(kept.begin(), kept.end(), died_before);
  outcome.matched = kept.size();
  outcome.limited = outcome.limited || limited;
  return outcome;
}

void Selection::Outcome::tell(Console& console) const {
  for (const std::string& id : missing) console.err(id + ": is no dead letter (any more)\n");
  for (const std::string& id : unknown) console.err(id + ": was not looked for to the end (--limit, or interrupted)\n");
}

std::string Selection::text() const {
  if (all_) return "all";
  return filter_.text();
}

std::string by_class(const std::map<std::string, std::uint64_t>& counts) {
  std::string text;
  for (const auto& [name, count] : counts) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, name);
  return text;
}

}  // namespace hookfleet::cli
