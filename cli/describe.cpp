#include "cli/describe.hpp"

#include <fmt/format.h>

#include "common/digest/digest.hpp"

namespace hookfleet::cli {
namespace {

void line(std::string& out, std::string_view name, const std::string& value) {
  if (!value.empty()) out += fmt::format("{:<13}{}\n", name, value);
}

std::string digests(const stream::Mark& mark) {
  std::string text;
  for (const auto& digest : mark.digests) text += (text.empty() ? "" : " ") + digest::to_hex(digest::as_bytes(digest));
  return text;
}

}  // namespace

Context context_of(Fleet& fleet, const Found& found) {
  Context context;
  if (!found.dead) {
    const redis::Reply value = fleet.call({"HGET", fleet.keys().att(found.ref.partition), found.ref.id.text()});
    if (value.view().is_text()) context.attempts = stream::Attempts::parse(value.view().text());
  }
  if (found.entry) context.mark = mark_of(fleet, found.ref.partition, names_of(*found.entry).identity);
  return context;
}

std::string describe(const Found& found, const Context& context) {
  std::string out;
  line(out, "where",
       fmt::format("{}, ref {}, since {}", found.dead ? "dead letters" : "stream: not handled yet", found.ref.text(),
                   time_text(static_cast<std::int64_t>(found.ref.id.ms))));
  if (!found.entry) {
    line(out, "foreign", "not an entry of ours: " + shown(found.entry.error()));
    for (const auto& [name, value] : found.raw) line(out, "  " + shown(name, 40), shown(value, 200));
  } else {
    const stream::Entry& entry = *found.entry;
    const Names names = names_of(entry);
    line(out, "id", entry.id);
    line(out, "typeWebhook", entry.type_webhook.empty() ? "(none)" : shown(entry.type_webhook));
    line(out, "typeMessage", shown(names.type_message));
    line(out, "idInstance", std::to_string(entry.id_instance));
    line(out, "chatId", entry.chat.empty() ? "(none)" : shown(entry.chat));
    line(out, "idMessage", shown(names.id_message));
    line(out, "received", time_text(entry.received_ms));
    line(out, "source", std::string(stream::to_text(entry.source)));
    line(out, "trace", shown(entry.trace));
    line(out, "identity", digest::to_hex(digest::as_bytes(names.identity)));
    line(out, "digest", digest::to_hex(digest::as_bytes(names.digest)));
  }
  if (context.attempts) {
    const stream::Attempts& attempts = *context.attempts;
    std::string text = fmt::format("{} failed", attempts.failed);
    if (attempts.begun > 0) text += fmt::format(", {} ended their process", attempts.begun);
    if (attempts.due_ms > 0) text += ", next at " + time_text(attempts.due_ms);
    if (attempts.blocked_since_ms > 0) text += ", its chat waits since " + time_text(attempts.blocked_since_ms);
    for (const auto& action : attempts.finished) text += ", done: " + shown(action.name);
    line(out, "attempts", text);
  } else if (!found.dead) {
    line(out, "attempts", "none on record");
  }
  if (found.death) {
    const stream::Death& death = *found.death;
    line(out, "class", std::string(stream::to_text(death.dead_class)));
    line(out, "error", shown(death.error));
    line(out, "attempts", fmt::format("{}, first {}, last {}", death.attempts, time_text(death.first_ms), time_text(death.last_ms)));
    line(out, "worker", shown(death.worker));
    for (const std::string& action : death.actions) line(out, "done", shown(action));
  } else if (!found.foreign.empty()) {
    line(out, "foreign", "not a dead letter of ours: " + shown(found.foreign));
  }
  if (context.mark) {
    line(out, "mark", describe(*context.mark));
  } else if (found.entry) {
    line(out, "mark", "none: no version of it has ended within the dedup window");
  }
  if (found.entry) {
    line(out, "body", fmt::format("{} bytes", found.entry->body.size()));
    out += pretty_body(found.entry->body);
  }
  return out;
}

Json to_json(const Found& found, const Context& context) {
  Json json = to_json(found, true);
  if (context.attempts) {
    Json finished = Json::array();
    for (const auto& action : context.attempts->finished) finished.push_back(action.name);
    json["attempts"] = {{"failed", context.attempts->failed},
                        {"begun", context.attempts->begun},
                        {"due", time_text(context.attempts->due_ms)},
                        {"blocked_since", time_text(context.attempts->blocked_since_ms)},
                        {"finished", finished}};
  }
  json["mark"] = context.mark ? to_json(*context.mark) : Json();
  return json;
}

std::string describe(const stream::Mark& mark) {
  return fmt::format("a version received {} has ended, first id {}, digests {}", time_text(mark.received_ms), shown(mark.first_id),
                     digests(mark));
}

Json to_json(const stream::Mark& mark) {
  Json json{{"received", time_text(mark.received_ms)}, {"r", mark.received_ms}, {"first_id", mark.first_id}};
  json["digests"] = Json::array();
  for (const auto& digest : mark.digests) json["digests"].push_back(digest::to_hex(digest::as_bytes(digest)));
  return json;
}

}  // namespace hookfleet::cli
