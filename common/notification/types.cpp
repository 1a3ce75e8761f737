#include "common/notification/types.hpp"

#include <algorithm>
#include <array>

namespace hookfleet::notification {
namespace {

using namespace std::string_view_literals;

// In the order of TypeWebhook.
constexpr std::array kTypeWebhooks{
    "incomingMessageReceived"sv,
    "outgoingMessageReceived"sv,
    "outgoingAPIMessageReceived"sv,
    "outgoingMessageStatus"sv,
    "stateInstanceChanged"sv,
    "statusInstanceChanged"sv,
    "deviceInfo"sv,
    "incomingCall"sv,
    "outgoingCall"sv,
    "incomingBlock"sv,
    "quotaExceeded"sv,
};
static_assert(kTypeWebhooks.size() == kTypeWebhookCount);

constexpr std::array kTypeMessages{
    "textMessage"sv,
    "extendedTextMessage"sv,
    "quotedMessage"sv,
    "imageMessage"sv,
    "videoMessage"sv,
    "documentMessage"sv,
    "audioMessage"sv,
    "stickerMessage"sv,
    "locationMessage"sv,
    "contactMessage"sv,
    "contactsArrayMessage"sv,
    "reactionMessage"sv,
    "pollMessage"sv,
    "pollUpdateMessage"sv,
    "editedMessage"sv,
    "deletedMessage"sv,
    "groupInviteMessage"sv,
    "interactiveButtons"sv,
    "interactiveButtonsReply"sv,
    "templateButtonsReplyMessage"sv,
    "templateButtonReplyMessage"sv,
    "buttonsResponseMessage"sv,
    "listResponseMessage"sv,
    "buttonsMessage"sv,
    "listMessage"sv,
    "templateMessage"sv,
};

constexpr std::array kMessageStatuses{
    "sent"sv, "delivered"sv, "read"sv, "failed"sv, "noAccount"sv, "notInGroup"sv, "yellowCard"sv, "noActiveSession"sv,
};

constexpr std::array kCallStatuses{
    "offer"sv, "pickUp"sv, "hangUp"sv, "hungUp"sv, "missed"sv, "declined"sv, "invalid"sv,
};

constexpr std::array kInstanceStates{
    "authorized"sv, "notAuthorized"sv, "blocked"sv,     "sleepMode"sv,       "starting"sv,
    "yellowCard"sv, "suspended"sv,     "pendingCode"sv, "pendingPassword"sv,
};

static_assert(kInstanceStates.size() == kInstanceStateCount);

// In the order of ChatKind.
constexpr std::array kChatKinds{"private"sv, "group"sv, "other"sv};
static_assert(kChatKinds.size() == kChatKindCount);

constexpr std::string_view kOther = "other";

/// The table's own text, which lives for ever, or `other`.
std::string_view label(std::span<const std::string_view> names, std::string_view name) {
  const auto found = std::ranges::find(names, name);
  return found == names.end() ? kOther : *found;
}

}  // namespace

std::span<const std::string_view> type_webhook_names() { return kTypeWebhooks; }

std::string_view to_text(TypeWebhook type) { return kTypeWebhooks[static_cast<std::size_t>(type)]; }

std::optional<TypeWebhook> find_type_webhook(std::string_view name) {
  const auto found = std::ranges::find(kTypeWebhooks, name);
  if (found == kTypeWebhooks.end()) return std::nullopt;
  return static_cast<TypeWebhook>(found - kTypeWebhooks.begin());
}

std::string_view type_label(std::string_view type_webhook) { return label(kTypeWebhooks, type_webhook); }

bool is_message(TypeWebhook type) {
  return type == TypeWebhook::kIncomingMessageReceived || type == TypeWebhook::kOutgoingMessageReceived ||
         type == TypeWebhook::kOutgoingAPIMessageReceived;
}

std::span<const std::string_view> type_message_names() { return kTypeMessages; }

bool is_known_type_message(std::string_view name) { return std::ranges::find(kTypeMessages, name) != kTypeMessages.end(); }

std::string_view type_message_label(std::string_view type_message) { return label(kTypeMessages, type_message); }

std::span<const std::string_view> message_statuses() { return kMessageStatuses; }

std::span<const std::string_view> call_statuses() { return kCallStatuses; }

std::string_view call_status_label(std::string_view status) { return status.empty() ? "none" : label(kCallStatuses, status); }

std::span<const std::string_view> instance_states() { return kInstanceStates; }

std::string_view instance_state_label(std::string_view state) { return label(kInstanceStates, state); }

std::span<const std::string_view> chat_kind_names() { return kChatKinds; }

std::string_view to_text(ChatKind kind) { return kChatKinds[static_cast<std::size_t>(kind)]; }

std::optional<ChatKind> chat_kind(std::string_view chat, std::string_view chat_type) {
  if (chat.empty()) return std::nullopt;
  if (chat.ends_with("@c.us") || chat.ends_with("@lid")) return ChatKind::kPrivate;
  if (chat.ends_with("@g.us")) return ChatKind::kGroup;
  const bool negative = chat.starts_with('-');
  const std::string_view digits = chat.substr(negative ? 1 : 0);
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos) return ChatKind::kOther;
  if (chat_type == "user" || chat_type == "bot") return ChatKind::kPrivate;
  if (chat_type == "group" || chat_type == "supergroup") return ChatKind::kGroup;
  if (chat_type == "channel") return ChatKind::kOther;
  return negative ? ChatKind::kGroup : ChatKind::kPrivate;
}

}  // namespace hookfleet::notification
