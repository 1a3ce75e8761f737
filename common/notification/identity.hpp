#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/notification/envelope.hpp"

namespace hookfleet::notification {

/// Names a notification over all its deliveries: first 16 bytes of SHA-256 over netstrings of idInstance, typeWebhook, chat, then the
/// fields that green-api's identity table gives for the type (a missing status counts as empty; where idMessage, state or timestamp is
/// missing, or the type is unknown, the minified body stands in). Pinned by a golden test: a change makes all marks in Redis worthless.
using Identity = std::array<std::uint8_t, 16>;

/// First 8 bytes of SHA-256 of the minified body, or of its bytes if it is malformed: tells a repeat (same digest) from a change (another).
using BodyDigest = std::array<std::uint8_t, 8>;

/// `id_instance`, `chat` and `type_webhook` are the entry's, never a second reading of the body.
Identity identity_of(std::uint64_t id_instance, std::string_view type_webhook, std::string_view chat, const Envelope& envelope,
                     std::string_view body);

/// Names a message whatever is told of it: first 16 bytes of SHA-256 over netstrings of idInstance and idMessage.
using MessageKey = std::array<std::uint8_t, 16>;
MessageKey message_key(std::uint64_t id_instance, std::string_view id_message);

/// Names a chat of an instance: first 16 bytes of SHA-256 over netstrings of idInstance and chat.
using ChatKey = std::array<std::uint8_t, 16>;
ChatKey chat_key(std::uint64_t id_instance, std::string_view chat);

BodyDigest body_digest(std::string_view body, const Envelope& envelope);

/// A byte order mark at the start and blanks (space, tab, CR, LF) outside strings removed, nothing else changed: neither escapes nor
/// numbers nor the order. Of any bytes, in linear time; bytes whose last string is not closed come back as they are.
std::string minify(std::string_view json);

}  // namespace hookfleet::notification
