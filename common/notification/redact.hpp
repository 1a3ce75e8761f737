#pragma once

#include <string>
#include <string_view>

/// Notifications without what is personal in them, for logs and alerts (`log.payload: redacted`). Pure, any thread, no recursion, one pass;
/// nothing throws but for want of memory.
///
/// What a value becomes:
///   phone number or chat id   its last 4 digits: "…4567@c.us", "…4567"
///   link, preview picture     "[url]", "[thumbnail]"
///   any other text            its length in characters and the start of its SHA-256: "[29 #1a2b3c4d]", to tell equal from different. Not a
///                             secret: who guesses a short text can check the guess. One without letters has no hash: "[7]".
///   number                    its last 4 digits as a text, or "…" if it has no more than 4 or a fraction
namespace hookfleet::notification {

/// The body with every personal value replaced; its structure, nulls, booleans and empty texts stay. An allowlist: a value stays as it is
/// only under a key that is known to be harmless and where it looks as such a value does (typeWebhook, status, idMessage, timestamp …); a
/// key stays when it is a short identifier. So unknown fields and new types are safe too. Two replaced keys of an object may be equal.
///
/// The result is one JSON value in one line. Of what is no JSON, or beyond kDepthMax or kKeysMax, it tells `{"bytes":…,"digest":"…"}` (the
/// start of SHA-256, as in body_digest()) and nothing else.
std::string redact(std::string_view body);

/// One text by its looks alone, as above: chat id, link or text. Empty stays empty.
std::string redact_text(std::string_view text);

/// A text that stands beside a body: as redact() would show it under `key`.
std::string redact_field(std::string_view key, std::string_view text);

/// A sentence of ours that may quote an id: each run of more than 4 digits is cut to its last 4. Words stay.
std::string redact_numbers(std::string_view sentence);

}  // namespace hookfleet::notification
