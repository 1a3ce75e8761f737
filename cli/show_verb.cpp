#include <fmt/format.h>

#include <algorithm>

#include "cli/describe.hpp"
#include "cli/values.hpp"
#include "cli/verb_list.hpp"
#include "common/base/ascii.hpp"
#include "common/base/uuid.hpp"

namespace hookfleet::cli {
namespace {

// An id is made when the request arrives, its entry is stored within the append deadline (at most 22 s), by Redis' clock: what lies around
// that covers clocks that differ a little.
constexpr auto kAround = std::chrono::seconds(60);
constexpr std::uint64_t kShowLimit = 200'000;

class ShowVerb final : public Verb {
 public:
  void declare(config::Arguments& arguments) override {
    arguments.positional("ID", id_, "An entry's id (UUID), or a ref: PARTITION/STREAM-ID, of the stream or of the dead letters");
    arguments.flag("--raw", raw_, "Only the body, exactly its bytes; on a terminal with control characters escaped");
    arguments.option("--around", around_, "DURATION", "How far from the id's own time its entry is looked for [default: 60s]");
    arguments.option("--limit", limit_, "N", "Look at no more records than this [default: 200000]");
    declare_output(arguments, output_);
    fleet_.declare(arguments);
  }

  int run(Console& console, const Environment& environment) override {
    const auto around = duration_of("--around", around_, kAround);
    const std::uint64_t limit = count_of("--limit", limit_, kShowLimit);
    const auto ref = Ref::parse(id_);
    const std::string id = base::lower(id_);
    if (!ref && !base::is_uuid(id)) {
      wrong_usage(shown(id_, 80) +
                  ": is neither an entry's id (a UUID, as in the answer to the sender and in every log record) nor a ref "
                  "PARTITION/STREAM-ID; to look for an idMessage: hookfleet find --id-message");
    }
    Fleet fleet(fleet_, environment);
    console.catch_interrupts();
    std::vector<Found> found;
    std::string looked;
    if (ref) {
      for (const bool dead : {false, true}) {
        if (auto one = at_ref(fleet, *ref, dead)) found.push_back(*std::move(one));
      }
      looked = fmt::format("stream and dead letters of partition {}", ref->partition);
    } else {
      looked = look_for(console, fleet, id, around, limit, found);
    }
    print(console, fleet, found, looked);
    return found.empty() ? kFailed : kOk;
  }

 private:
  static std::string look_for(Console& console, Fleet& fleet, const std::string& id, std::chrono::milliseconds around, std::uint64_t limit,
                              std::vector<Found>& found) {
    const std::int64_t made_ms = base::unix_ms(base::uuid_v7_time(id));
    Progress progress(console, limit);
    if (made_ms <= 0) throw Failed{id + ": is no UUIDv7, so it carries no time to look at; all ids of ours do", kUsage};
    const std::int64_t first = std::max<std::int64_t>(0, made_ms - around.count());
    const std::int64_t last = made_ms + around.count();
    const auto take = [&](Found one) {
      if (one.entry && one.entry->id == id) found.push_back(std::move(one));
      return true;
    };
    bool whole = true;
    for (unsigned p = 0; p < fleet.partitions() && whole; ++p) {
      whole = scan(fleet, p, false, std::to_string(first), std::to_string(last), progress, take);
    }
    std::string looked = fmt::format("stream from {} to {}, all partitions", time_text(first), time_text(last));
    // A dead letter has the time of its death: it lies anywhere behind the id's own time.
    for (unsigned p = 0; p < fleet.partitions() && whole && found.empty(); ++p) {
      whole = scan(fleet, p, true, std::to_string(first), "+", progress, take);
    }
    looked += fmt::format("; dead letters since {}; {} records", time_text(first), progress.seen());
    if (!whole) looked += console.interrupted() ? "; interrupted" : "; the bound is reached, --limit sets another";
    return looked;
  }

  void print(Console& console, Fleet& fleet, const std::vector<Found>& found, const std::string& looked) const {
    if (is_json(output_) && !raw_) {
      Json json{{"looked", looked}, {"found", Json::array()}};
      for (const Found& one : found) json["found"].push_back(to_json(one, context_of(fleet, one)));
      console.out(json_text(json, 2) + '\n');
      if (found.empty()) console.err("not found\n");
      return;
    }
    if (found.empty()) {
      console.err(
          "not found; looked at: " + looked +
          "\nEither it has been handled (then only its mark is left, which is named by the notification, not by this id: hookfleet "
          "find --id-message … --chat … --instance …), or it was redriven and has a later stream id (--around), or it never came.\n");
      return;
    }
    for (const Found& one : found) {
      if (!raw_) {
        console.out((&one == found.data() ? "" : "\n") + describe(one, context_of(fleet, one)));
      } else if (one.entry) {
        console.out(console.is_terminal() ? shown(one.entry->body) + '\n' : one.entry->body);
        return;
      } else {
        throw Failed{"it isn't an entry of ours and has no body; without --raw its fields are shown"};
      }
    }
    console.err("looked at: " + looked + '\n');
  }

  bool raw_ = false;
  std::string id_, around_, limit_, output_;
  FleetOptions fleet_;
};

constexpr std::string_view kShowExamples = R"(
Shows where a notification is, its attempts, why it died, its mark, its body. An id carries its time, so only a narrow part of the streams
is read; a dead letter lies anywhere behind that. What has been handled is in neither.

Examples:
  hookfleet show 019abc5e-7c1b-7000-8000-3b1f6d0a5c11
  hookfleet show 7/1764113835123-0
  hookfleet show 7/1764113835123-0 --raw > body.json
)";

}  // namespace

VerbSpec show_verb() {
  return {"show", "ID", "One notification: where it is, attempts, death, exact body", kShowExamples, make_verb<ShowVerb>};
}

}  // namespace hookfleet::cli
