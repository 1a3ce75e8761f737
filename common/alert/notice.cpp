#include "common/alert/notice.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "common/base/uuid.hpp"
#include "common/digest/digest.hpp"
#include "common/notification/redact.hpp"
#include "common/stream/netstring.hpp"

namespace hookfleet::alert {
namespace {

constexpr std::string_view kNoticeFormat = "1";
constexpr std::size_t kDigestBytes = 16;

std::optional<Kind> find_kind(std::string_view text) {
  for (const Kind kind : kinds()) {
    if (text == to_text(kind)) return kind;
  }
  return std::nullopt;
}

std::string cut_text(std::string_view text, std::size_t bytes) { return std::string(cut_at(text, bytes)); }

}  // namespace

std::string_view cut_at(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  // Behind at most three bytes of a sequence stands its first.
  std::size_t end = bytes;
  for (int i = 0; i < 3 && end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U; ++i) --end;
  return text.substr(0, (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U ? bytes : end);
}

bool quotes(const Alert& alert) { return !alert.id.empty(); }

std::string words(const Alert& alert, bool full) {
  return cut_text(full || alert.redacted.empty() ? alert.text : alert.redacted, kTextMax);
}

std::string type_shown(const Alert& alert, bool full) {
  const std::string_view name = cut_at(alert.type_webhook, kNameMax);
  return full ? std::string(name) : notification::redact_field("typeWebhook", name);
}

Notice make_notice(const Alert& alert, Attach attach, base::WallTime now, std::string process) {
  const bool full = attach == Attach::kFull;
  const auto personal = [attach, full](std::string_view text) {
    if (full) return cut_text(text, kNameMax);
    return attach == Attach::kRedacted ? notification::redact_text(cut_at(text, kNameMax)) : std::string();
  };
  Notice notice;
  notice.number = base::make_uuid_v7(now);
  notice.kind = alert.kind;
  notice.at = now;
  notice.process = std::move(process);
  notice.type_webhook = type_shown(alert, full);
  notice.id_instance = alert.id_instance;
  notice.text = words(alert, full);
  if (!full && quotes(alert)) notice.text = notification::redact_numbers(notice.text);
  notice.id = cut_text(alert.id, kNameMax);
  notice.chat = personal(alert.chat);
  notice.id_message = cut_text(alert.id_message, kNameMax);
  if (!full) notice.id_message = notification::redact_field("idMessage", notice.id_message);
  if (!alert.body) return notice;
  notice.attachment_of = alert.body->size();
  if (attach == Attach::kRedacted && alert.body->size() <= kRedactableMax) {
    const std::string redacted = notification::redact(*alert.body);
    notice.attachment = cut_text(redacted, kAttachmentMax);
    notice.cut = notice.attachment.size() < redacted.size();
  } else if (full) {
    notice.attachment = cut_text(*alert.body, kAttachmentMax);
    notice.cut = notice.attachment.size() < alert.body->size();
  }
  return notice;
}

std::string repeat_digest(const Alert& alert) {
  std::string named;
  stream::put(named, to_text(alert.kind));
  stream::put(named, cut_at(alert.type_webhook, kNameMax));
  stream::put(named, alert.id_instance);
  if (!alert.which.empty()) stream::put(named, alert.which);
  return std::string(digest::as_bytes(digest::sha256(named)).substr(0, kDigestBytes));
}

void encode(redis::Command& command, const Notice& notice) {
  command.borrow("v").borrow(kNoticeFormat).borrow("n").borrow(notice.number).borrow("kind").borrow(to_text(notice.kind));
  command.borrow("at").number(base::unix_ms(notice.at)).borrow("process").borrow(notice.process);
  command.borrow("t").borrow(notice.type_webhook).borrow("i").copy(std::to_string(notice.id_instance));
  command.borrow("text").borrow(notice.text).borrow("id").borrow(notice.id).borrow("c").borrow(notice.chat);
  command.borrow("m").borrow(notice.id_message).borrow("b").borrow(notice.attachment);
  command.borrow("of").copy(std::to_string(notice.attachment_of)).borrow("cut").borrow(notice.cut ? "1" : "0");
  command.borrow("suppressed").copy(std::to_string(notice.suppressed));
  command.borrow("since").number(notice.suppressed > 0 ? base::unix_ms(notice.suppressed_since) : 0);
}

tl::expected<Notice, std::string> decode(redis::ReplyView fields) {
  if (fields.field("v").text() != kNoticeFormat) return tl::unexpected(std::string("has no format that this version knows"));
  const auto kind = find_kind(fields.field("kind").text());
  if (!kind) return tl::unexpected(std::string("is of no kind that this version knows"));
  const auto text = [&](std::string_view name) { return std::string(fields.field(name).text()); };
  const auto number = [&](std::string_view name) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(fields.field(name).integer(), 0));
  };
  Notice notice;
  notice.number = text("n");
  notice.kind = *kind;
  notice.at = base::from_unix_ms(fields.field("at").integer());
  notice.process = text("process");
  notice.type_webhook = text("t");
  notice.id_instance = number("i");
  notice.text = text("text");
  notice.id = text("id");
  notice.chat = text("c");
  notice.id_message = text("m");
  notice.attachment = text("b");
  notice.attachment_of = number("of");
  notice.cut = fields.field("cut").text() == "1";
  notice.suppressed = number("suppressed");
  notice.suppressed_since = base::from_unix_ms(fields.field("since").integer());  // of an older version: none
  return notice;
}

}  // namespace hookfleet::alert
