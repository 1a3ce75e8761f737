#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>

#include "cli/audit.hpp"
#include "cli/dead_letters.hpp"
#include "cli/values.hpp"
#include "cli/verb_list.hpp"
#include "common/base/listing.hpp"
#include "common/digest/digest.hpp"
#include "common/stream/mark.hpp"
#include "common/stream/scripts.hpp"
#include "worker/dedup/identities.hpp"

// The verbs that take dead letters away: redrive and drop.
namespace hookfleet::cli {
namespace {

constexpr std::size_t kIdsInAudit = 100;
constexpr unsigned kReconnects = 5;

/// What became of the dead letters.
struct Tally {
  std::uint64_t done = 0;
  std::uint64_t gone = 0;     ///< not there any more: somebody else took it
  std::uint64_t perhaps = 0;  ///< not there any more after a call whose reply was lost: most likely taken by it
  std::uint64_t left = 0;     ///< not tried
  std::vector<std::string> ids{};
  std::vector<std::pair<Letter, std::string>> refused{};
};

/// Takes letters away, at most stream::kRedriveMax a call, at a rate, over a lost connection.
class Taking : public Verb {
 public:
  void declare(config::Arguments& arguments) override {
    selection_.declare(arguments);
    arguments.group("How");
    arguments.flag("--dry-run", dry_run_, "Only say what would happen");
    arguments.option("--rate", rate_, "RATE", "At most so many: 100/s, 30/min [default: as fast as it goes]");
    arguments.flag("--yes", yes_, "Don't ask");
    declare_more(arguments);
    declare_output(arguments, output_);
    fleet_.declare(arguments);
  }

  int run(Console& console, const Environment& environment) override {
    selection_.prepare();
    double rate = 0;
    if (!rate_.empty()) {
      const auto parsed = parse_rate(rate_);
      if (!parsed) wrong_usage("--rate: " + parsed.error());
      rate = *parsed;
    }
    Fleet fleet(fleet_, environment);
    console.catch_interrupts();

    std::vector<Letter> letters;
    std::map<std::string, std::uint64_t> counts;
    const Selection::Outcome outcome = selection_.each(fleet, console, [&](const Found& found) {
      letters.push_back(to_letter(found));
      ++counts[found.death ? std::string(stream::to_text(found.death->dead_class)) : "foreign"];
    });
    if (console.interrupted()) throw Failed{"interrupted; nothing was changed"};
    outcome.tell(console);
    Tally tally;
    if (letters.empty()) {
      if (outcome.all_found()) console.err("no dead letter matches\n");
      report(console, tally, 0);
      return outcome.all_found() ? kOk : kFailed;
    }
    console.err(fmt::format("{} match: {}{}\n", letters.size(), by_class(counts), outcome.limited ? " (--limit; there may be more)" : ""));
    const std::uint64_t matched = letters.size();
    if (dry_run_) {
      for (std::size_t first = 0; first < letters.size();) refuse(fleet, batch(letters, first, stream::kRedriveMax), tally);
      tally.left = matched - tally.refused.size();
      report(console, tally, matched);
      return outcome.all_found() && tally.refused.empty() ? kOk : kFailed;
    }
    if (!confirmed(console, yes_, fmt::format("{} {}?", verb(), letters.size() == 1 ? "it" : fmt::format("these {}", letters.size())))) {
      throw Failed{"nothing was changed"};
    }
    Facts facts{
        {"filters", selection_.text()}, {"asked", base::listed(selection_.ids(), kIdsInAudit, " ")}, {"matched", std::to_string(matched)}};
    if (!rate_.empty()) facts.emplace_back("rate", rate_);
    add_facts(facts);
    Facts begin = facts;
    begin.emplace_back("phase", "begin");
    audit(fleet, console, environment, name(), begin);

    std::string trouble;
    try {
      work(console, fleet, letters, rate, tally);
    } catch (const Failed& failed) {
      trouble = failed.text;
    }
    tally.left = matched - std::min(matched, tally.done + tally.gone + tally.perhaps + tally.refused.size());
    facts.insert(facts.end(), {{"phase", trouble.empty() && tally.left == 0 ? "end" : "broken off"},
                               {"done", std::to_string(tally.done)},
                               {"gone", std::to_string(tally.gone)},
                               {"perhaps", std::to_string(tally.perhaps)},
                               {"refused", std::to_string(tally.refused.size())},
                               {"left", std::to_string(tally.left)},
                               {"ids", base::listed(tally.ids, kIdsInAudit, " ")}});
    try {
      audit(fleet, console, environment, name(), facts);
    } catch (const Failed& failed) {
      console.err("the record of the end is missing in the audit stream: " + failed.text + '\n');
    }
    report(console, tally, matched);
    if (tally.perhaps > 0) {
      console.err(
          fmt::format("{} were taken by a call whose reply was lost, or by somebody else at that moment; no other call can have "
                      "doubled them\n",
                      tally.perhaps));
    }
    if (!trouble.empty() || tally.left > 0) {
      console.err((trouble.empty() ? "interrupted" : "broken off: " + trouble) +
                  fmt::format("\n{} are left{}. Run the same command again: what is gone from the dead letters is not taken twice.\n",
                              tally.left, trouble.empty() ? "" : "; of the last call's at most 100 it isn't known whether it happened"));
      return kFailed;
    }
    return outcome.all_found() && tally.refused.empty() ? kOk : kFailed;
  }

