#include "cli/dead_letters.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "cli/values.hpp"
#include "common/base/uuid.hpp"

namespace hookfleet::cli {

Letter to_letter(const Found& found) {
  Letter letter;
  letter.place = found.place;
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
                   "At most N" + (limit_ == UINT64_MAX ? std::string() : fmt::format(" [default: {}]", limit_)));
}

void Selection::prepare() {
  limit_ = count_of("--limit", limit_text_, limit_);
  if (const auto ok = filter_.prepare(std::chrono::system_clock::now()); !ok) wrong_usage(ok.error());
  for (std::string& id : ids_) {
    std::transform(id.begin(), id.end(), id.begin(), [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c; });
    if (Place::parse(id) || base::unix_ms(base::uuid_v7_time(id)) > 0) continue;
    wrong_usage(shown(id, 80) + ": is neither an entry's id (UUIDv7) nor a ref PARTITION/STREAM-ID as `dead-letters list` shows it");
  }
  if (!ids_.empty() && !filter_.all()) wrong_usage("give either IDs or filters");
  if (must_choose_ && ids_.empty() && filter_.all() && !all_)
    wrong_usage("say which: IDs, a filter (--class, --type, --instance, --chat, --since, --until), or --all");
  if (all_ && (!ids_.empty() || !filter_.all())) wrong_usage("--all excludes IDs and filters");
}

Selection::Outcome Selection::each(Fleet& fleet, Console& console, const std::function<void(const Found&)>& each) const {
  Outcome outcome;
  Progress progress(console, UINT64_MAX);
  const auto take = [&](const Found& found) {
    if (outcome.matched == limit_) {
      outcome.limited = true;
      return false;
    }
    ++outcome.matched;
    each(found);
    return true;
  };
  if (!ids_.empty()) {
    std::vector<std::string> uuids;
    std::int64_t earliest = INT64_MAX;
    for (const std::string& id : ids_) {
      const auto place = Place::parse(id);
      if (!place) {
        uuids.push_back(id);
        earliest = std::min(earliest, base::unix_ms(base::uuid_v7_time(id)));
      } else if (const auto found = at_place(fleet, *place, true)) {
        take(*found);
      } else {
        outcome.missing.push_back(id);
      }
    }
    // A dead letter has the time of its death, which lies behind its id's (a minute for clocks that differ).
    const std::string from = std::to_string(std::max<std::int64_t>(0, earliest - 60'000));
    std::vector<std::string> left = uuids;
    for (unsigned p = 0; p < fleet.partitions() && !left.empty(); ++p) {
      scan(fleet, p, true, from, "+", progress, [&](const Found& found) {
        if (!found.entry || std::find(uuids.begin(), uuids.end(), found.entry->id) == uuids.end()) return true;
        std::erase(left, found.entry->id);
        return take(found);
      });
    }
    outcome.missing.insert(outcome.missing.end(), left.begin(), left.end());
  } else {
    const auto only = filter_.partition(fleet.layout());
    for (unsigned p = 0; p < fleet.partitions() && !outcome.limited; ++p) {
      if (only && *only != p) continue;
      const bool whole = scan(fleet, p, true, filter_.from(), filter_.to(), progress,
                              [&](const Found& found) { return !filter_.matches(found) || take(found); });
      if (!whole) outcome.limited = true;
    }
  }
  outcome.seen = progress.seen();
  return outcome;
}

std::string Selection::text() const {
  if (all_) return "all";
  return filter_.text();
}

bool confirmed(Console& console, bool yes, const std::string& question) {
  if (yes) return true;
  if (!console.can_ask())
    throw Failed{"this changes Redis and nobody can be asked here: add --yes (--dry-run shows what would happen)", kUsage};
  return console.confirm(question);
}

std::string by_class(const std::map<std::string, std::uint64_t>& counts) {
  std::string text;
  for (const auto& [name, count] : counts) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, name);
  return text;
}

}  // namespace hookfleet::cli
