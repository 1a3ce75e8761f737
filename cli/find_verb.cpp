#include <fmt/format.h>

#include <span>
#include <vector>

#include "cli/describe.hpp"
#include "cli/values.hpp"
#include "cli/verb_list.hpp"
#include "common/notification/types.hpp"
#include "common/stream/keys.hpp"

namespace hookfleet::cli {
namespace {

constexpr std::uint64_t kFindLimit = 1'000'000;
constexpr std::size_t kShownMax = 100;

/// An ended notification, known by its mark only.
struct Ended {
  std::string type, status;
  unsigned partition;
  stream::Mark mark;
};

/// What a status may be of a type that has one; without a status in any case.
std::vector<std::string_view> statuses_of(std::string_view type_webhook) {
  std::vector<std::string_view> statuses{""};
  const auto add = [&](std::span<const std::string_view> more) { statuses.insert(statuses.end(), more.begin(), more.end()); };
  const auto type = notification::find_type_webhook(type_webhook);
  if (type == notification::TypeWebhook::kOutgoingMessageStatus) add(notification::message_statuses());
  if (type == notification::TypeWebhook::kIncomingCall || type == notification::TypeWebhook::kOutgoingCall) {
    add(notification::call_statuses());
  }
  return statuses;
}

class FindVerb final : public Verb {
 public:
  void declare(config::Arguments& arguments) override {
    arguments.option("--id-message", id_message_, "ID", "The notification's idMessage");
    filter_.declare(arguments, false);
    arguments.group("How");
    arguments.option("--limit", limit_, "N", "Look at no more records than this [default: 1000000]");
    declare_output(arguments, output_);
    fleet_.declare(arguments);
  }

  int run(Console& console, const Environment& environment) override {
    if (id_message_.empty() && filter_.chat.empty()) wrong_usage("say what to find: --id-message ID or --chat CHAT");
    if (const auto ok = filter_.prepare(std::chrono::system_clock::now()); !ok) wrong_usage(ok.error());
    const std::uint64_t limit = count_of("--limit", limit_, kFindLimit);
    Fleet fleet(fleet_, environment);
    console.catch_interrupts();

    std::vector<unsigned> partitions;
    const auto only = filter_.partition(fleet.layout());
    for (unsigned p = 0; p < fleet.partitions(); ++p) {
      if (!only || *only == p) partitions.push_back(p);
    }
    std::vector<Found> found;
    bool more = false;
    bool whole = true;
    std::uint64_t seen = 0;
    {
      Progress progress(console, limit);
      const auto take = [&](Found one) {
        if (!filter_.matches(one)) return true;
        if (!id_message_.empty() && (!one.entry || names_of(*one.entry).id_message != id_message_)) return true;
        if (found.size() == kShownMax) {
          more = true;
          return false;
        }
        found.push_back(std::move(one));
        return true;
      };
      for (const bool dead : {false, true}) {
        for (const unsigned p : partitions) {
          if (whole) whole = scan(fleet, p, dead, "-", "+", progress, take);
        }
      }
      seen = progress.seen();
    }
    std::string looked = only ? fmt::format("partition {}", *only) : fmt::format("all {} partitions", fleet.partitions());
    looked += fmt::format(": stream and dead letters, {} records", seen);
    if (more) looked += fmt::format("; more than {} match, the rest is left out", kShownMax);
    if (!whole && !more) looked += console.interrupted() ? "; interrupted" : "; the bound is reached, --limit sets another";
    std::vector<Ended> ended = marks(fleet, looked);
    print(console, found, ended, looked);
    return found.empty() && ended.empty() ? kFailed : kOk;
  }

 private:
  /// A mark is named by instance, type, chat and idMessage (and status): with all of them known it is looked up.
  std::vector<Ended> marks(Fleet& fleet, std::string& looked) const {
    std::vector<Ended> ended;
    if (id_message_.empty() || filter_.instance.empty() || filter_.chat.empty()) {
      looked += id_message_.empty() ? "; marks not: they are named by idMessage" : "; marks not: that needs --chat and --instance too";
      return ended;
    }
    const std::uint64_t instance = std::stoull(filter_.instance);
    const std::string chat = notification::without_device(filter_.chat);
    const unsigned p = stream::partition_of(instance, stream::order_key(fleet.layout(), instance, chat), fleet.partitions());
    for (const std::string_view type : notification::type_webhook_names()) {
      if (!filter_.type.empty() && filter_.type != type) continue;
      notification::Envelope envelope;
      envelope.id_message = id_message_;
      for (const std::string_view status : statuses_of(type)) {
        envelope.status = status;
        const notification::Identity identity = notification::identity_of(instance, type, chat, envelope, "");
        if (auto mark = mark_of(fleet, p, identity)) ended.push_back({std::string(type), std::string(status), p, *std::move(mark)});
      }
    }
    looked += fmt::format("; marks of partition {} for every known type and status", p);
    return ended;
  }

  void print(Console& console, const std::vector<Found>& found, const std::vector<Ended>& ended, const std::string& looked) const {
    if (is_json(output_)) {
      Json json{{"looked", looked}, {"found", Json::array()}, {"ended", Json::array()}};
      for (const Found& one : found) json["found"].push_back(to_json(one, true));
      for (const Ended& one : ended) {
        Json mark = to_json(one.mark);
        mark["type"] = one.type;
        mark["status"] = one.status;
        mark["partition"] = one.partition;
        json["ended"].push_back(std::move(mark));
      }
      console.out(json_text(json, 2) + '\n');
      return;
    }
    Table table({"WHERE", "REF", "ID", "TYPE", "INSTANCE", "CHAT", "IDMESSAGE", "RECEIVED", "CLASS"});
    for (const Found& one : found) {
      if (!one.entry) continue;
      const Names names = names_of(*one.entry);
      table.row({one.dead ? "dead letters" : "stream", one.ref.text(), one.entry->id, one.entry->type_webhook,
                 std::to_string(one.entry->id_instance), one.entry->chat, names.id_message, time_text(one.entry->received_ms),
                 one.death ? std::string(stream::to_text(one.death->dead_class)) : "-"});
    }
    if (!table.empty()) console.out(table.text());
    for (const Ended& one : ended) {
      console.out(fmt::format("ended: {}{}{}: {}\n", one.type, one.status.empty() ? "" : " ", one.status, describe(one.mark)));
    }
    console.err((found.empty() && ended.empty() ? "not found; looked at: " : "looked at: ") + looked + '\n');
  }

  std::string id_message_, limit_, output_;
  Filter filter_;
  FleetOptions fleet_;
};

constexpr std::string_view kFindExamples = R"(
Reads the streams and the dead letters, oldest first, at most --limit records. With --chat and --instance only one partition is read; with
--id-message, --chat and --instance the marks are looked up too, which tell of notifications that have ended (25 h by default).

Examples:
  hookfleet find --id-message 3EB0C767D097B7C7C0 --chat 79001234567@c.us --instance 1101000001
  hookfleet find --chat 79001234567@c.us --instance 1101000001
  hookfleet find --id-message 3EB0C767D097B7C7C0 -o json
)";

}  // namespace

VerbSpec find_verb() {
  return {"find", "--id-message ID | --chat CHAT", "Notifications by message or chat: stream, dead letters, marks", kFindExamples,
          make_verb<FindVerb>};
}

}  // namespace hookfleet::cli