 protected:
  virtual std::string verb() const = 0;  ///< "redrive"
  virtual std::string past() const = 0;  ///< "redriven"
  virtual void declare_more(config::Arguments&) {}
  virtual void add_facts(Facts&) const {}
  /// Which of a batch (of one partition) are not to be taken: moved to `tally`; answers the rest.
  virtual std::vector<Letter> refuse(Fleet&, std::vector<Letter> batch, Tally&) { return batch; }
  /// Takes a batch of one partition; answers for each whether it was there.
  virtual std::vector<bool> take(Fleet& fleet, unsigned partition, const std::vector<Letter>& batch) = 0;

 private:
  std::string name() const { return "dead-letters " + verb(); }

  /// The letters from `first` on that lie in one partition, at most `size`.
  static std::vector<Letter> batch(const std::vector<Letter>& letters, std::size_t& first, std::size_t size) {
    std::vector<Letter> result;
    const unsigned partition = letters[first].ref.partition;
    while (first < letters.size() && result.size() < size && letters[first].ref.partition == partition) result.push_back(letters[first++]);
    return result;
  }

  void work(Console& console, Fleet& fleet, const std::vector<Letter>& letters, double rate, Tally& tally) {
    // A tenth of a second's worth a call, so that a rate is one also to the second.
    const std::size_t size =
        rate > 0 ? std::clamp<std::size_t>(static_cast<std::size_t>(rate / 10), 1, stream::kRedriveMax) : stream::kRedriveMax;
    auto next = std::chrono::steady_clock::now();
    for (std::size_t first = 0; first < letters.size();) {
      if (console.interrupted()) return;
      const std::vector<Letter> some = batch(letters, first, size);
      if (rate > 0) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - std::chrono::steady_clock::now());
        if (left.count() > 0 && console.wait(left) == Console::Woken::kInterrupt) return;
        next = std::max(next, std::chrono::steady_clock::now() - std::chrono::seconds(1)) +
               std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                   std::chrono::duration<double>(static_cast<double>(some.size()) / rate));
      }
      take_over_losses(console, fleet, some, tally);
    }
  }

  void take_over_losses(Console& console, Fleet& fleet, const std::vector<Letter>& some, Tally& tally) {
    bool lost = false;  // a call was sent whose reply never came
    for (unsigned tries = 0;; ++tries) {
      try {
        if (tries > 0) fleet.reconnect();
        Tally refused;
        const std::vector<Letter> rest = refuse(fleet, some, refused);
        std::vector<bool> there;
        if (!rest.empty()) {
          try {
            there = take(fleet, some.front().ref.partition, rest);
          } catch (const ConnectionLost& why) {
            lost = lost || why.sent;
            throw;
          }
        }
        for (auto& one : refused.refused) tally.refused.push_back(std::move(one));
        for (std::size_t i = 0; i < rest.size(); ++i) {
          (there[i] ? tally.done : lost ? tally.perhaps : tally.gone) += 1;
          if (there[i]) tally.ids.push_back(rest[i].ref.text());
        }
        return;
      } catch (const ConnectionLost& why) {
        if (tries == kReconnects || console.interrupted()) throw;
        if (tries == 0) console.err(why.text + "; trying again\n");
        if (console.wait(std::chrono::seconds(1)) == Console::Woken::kInterrupt) throw;
      }
    }
  }

  void report(Console& console, const Tally& tally, std::uint64_t matched) const {
    if (is_json(output_)) {
      Json json{{"verb", name()},     {"dry_run", dry_run_},      {"matched", matched}, {"done", tally.done},
                {"gone", tally.gone}, {"perhaps", tally.perhaps}, {"left", tally.left}, {"refused", Json::array()}};
      for (const auto& [letter, reason] : tally.refused) {
        json["refused"].push_back({{"ref", letter.ref.text()}, {"id", letter.id}, {"reason", reason}});
      }
      console.out(json_text(json) + '\n');
      return;
    }
    for (const auto& [letter, reason] : tally.refused)
      console.out(fmt::format("refused {} {}: {}\n", letter.ref.text(), letter.id, reason));
    if (dry_run_) {
      console.out(fmt::format("would be {}: {}; refused {}\n", past(), tally.left, tally.refused.size()));
      return;
    }
    std::string text = fmt::format("{} {}", past(), tally.done);
    if (tally.perhaps > 0) text += fmt::format(", perhaps {}", tally.perhaps);
    if (tally.gone > 0) text += fmt::format(", gone meanwhile {}", tally.gone);
    if (!tally.refused.empty()) text += fmt::format(", refused {}", tally.refused.size());
    if (tally.left > 0) text += fmt::format(", left {}", tally.left);
    console.out(text + '\n');
  }

  Selection selection_{true, UINT64_MAX};
  bool dry_run_ = false;
  bool yes_ = false;
  std::string rate_, output_;
  FleetOptions fleet_;
};

