#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace hookfleet::notification {

/// The documented values of typeWebhook. The list is open: an unknown one is news, not an error.
enum class TypeWebhook : std::uint8_t {
  kIncomingMessageReceived,
  kOutgoingMessageReceived,
  kOutgoingAPIMessageReceived,
  kOutgoingMessageStatus,
  kStateInstanceChanged,
  kStatusInstanceChanged,
  kDeviceInfo,
  kIncomingCall,
  kOutgoingCall,
  kIncomingBlock,
  kQuotaExceeded,
};
inline constexpr std::size_t kTypeWebhookCount = static_cast<std::size_t>(TypeWebhook::kQuotaExceeded) + 1;

/// All documented names, in the order of the enum.
std::span<const std::string_view> type_webhook_names();
std::string_view to_text(TypeWebhook type);
/// Case sensitive. Nothing for an unknown type.
std::optional<TypeWebhook> find_type_webhook(std::string_view name);
/// A label value from a closed set: the name of a known type, otherwise "other".
std::string_view type_label(std::string_view type_webhook);

bool is_message(TypeWebhook type);

/// All documented values of messageData.typeMessage.
std::span<const std::string_view> type_message_names();
bool is_known_type_message(std::string_view name);
/// As type_label(), for typeMessage.
std::string_view type_message_label(std::string_view type_message);

/// All documented values of an outgoingMessageStatus' status: progress first (sent < delivered < read), then what went wrong.
std::span<const std::string_view> message_statuses();
/// All documented values of a call's status, of incoming and outgoing calls.
std::span<const std::string_view> call_statuses();
/// A label value from a closed set, as type_label(). Empty (old bodies have none) is "none".
std::string_view call_status_label(std::string_view status);

/// All documented values of stateInstanceChanged's stateInstance, of all messengers; "authorized" is the one that works.
inline constexpr std::size_t kInstanceStateCount = 9;
std::span<const std::string_view> instance_states();
std::string_view instance_state_label(std::string_view state);

/// What a chat is.
enum class ChatKind : std::uint8_t {
  kPrivate,  ///< with one person, or a bot
  kGroup,
  kOther,  ///< a channel, a broadcast list, a form of id that isn't documented
};
inline constexpr std::size_t kChatKindCount = static_cast<std::size_t>(ChatKind::kOther) + 1;
/// All names, in the order of the enum: private, group, other.
std::span<const std::string_view> chat_kind_names();
std::string_view to_text(ChatKind kind);

/// By the form of the chat's id: @c.us and @lid are private, @g.us is a group; of a plain number (Telegram, MAX) `chat_type`, the body's
/// senderData.chatType, tells (user, bot, group, supergroup, channel: green-api.com, "How to identify a bot in Telegram"), and where it is
/// absent or not one of these, the sign: a negative one is a group. Nothing for a notification without a chat.
std::optional<ChatKind> chat_kind(std::string_view chat, std::string_view chat_type);

}  // namespace hookfleet::notification
