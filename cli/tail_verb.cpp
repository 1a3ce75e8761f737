#include <fmt/format.h>

#include <chrono>

#include "cli/follow.hpp"
#include "cli/records.hpp"
#include "cli/values.hpp"
#include "cli/verb_list.hpp"

namespace hookfleet::cli {
namespace {

class TailVerb final : public Verb {
 public:
  void declare(config::Arguments& arguments) override {
    arguments.option("-n,--count", count_, "N", "End after N notifications [default: until Ctrl-C]");
    arguments.flag("--dead-letters", dead_, "Follow the dead letters too");
    arguments.flag("--body", body_, "Show the bodies, too (personal data)");
    filter_.declare(arguments, false);
    arguments.group("How");
    declare_output(arguments, output_);
    fleet_.declare(arguments);
  }

  int run(Console& console, const Environment& environment) override {
    if (const auto ok = filter_.prepare(std::chrono::system_clock::now()); !ok) wrong_usage(ok.error());
    std::uint64_t left = count_of("-n", count_, UINT64_MAX);
    Fleet fleet(fleet_, environment);
    console.catch_interrupts();
    Follower follower(fleet, filter_.partition(fleet.layout()), dead_);
    console.err(fmt::format("following {} streams of {}; Ctrl-C ends\n", follower.streams(), fleet.server()));
    bool lost = false;
    while (left > 0 && !console.interrupted()) {
      try {
        if (lost) fleet.reconnect();
        lost = false;
        follower.read(Follower::kTurn, [&](const Found& found) {
          if (left == 0 || !filter_.matches(found)) return;
          --left;
          console.out(is_json(output_) ? json_text(to_json(found, body_)) + '\n' : pretty(found));
        });
      } catch (const ConnectionLost& why) {
        // What came meanwhile is still read: the ids are known.
        if (!lost) console.err(why.text + "; trying again\n");
        lost = true;
        if (console.wait(std::chrono::seconds(1)) == Console::Woken::kInterrupt) break;
      }
    }
    return kOk;
  }

 private:
  std::string pretty(const Found& found) const {
    if (!found.entry) {
      return fmt::format("{} {:>4} {} is no entry of ours: {}\n", time_text(static_cast<std::int64_t>(found.ref.id.ms)),
                         found.ref.partition, found.ref.text(), shown(found.entry.error()));
    }
    const stream::Entry& entry = *found.entry;
    const Names names = names_of(entry);
    std::string out = fmt::format("{} {:>4} {} {} {} {}", time_text(entry.received_ms), found.ref.partition,
                                  entry.type_webhook.empty() ? "(no typeWebhook)" : shown(entry.type_webhook), entry.id_instance,
                                  entry.chat.empty() ? "-" : shown(entry.chat), entry.id);
    if (!names.type_message.empty()) out += ' ' + shown(names.type_message);
    if (entry.source != stream::Source::kWebhook) out += fmt::format(" [{}]", stream::to_text(entry.source));
    if (found.death) out += fmt::format(" DEAD {}: {}", stream::to_text(found.death->dead_class), shown(found.death->error, 120));
    out += '\n';
    if (body_) out += pretty_body(entry.body);
    return out;
  }

  std::string count_, output_;
  bool dead_ = false;
  bool body_ = false;
  Filter filter_;
  FleetOptions fleet_;
};

constexpr std::string_view kTailExamples = R"(
Shows notifications as they are stored, from now on: receipt, partition, typeWebhook, instance, chat, id. What a worker acknowledges
before this gets to read it is missed: the worker's log has everything.

Examples:
  hookfleet tail
  hookfleet tail --type incomingMessageReceived --instance 1101000001
  hookfleet tail --dead-letters -n 10 -o json
)";

}  // namespace

VerbSpec tail_verb() { return {"tail", "[-n N]", "Follow notifications as they come in", kTailExamples, make_verb<TailVerb>}; }

}  // namespace hookfleet::cli
