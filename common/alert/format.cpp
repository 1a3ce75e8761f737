#include "common/alert/format.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "common/notification/envelope.hpp"
#include "common/notification/identity.hpp"
#include "common/notification/types.hpp"

namespace hookfleet::alert {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kSlackAttachmentMax = 3000;  // bytes with their escapes
constexpr std::size_t kMessageMax = 4000;
constexpr std::size_t kMessageAttachmentMax = 1500;

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

/// The text as a JSON string.
std::string in_json(std::string_view text) { return dump(Json(text)); }

/// The attachment as a JSON value: itself where it is one that any reader can read, otherwise a string.
std::string attachment_value(const Notice& notice) {
  const std::string& bytes = notice.attachment;
  const bool json = !notice.cut && notification::read_envelope(bytes).malformed == notification::Malformed::kNo && Json::accept(bytes);
  return json ? notification::minify(bytes) : in_json(bytes);
}

/// What a person reads first, in one line.
std::string headline(const Notice& notice) {
  std::string line(to_text(severity(notice.kind)));
  return line.append(": ").append(to_text(notice.kind));
}

std::string facts(const Notice& notice) {
  std::string line;
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) line.append(line.empty() ? "" : ", ").append(name).append(" ").append(value);
  };
  add("typeWebhook", notice.type_webhook);
  add("idInstance", notice.id_instance == 0 ? std::string() : std::to_string(notice.id_instance));
  add("chatId", notice.chat);
  add("idMessage", notice.id_message);
  add("id", notice.id);
  return line;
}

bool has_since(const Notice& notice) { return notice.suppressed > 0 && base::unix_ms(notice.suppressed_since) > 0; }

/// Everything but headline and attachment.
std::string details(const Notice& notice) {
  std::string text = notice.text;
  const std::string line = facts(notice);
  if (!line.empty()) text.append("\n").append(line);
  text.append("\n").append(base::rfc3339(notice.at)).append(" ").append(notice.process);
  if (notice.suppressed > 0) text.append("\n").append(std::to_string(notice.suppressed)).append(" more like it were held back before");
  if (has_since(notice)) text.append(", the first of ").append(base::rfc3339(notice.suppressed_since));
  return text;
}

std::string left_out(const Notice& notice) { return "… (of " + std::to_string(notice.attachment_of) + " bytes)"; }

std::string attachment_text(const Notice& notice, std::size_t bytes_max) {
  std::string text(cut_at(notice.attachment, bytes_max));
  if (text.size() < notice.attachment_of) text.append(left_out(notice));
  return text;
}

std::string_view escape_of_slack(char c) {
  switch (c) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    default: return {};
  }
}

/// Moves what fits into `bytes_max` once it is escaped, from the beginning of `text`.
std::string escaped_for_slack(std::string_view& text, std::size_t bytes_max) {
  std::string out;
  std::size_t size = 0, end = 0;
  for (; end < text.size(); ++end) {
    size += std::max<std::size_t>(escape_of_slack(text[end]).size(), 1);
    if (size > bytes_max) break;
  }
  const std::string_view fits = cut_at(text, end);
  for (const char& c : fits) {
    const std::string_view escape = escape_of_slack(c);
    out += escape.empty() ? std::string_view(&c, 1) : escape;
  }
  text.remove_prefix(fits.size());
  return out;
}

/// In UTF-8: bytes that are none are replaced now, not by whoever writes it, since that makes it longer.
std::string in_utf8(std::string_view text) { return Json::parse(in_json(text)).get<std::string>(); }

}  // namespace

std::string as_json(const Notice& notice) {
  std::string out = "{\"version\":1";
  const auto raw = [&](std::string_view name, const std::string& value) { out.append(",\"").append(name).append("\":").append(value); };
  const auto text = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) raw(name, in_json(value));
  };
  text("number", notice.number);
  text("kind", to_text(notice.kind));
  text("severity", to_text(severity(notice.kind)));
  text("time", base::rfc3339(notice.at));
  text("process", notice.process);
  text("text", notice.text);
  text("typeWebhook", notice.type_webhook);
  if (notice.id_instance != 0) raw("idInstance", std::to_string(notice.id_instance));
  text("id", notice.id);
  text("chatId", notice.chat);
  text("idMessage", notice.id_message);
  if (notice.suppressed > 0) raw("suppressed", std::to_string(notice.suppressed));
  if (has_since(notice)) text("suppressed_since", base::rfc3339(notice.suppressed_since));
  if (!notice.attachment.empty()) raw("notification", attachment_value(notice));
  if (notice.attachment_of > 0) raw("notification_bytes", std::to_string(notice.attachment_of));
  if (notice.cut) raw("notification_cut", "true");
  return out += '}';
}

std::string as_slack(const Notice& notice) {
  constexpr std::size_t kAround = 128;  // the headline, the fences and the size of the whole
  const std::string said = in_utf8(details(notice));
  std::string_view rest = said;
  std::string text = "*" + headline(notice) + "*\n" + escaped_for_slack(rest, kSlackTextMax - kSlackAttachmentMax - kAround);
  // A fence inside the attachment would end ours.
  std::string attachment = in_utf8(notice.attachment);
  for (std::size_t at = attachment.find("```"); at != std::string::npos; at = attachment.find("```", at)) attachment.replace(at, 3, "'''");
  if (notice.attachment_of > 0) {
    rest = attachment;
    text += "\n```" + escaped_for_slack(rest, kSlackAttachmentMax);
    if (!rest.empty() || notice.attachment.size() < notice.attachment_of) text += left_out(notice);
    text += "```";
  }
  return "{\"text\":" + in_json(text) + '}';
}

std::string as_alertmanager(const Notice& notice, base::WallTime now, std::chrono::milliseconds window) {
  Json alert;
  alert["labels"]["alertname"] = "Hookfleet";
  alert["labels"]["kind"] = to_text(notice.kind);
  alert["labels"]["severity"] = to_text(severity(notice.kind));
  if (!notice.type_webhook.empty()) alert["labels"]["typeWebhook"] = notification::type_label(notice.type_webhook);
  alert["annotations"]["summary"] = headline(notice);
  alert["annotations"]["description"] = details(notice);
  if (const std::string attachment = attachment_text(notice, kAttachmentMax); !attachment.empty()) {
    alert["annotations"]["notification"] = attachment;
  }
  alert["startsAt"] = base::rfc3339(notice.at);
  alert["endsAt"] = base::rfc3339(std::max(now, notice.at) + window);  // one that comes late is not over when it comes
  return dump(Json::array({alert}));
}

std::string as_green_api(const Notice& notice, const std::string& chat) {
  std::string text(cut_at("Hookfleet " + headline(notice) + "\n" + details(notice), kMessageMax - kMessageAttachmentMax - 64));
  if (const std::string attachment = attachment_text(notice, kMessageAttachmentMax); !attachment.empty()) text += "\n\n" + attachment;
  return dump(Json{{"chatId", chat}, {"message", text}});
}

}  // namespace hookfleet::alert
