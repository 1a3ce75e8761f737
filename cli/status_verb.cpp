#include <chrono>
#include <optional>

#include "cli/fleet.hpp"
#include "cli/snapshot.hpp"
#include "cli/text.hpp"
#include "cli/values.hpp"
#include "cli/verb_list.hpp"

namespace hookfleet::cli {
namespace {

class StatusVerb final : public Verb {
 public:
  void declare(config::Arguments& arguments) override {
    arguments.flag("--watch", watch_, "Show it again and again, with rates; q or Ctrl-C ends it");
    arguments.option("--interval", interval_, "DURATION", "Time between two looks with --watch [default: 2s]");
    arguments.option("--sample", sample_, "DURATION", "Look twice, this far apart, and show the rates between");
    arguments.flag("--pollers", pollers_, "Only the pollers and the instances that they fetch for");
    declare_output(arguments, output_);
    fleet_.declare(arguments);
  }

  int run(Console& console, const Environment& environment) override {
    const auto interval = duration_of("--interval", interval_, std::chrono::seconds(2));
    const auto sample = duration_of("--sample", sample_, std::chrono::milliseconds(0));
    Fleet fleet(fleet_, environment);
    if (watch_) return watch(console, fleet, interval);
    Snapshot snapshot = take_snapshot(fleet);
    std::optional<Snapshot> before;
    if (sample.count() > 0) {
      console.catch_interrupts();
      if (console.wait(sample) == Console::Woken::kInterrupt) return kFailed;
      before = std::exchange(snapshot, take_snapshot(fleet));
    }
    print(console, fleet, snapshot, before ? &*before : nullptr);
    return snapshot.problems.empty() ? kOk : kFailed;
  }

 private:
  int watch(Console& console, Fleet& fleet, std::chrono::milliseconds interval) {
    console.catch_interrupts();
    const bool screen = console.is_terminal() && !is_json(output_);
    if (screen) console.take_screen();
    std::optional<Snapshot> before;
    std::string trouble;
    for (;;) {
      try {
        if (!trouble.empty()) fleet.reconnect();
        Snapshot snapshot = take_snapshot(fleet);
        trouble.clear();
        if (screen) {
          // Drawn over the old picture, each line's rest erased: no flicker.
          const std::string shown = text(fleet, snapshot, before ? &*before : nullptr, console.height() - 1);
          std::string drawn = "\x1b[?7l\x1b[H";  // a line that is too long is cut, not wrapped
          for (const char c : shown) drawn += c == '\n' ? std::string("\x1b[K\n") : std::string(1, c);
          console.out(drawn + "\x1b[J\x1b[7mq\x1b[0m ends\x1b[?7h");
        } else {
          print(console, fleet, snapshot, before ? &*before : nullptr);
          if (!is_json(output_)) console.out("\n");
        }
        before = std::move(snapshot);
      } catch (const ConnectionLost& lost) {
        // Goes on: who watches wants to see Redis come back.
        if (trouble.empty() || screen) console.err((screen ? "\x1b[H\x1b[J" : "") + lost.text + "; trying again\n");
        trouble = lost.text;
        before.reset();
      }
      const auto end = std::chrono::steady_clock::now() + interval;
      for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
        const Console::Woken woken = console.wait(left, screen && console.can_ask());
        if (woken == Console::Woken::kInterrupt) return kOk;
        if (woken == Console::Woken::kTime) break;
        const char key = console.key();
        if (key == 'q' || key == 'Q' || key == '\0') return kOk;
      }
    }
  }

  void print(Console& console, const Fleet& fleet, const Snapshot& snapshot, const Snapshot* before) const {
    if (is_json(output_)) {
      console.out(json_text(pollers_ ? to_json(snapshot.pollers) : to_json(fleet, snapshot, before)) + '\n');
    } else {
      console.out(text(fleet, snapshot, before));
    }
  }

  std::string text(const Fleet& fleet, const Snapshot& snapshot, const Snapshot* before, unsigned height = 0) const {
    return pollers_ ? render(snapshot.pollers) : render(fleet, snapshot, before, height);
  }

  bool watch_ = false;
  bool pollers_ = false;
  std::string interval_, sample_, output_;
  FleetOptions fleet_;
};

constexpr std::string_view kStatusExamples = R"(
Per partition: its owner and what is left of the lease, how many entries wait and since when the oldest does, entries that are being
retried, dead letters, and types whose entries are held back (`hookfleet resume`). Per poller: since when it has held the first of its
instances, and how many it fetches for; then the instances that are not as they should be: paused (a person is needed, the poller looks again
every poller.refused_pause), failing (it tries again), or unowned. Exit code 1 when a key can't be read.

Examples:
  hookfleet status
  hookfleet status --watch
  hookfleet status --pollers
  hookfleet status --sample 5s -o json | jq .total
)";

}  // namespace

VerbSpec status_verb() {
  return {"status", "[--watch]", "Partitions, owners, backlog, retries, dead letters, members, pollers", kStatusExamples,
          make_verb<StatusVerb>};
}

}  // namespace hookfleet::cli
