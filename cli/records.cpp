#include "cli/records.hpp"

#include <algorithm>
#include <limits>
#include <tuple>
#include <vector>

#include "cli/values.hpp"
#include "common/base/number.hpp"
#include "common/config/value.hpp"
#include "common/digest/digest.hpp"
#include "common/notification/envelope.hpp"

namespace hookfleet::cli {
namespace {

void put_bytes(Json& json, const std::string& name, const std::string& bytes) {
  if (is_utf8(bytes)) {
    json[name] = bytes;
  } else {
    json[name + "_base64"] = digest::to_base64(bytes);
  }
}

}  // namespace

std::string Ref::text() const { return std::to_string(partition) + '/' + id.text(); }

std::optional<Ref> Ref::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto partition = base::to_number<unsigned>(text.substr(0, slash));
  const auto id = stream::StreamId::parse(text.substr(slash + 1));
  if (!partition || !id) return std::nullopt;
  return Ref{*partition, *id};
}

Found read_record(unsigned partition, bool dead, redis::ReplyView record) {
  Found found;
  found.ref = {partition, stream::StreamId::parse(record[0].text()).value_or(stream::StreamId{})};
  found.dead = dead;
  found.entry = stream::decode(record[1]);
  if (!found.entry) {
    for (std::size_t i = 0; i + 1 < record[1].size(); i += 2) found.raw.emplace_back(record[1][i].text(), record[1][i + 1].text());
  }
  if (!dead) return found;
  auto letter = stream::decode_dead_letter(record[1]);
  if (!letter) {
    found.foreign = letter.error();
    return found;
  }
  found.original = letter->original;
  found.death = std::move(letter->death);
  return found;
}

Names names_of(const stream::Entry& entry) {
  const notification::Envelope envelope = notification::read_envelope(entry.body);
  return {notification::identity_of(entry.id_instance, entry.type_webhook, entry.chat, envelope, entry.body),
          notification::body_digest(entry.body, envelope), envelope.id_message, envelope.type_message};
}

Json to_json(const Found& found, bool with_body) {
  Json json;
  json["where"] = found.dead ? "dead_letters" : "stream";
  json["partition"] = found.ref.partition;
  json["stream_id"] = found.ref.id.text();
  json["ref"] = found.ref.text();
  if (found.entry) {
    const stream::Entry& entry = *found.entry;
    const Names names = names_of(entry);
    json["v"] = 1;
    json["id"] = entry.id;
    json["i"] = entry.id_instance;
    put_bytes(json, "c", entry.chat);
    put_bytes(json, "t", entry.type_webhook);
    json["r"] = entry.received_ms;
    json["received"] = time_text(entry.received_ms);
    json["s"] = stream::to_text(entry.source);
    put_bytes(json, "q", entry.trace);
    if (!names.id_message.empty()) put_bytes(json, "idMessage", names.id_message);
    if (!names.type_message.empty()) put_bytes(json, "typeMessage", names.type_message);
    json["identity"] = digest::to_hex(digest::as_bytes(names.identity));
    json["digest"] = digest::to_hex(digest::as_bytes(names.digest));
  } else {
    json["foreign"] = found.entry.error();
  }
  if (found.death) {
    Json& death = json["death"];
    death["class"] = stream::to_text(found.death->dead_class);
    put_bytes(death, "error", found.death->error);
    death["attempts"] = found.death->attempts;
    death["first"] = time_text(found.death->first_ms);
    death["last"] = time_text(found.death->last_ms);
    put_bytes(death, "worker", found.death->worker);
    death["actions"] = Json::array();
    for (const std::string& action : found.death->actions) death["actions"].push_back(action);
    if (found.original) death["orig"] = found.original->text();
  } else if (!found.foreign.empty()) {
    json["death"] = {{"foreign", found.foreign}};
  }
  if (!with_body) return json;
  if (found.entry) {
    put_bytes(json, "body", found.entry->body);
    return json;
  }
  json["fields"] = Json::array();
  for (const auto& [name, value] : found.raw) {
    Json& pair = json["fields"].emplace_back(Json::object());
    put_bytes(pair, "name", name);
    put_bytes(pair, "value", value);
  }
  return json;
}

void Filter::declare(config::Arguments& arguments, bool dead) {
  arguments.group("Which ones");
  if (dead) {
    std::vector<std::string> classes;
    classes.reserve(stream::kDeadClasses.size());
    for (const stream::DeadClass one : stream::kDeadClasses) classes.emplace_back(stream::to_text(one));
    arguments.option("--class", dead_class, "CLASS", "Only of this class: " + alternatives(classes), classes);
  }
  arguments.option("--type", type, "TYPE", "Only of this typeWebhook, a documented one or any other");
  arguments.option("--instance", instance, "ID", "Only of this idInstance");
  arguments.option("--chat", chat, "CHAT", "Only of this chatId; with --instance only one partition is looked at");
  if (!dead) return;
  arguments.option("--since", since, "TIME", "Only those that died then or later: 2026-11-25T23:37:15Z, Unix seconds, or how long ago: 2h");
  arguments.option("--until", until, "TIME", "Only those that died then or earlier");
}

tl::expected<void, std::string> Filter::prepare(base::WallTime now) {
  if (!instance.empty()) {
    const auto number = base::to_number<std::uint64_t>(instance);
    if (!number || *number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      return tl::unexpected("--instance: " + config::in_quotes(instance) + " is no idInstance; write its digits, 1101000001");
    }
    id_instance_ = *number;
  }
  if (!dead_class.empty()) class_ = stream::find_dead_class(dead_class);
  for (const auto& [name, text, into] : {std::tuple{"--since", &since, &since_ms_}, std::tuple{"--until", &until, &until_ms_}}) {
    if (text->empty()) continue;
    const auto moment = parse_time(*text, now);
    if (!moment) return tl::unexpected(std::string(name) + ": " + moment.error());
    *into = std::max<std::int64_t>(*moment, 0);
  }
  if (since_ms_ && until_ms_ && *since_ms_ > *until_ms_)
    return tl::unexpected(std::string("--since lies behind --until; nothing can match"));
  return {};
}

bool Filter::matches(const Found& found) const {
  if (class_ && (!found.death || found.death->dead_class != *class_)) return false;
  if (type.empty() && !id_instance_ && chat.empty()) return true;
  if (!found.entry) return false;
  if (!type.empty() && found.entry->type_webhook != type) return false;
  if (id_instance_ && found.entry->id_instance != *id_instance_) return false;
  return chat.empty() || found.entry->chat == notification::without_device(chat);
}

bool Filter::all() const {
  return type.empty() && instance.empty() && chat.empty() && dead_class.empty() && since.empty() && until.empty();
}

std::optional<unsigned> Filter::partition(const stream::Layout& layout) const {
  if (!id_instance_) return std::nullopt;
  if (layout.partition_by == stream::PartitionBy::kChat && chat.empty()) return std::nullopt;
  return stream::partition_of(*id_instance_, stream::order_key(layout, *id_instance_, notification::without_device(chat)),
                              layout.partitions);
}

std::string Filter::text() const {
  std::string out;
  const auto add = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) out += (out.empty() ? "" : " ") + std::string(name) + '=' + value;
  };
  add("class", dead_class);
  add("type", type);
  add("instance", instance);
  add("chat", chat);
  add("since", since_ms_ ? time_text(*since_ms_) : "");
  add("until", until_ms_ ? time_text(*until_ms_) : "");
  return out;
}

}  // namespace hookfleet::cli
