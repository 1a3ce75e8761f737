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

}  // namespace hookfleet::notification
