#include <fmt/format.h>

#include <algorithm>

#include "cli/dead_letters.hpp"
#include "cli/describe.hpp"
#include "cli/values.hpp"
#include "cli/verb_list.hpp"

// The verbs that only read dead letters: list, show, export.
namespace hookfleet::cli {
namespace {

constexpr std::uint64_t kListed = 100;

class ListVerb final : public Verb {
 public:
  void declare(config::Arguments& arguments) override {
    selection_.declare(arguments);
    arguments.group("How");
    declare_output(arguments, output_);
    fleet_.declare(arguments);
  }

  int run(Console& console, const Environment& environment) override {
    selection_.prepare();
    Fleet fleet(fleet_, environment);
    console.catch_interrupts();
    std::vector<Found> found;
    std::map<std::string, std::uint64_t> counts;
    const Selection::Outcome outcome = selection_.each(fleet, console, [&](const Found& one) {
      ++counts[one.death ? std::string(stream::to_text(one.death->dead_class)) : "foreign"];
      found.push_back(one);
      if (found.back().entry) found.back().entry->body.shrink_to_fit();
    });
    std::sort(found.begin(), found.end(), [](const Found& a, const Found& b) { return a.place.id < b.place.id; });
    if (is_json(output_)) {
      for (const Found& one : found) console.out(json_text(to_json(one, false)) + '\n');
    } else {
      Table table({"REF", "DIED", "CLASS", "TYPE", "INSTANCE", "CHAT", ">ATTEMPTS", "ERROR"});
      for (const Found& one : found) {
        const bool ours = one.entry.has_value();
        table.row({one.place.text(), time_text(static_cast<std::int64_t>(one.place.id.ms)),
                   one.death ? std::string(stream::to_text(one.death->dead_class)) : "foreign", ours ? one.entry->type_webhook : "-",
                   ours ? std::to_string(one.entry->id_instance) : "-", ours ? one.entry->chat : "-",
                   one.death ? std::to_string(one.death->attempts) : "-", one.death ? one.death->error.substr(0, 60) : one.foreign});
      }
      if (!table.empty()) console.out(table.text());
      console.err(outcome.matched == 0 ? "no dead letter matches\n"
                                       : fmt::format("{}: {}{}\n", outcome.matched, by_class(counts),
                                                     outcome.limited ? "; there may be more, --limit shows them" : ""));
    }
    for (const std::string& id : outcome.missing) console.err(id + ": is no dead letter\n");
    return outcome.missing.empty() ? kOk : kFailed;
  }

 private:
  Selection selection_{false, kListed};
  std::string output_;
  FleetOptions fleet_;
};

class ShowVerb final : public Verb {
 public:
  void declare(config::Arguments& arguments) override {
    selection_.declare(arguments);
    arguments.group("How");
    declare_output(arguments, output_);
    fleet_.declare(arguments);
  }

  int run(Console& console, const Environment& environment) override {
    selection_.prepare();
    Fleet fleet(fleet_, environment);
    console.catch_interrupts();
    std::vector<Found> found;
    const Selection::Outcome outcome = selection_.each(fleet, console, [&](const Found& one) { found.push_back(one); });
    for (const Found& one : found) {
      const Context context = context_of(fleet, one);
      console.out(is_json(output_) ? json_text(to_json(one, context)) + '\n' : (&one == found.data() ? "" : "\n") + describe(one, context));
    }
    for (const std::string& id : outcome.missing) console.err(id + ": is no dead letter\n");
    if (found.empty() && outcome.missing.empty()) console.err("no dead letter matches\n");
    if (outcome.limited) console.err("there may be more, --limit shows them\n");
    return outcome.missing.empty() ? kOk : kFailed;
  }

 private:
  Selection selection_{true, 10};
  std::string output_;
  FleetOptions fleet_;
};

class ExportVerb final : public Verb {
 public:
  void declare(config::Arguments& arguments) override {
    selection_.declare(arguments);
    fleet_.declare(arguments);
  }

  int run(Console& console, const Environment& environment) override {
    selection_.prepare();
    Fleet fleet(fleet_, environment);
    console.catch_interrupts();
    const Selection::Outcome outcome =
        selection_.each(fleet, console, [&](const Found& one) { console.out(json_text(to_json(one, true)) + '\n'); });
    console.err(fmt::format("exported {}{}\n", outcome.matched, outcome.limited ? "; there may be more (interrupted, or --limit)" : ""));
    for (const std::string& id : outcome.missing) console.err(id + ": is no dead letter\n");
    return outcome.missing.empty() && !(outcome.limited && console.interrupted()) ? kOk : kFailed;
  }

 private:
  Selection selection_{false, UINT64_MAX};
  FleetOptions fleet_;
};

constexpr std::string_view kListExamples = R"(
Oldest first. Classes: malformed (no JSON), invalid (breaks its schema), failed (all attempts failed), rejected (a handler or target said
never), crash (its handling ended the process), expired (its target was away for too long).

Examples:
  hookfleet dead-letters list
  hookfleet dead-letters list --class failed --type incomingMessageReceived --since 2h
  hookfleet dead-letters list --chat 79001234567@c.us --instance 1101000001 -o json
)";

constexpr std::string_view kShowExamples = R"(
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

Listed dead_letters_list_verb() {
  return {"dead-letters list", "[ID…] [FILTERS]", "Which notifications could not be handled, and why", kListExamples, make_verb<ListVerb>};
}
Listed dead_letters_show_verb() {
  return {"dead-letters show", "ID… | FILTERS | --all", "Dead letters in full, with their bodies", kShowExamples, make_verb<ShowVerb>};
}
Listed dead_letters_export_verb() {
  return {"dead-letters export", "[ID…] [FILTERS]", "Dead letters as JSON lines, with their exact bytes", kExportExamples,
          make_verb<ExportVerb>};
}

}  // namespace hookfleet::cli
