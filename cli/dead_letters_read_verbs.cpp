#include <fmt/format.h>

#include <map>
#include <utility>

#include "cli/dead_letters.hpp"
#include "cli/describe.hpp"
#include "cli/values.hpp"
#include "cli/verb_list.hpp"

// The verbs that only read dead letters: list, show, export.
namespace hookfleet::cli {
namespace {

constexpr std::uint64_t kDeadLettersListed = 100;

/// Reads what a selection means.
class Reading : public Verb {
 public:
  void declare(config::Arguments& arguments) override {
    selection_.declare(arguments);
    if (has_output_) {
      arguments.group("How");
      declare_output(arguments, output_);
    }
    fleet_.declare(arguments);
  }

  int run(Console& console, const Environment& environment) override {
    selection_.prepare();
    Fleet fleet(fleet_, environment);
    console.catch_interrupts();
    const Selection::Outcome outcome = read(console, fleet);
    outcome.tell(console);
    return outcome.all_found() && !console.interrupted() ? kOk : kFailed;
  }

 protected:
  Reading(Selection selection, bool has_output) : selection_(std::move(selection)), has_output_(has_output) {}
  /// Reads and prints.
  virtual Selection::Outcome read(Console& console, Fleet& fleet) = 0;
  const Selection& selection() const { return selection_; }
  bool json() const { return is_json(output_); }

 private:
  Selection selection_;
  const bool has_output_;
  std::string output_;
  FleetOptions fleet_;
};

std::vector<std::string> row_of(const Found& one) {
  const bool ours = one.entry.has_value();
  return {one.ref.text(),
          time_text(static_cast<std::int64_t>(one.ref.id.ms)),
          one.death ? std::string(stream::to_text(one.death->dead_class)) : "foreign",
          ours ? one.entry->type_webhook : "-",
          ours ? std::to_string(one.entry->id_instance) : "-",
          ours ? one.entry->chat : "-",
          one.death ? std::to_string(one.death->attempts) : "-",
          one.death ? one.death->error.substr(0, 60) : one.foreign};
}

class DeadLettersListVerb final : public Reading {
 public:
  DeadLettersListVerb() : Reading(Selection(false, kDeadLettersListed), true) {}

 private:
  Selection::Outcome read(Console& console, Fleet& fleet) override {
    std::vector<Selection::Kept> kept;
    Selection::Outcome outcome = selection().oldest(fleet, console, kept, [&](const Found& one) {
      return json() ? std::vector<std::string>{json_text(to_json(one, false))} : row_of(one);
    });
    std::map<std::string, std::uint64_t> counts;
    Table table({"REF", "DIED", "CLASS", "TYPE", "INSTANCE", "CHAT", ">ATTEMPTS", "ERROR"});
    for (Selection::Kept& one : kept) {
      ++counts[one.dead_class];
      json() ? console.out(one.cells.front() + '\n') : table.row(std::move(one.cells));
    }
    if (json()) return outcome;
    if (!table.empty()) console.out(table.text());
    console.err(outcome.matched == 0 ? "no dead letter matches\n"
                                     : fmt::format("{}: {}{}\n", outcome.matched, by_class(counts),
                                                   outcome.limited ? "; there may be more, --limit shows them" : ""));
    return outcome;
  }
};

class DeadLettersShowVerb final : public Reading {
 public:
  DeadLettersShowVerb() : Reading(Selection(true, 10), true) {}

 private:
  Selection::Outcome read(Console& console, Fleet& fleet) override {
    std::vector<Found> found;
    Selection::Outcome outcome = selection().each(fleet, console, [&](const Found& one) { found.push_back(one); });
    for (const Found& one : found) {
      const Context context = context_of(fleet, one);
      console.out(json() ? json_text(to_json(one, context)) + '\n' : (&one == found.data() ? "" : "\n") + describe(one, context));
    }
    if (found.empty() && outcome.all_found()) console.err("no dead letter matches\n");
    if (outcome.limited) console.err("there may be more, --limit shows them\n");
    return outcome;
  }
};

class ExportVerb final : public Reading {
 public:
  ExportVerb() : Reading(Selection(false, UINT64_MAX), false) {}

 private:
  Selection::Outcome read(Console& console, Fleet& fleet) override {
    Selection::Outcome outcome =
        selection().each(fleet, console, [&](const Found& one) { console.out(json_text(to_json(one, true)) + '\n'); });
    console.err(fmt::format("exported {}{}\n", outcome.matched, outcome.limited ? "; there may be more (interrupted, or --limit)" : ""));
    return outcome;
  }
};

constexpr std::string_view kDeadLettersListExamples = R"(
The --limit that died first, oldest first. Classes: malformed (no JSON), invalid (breaks its schema), failed (all attempts failed), rejected (a handler or
target said never), crash (its handling ended the process), expired (its target was away for too long).

Examples:
  hookfleet dead-letters list
  hookfleet dead-letters list --class failed --type incomingMessageReceived --since 2h
  hookfleet dead-letters list --chat 79001234567@c.us --instance 1101000001 -o json
)";

constexpr std::string_view kDeadLettersShowExamples = R"(
Examples:
  hookfleet dead-letters show 7/1764113835123-0
  hookfleet dead-letters show --class crash --limit 3
)";

constexpr std::string_view kExportExamples = R"(
One JSON object a line, with all that is stored: v, id, i, c, t, r, s, q as the entry's fields are named, the death, and the exact bytes as
`body`, or as `body_base64` where they are no UTF-8. What is no entry of ours has `fields` instead.

Examples:
  hookfleet dead-letters export > dead-letters.jsonl
  hookfleet dead-letters export --class malformed > malformed.jsonl
  jq -r .ref malformed.jsonl | xargs -r -n 1000 hookfleet dead-letters drop --yes    # exactly what was exported
)";

}  // namespace

VerbSpec dead_letters_list_verb() {
  return {"dead-letters list", "[ID…] [FILTERS]", "Which notifications could not be handled, and why", kDeadLettersListExamples,
          make_verb<DeadLettersListVerb>};
}
VerbSpec dead_letters_show_verb() {
  return {"dead-letters show", "ID… | FILTERS | --all", "Dead letters in full, with their bodies", kDeadLettersShowExamples,
          make_verb<DeadLettersShowVerb>};
}
VerbSpec dead_letters_export_verb() {
  return {"dead-letters export", "[ID…] [FILTERS]", "Dead letters as JSON lines, with their exact bytes", kExportExamples,
          make_verb<ExportVerb>};
}

}  // namespace hookfleet::cli
