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

}  // namespace hookfleet::notification
