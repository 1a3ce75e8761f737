#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "common/alert/alert.hpp"
#include "common/alert/options.hpp"
#include "common/base/clock.hpp"
#include "common/redis/command.hpp"
#include "common/redis/reply.hpp"

namespace hookfleet::alert {

inline constexpr std::size_t kTextMax = 2048;          ///< bytes of Alert::text
inline constexpr std::size_t kNameMax = 128;           ///< bytes of type_webhook, chat and id_message
inline constexpr std::size_t kAttachmentMax = 16384;   ///< bytes of an attached notification
inline constexpr std::size_t kRedactableMax = 262144;  ///< a larger one isn't attached redacted: it would have to be read as a whole

/// An alert on its way: all that a sink may say, already as `alerts.attach` allows. A value; what lies in hf:alerts.
struct Notice {
  std::string number;  ///< unique; the same for each try at each sink: a receiver that remembers it drops repeats
  Kind kind = Kind::kTest;
  base::WallTime at{};  ///< when it happened
  std::string process;  ///< who tells: "hookfleet-worker host:pid"
  std::string type_webhook;
  std::uint64_t id_instance = 0;
  std::string text;
  std::string id, chat, id_message;
  std::string attachment;             ///< of the notification's bytes; valid UTF-8 isn't promised
  std::size_t attachment_of = 0;      ///< bytes that the whole notification has
  bool cut = false;                   ///< the attachment is only its beginning
  std::uint64_t suppressed = 0;       ///< alerts of the same kind, type and instance that were held back before this one
  base::WallTime suppressed_since{};  ///< when the first of these happened
  bool operator==(const Notice&) const = default;
};

/// What `attach` lets out of `alert`, every part cut to its limit at a character's boundary.
Notice make_notice(const Alert& alert, Attach attach, base::WallTime now, std::string process);

/// True when the text may hold something of a notification: what a handler or a target said of it. The others are ours alone.
bool quotes(const Alert& alert);

/// The alert's words, cut to their limit: its redacted ones, if it has some, unless `full`.
std::string words(const Alert& alert, bool full);
/// Its type: one that doesn't look like a type's name isn't shown, unless `full`.
std::string type_shown(const Alert& alert, bool full);

/// By what repeats are recognised: the last part of hf:alert:<digest>, 16 bytes over kind, type, instance and `which`.
std::string repeat_digest(const Alert& alert);

/// Appends the fields of an entry of hf:alerts to an XADD. Borrows from `notice`.
void encode(redis::Command& command, const Notice& notice);
/// Of the field list of an entry of hf:alerts. An error says what is missing: a later version's, or not ours.
tl::expected<Notice, std::string> decode(redis::ReplyView fields);

/// `bytes` or less of `text`, never ending within a UTF-8 sequence.
std::string_view cut_at(std::string_view text, std::size_t bytes);

}  // namespace hookfleet::alert