class RedriveVerb final : public Taking {
 protected:
  std::string verb() const override { return "redrive"; }
  std::string past() const override { return "redriven"; }

  void declare_more(config::Arguments& arguments) override {
    arguments.flag("--force", force_, "Redrive those too that are stale: a version received later has been handled already");
  }
  void add_facts(Facts& facts) const override { facts.emplace_back("force", force_ ? "1" : "0"); }

  std::vector<Letter> refuse(Fleet& fleet, std::vector<Letter> batch, Tally& tally) override {
    if (force_) return batch;
    // The worker decides by the same rule when it meets the entry, and drops a stale one for good: here it stays a dead letter.
    Words words{"MGET"};
    for (const Letter& letter : batch) words.push_back(fleet.keys().mark(letter.ref.partition, digest::as_bytes(letter.names.identity)));
    const std::vector<std::string_view> argv(words.begin(), words.end());
    const redis::Reply marks = fleet.call(redis::Argv(argv));
    std::vector<Letter> rest;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const auto mark = marks.view()[i].is_text() ? stream::Mark::parse(marks.view()[i].text()) : std::nullopt;
      dedup::Record record;
      if (batch[i].ours && mark) record.learn(*mark);
      if (record.judge(batch[i].names.digest, batch[i].received_ms, true) == dedup::Record::Judgement::kStale) {
        tally.refused.emplace_back(
            std::move(batch[i]),
            fmt::format("stale: received {}, but a version received {} has been handled; --force redrives it all the same",
                        time_text(batch[i].received_ms), time_text(mark->received_ms)));
      } else {
        rest.push_back(std::move(batch[i]));
      }
    }
    return rest;
  }

  std::vector<bool> take(Fleet& fleet, unsigned partition, const std::vector<Letter>& batch) override {
    std::vector<stream::StreamId> ids;
    ids.reserve(batch.size());
    for (const Letter& letter : batch) ids.push_back(letter.ref.id);
    stream::redrive(command_, scripts_, fleet.keys(), partition, ids, force_ ? stream::Source::kForced : stream::Source::kRedrive);
    redis::Reply reply = fleet.ask(command_.argv());
    if (reply.view().error() == redis::ReplyError::kNoScript) {
      fleet.call({"SCRIPT", "LOAD", scripts_.redrive.source});
      reply = fleet.ask(command_.argv());
    }
    if (reply.view().is_error()) {
      throw Failed{"Redis refuses: " + shown(reply.view().text(), 300) +
                   (reply.view().error() == redis::ReplyError::kOom ? ": let the workers drain, or export and drop dead letters" : "")};
    }
    const auto moved = stream::decode_redriven(reply.view());
    if (!moved || moved->size() != batch.size()) throw Failed{"the reply to the redrive script is not one"};
    std::vector<bool> there;
    for (const auto& id : *moved) there.push_back(id.has_value());
    return there;
  }

 private:
  bool force_ = false;
  stream::Scripts scripts_;
  redis::Command command_;
};

class DropVerb final : public Taking {
 protected:
  std::string verb() const override { return "drop"; }
  std::string past() const override { return "dropped"; }

  std::vector<bool> take(Fleet& fleet, unsigned partition, const std::vector<Letter>& batch) override {
    // One by one, so that each answer is known; one round trip all the same.
    std::vector<Words> commands;
    commands.reserve(batch.size());
    for (const Letter& letter : batch) commands.push_back({"XDEL", fleet.keys().dlq(partition), letter.ref.id.text()});
    std::vector<bool> there;
    for (const redis::Reply& reply : fleet.ask_all(commands)) {
      if (reply.view().is_error()) throw Failed{"Redis refuses: " + shown(reply.view().text(), 300)};
      there.push_back(reply.view().integer() == 1);
    }
    return there;
  }
};

constexpr std::string_view kRedriveExamples = R"(
Puts dead letters back into their stream: same id, bytes and receipt, attempts from zero, finished actions kept. At most 100 a call, each
call whole or not at all, stored before it is taken off the dead letters. One that is stale (a version received more than 30 s later has
been handled) is refused unless --force. Leaves a record in the stream hf:audit.

Examples:
  hookfleet dead-letters redrive --class expired --since 3h --dry-run
  hookfleet dead-letters redrive --class failed --type incomingMessageReceived --rate 50/s
  hookfleet dead-letters redrive 7/1764113835123-0 --yes
)";

constexpr std::string_view kDropExamples = R"(
Deletes dead letters for good: export them first. Works at maxmemory too. Leaves a record in the stream hf:audit.

Examples:
  hookfleet dead-letters drop --class malformed --until 30d --dry-run
  jq -r .ref exported.jsonl | xargs -r -n 1000 hookfleet dead-letters drop --yes    # exactly what `export` wrote
)";

}  // namespace

VerbSpec dead_letters_redrive_verb() {
  return {"dead-letters redrive", "ID… | FILTERS | --all", "Handle dead letters again", kRedriveExamples, make_verb<RedriveVerb>};
}
VerbSpec dead_letters_drop_verb() {
  return {"dead-letters drop", "ID… | FILTERS | --all", "Delete dead letters for good", kDropExamples, make_verb<DropVerb>};
}

}  // namespace hookfleet::cli
