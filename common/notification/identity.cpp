#include "common/notification/identity.hpp"

#include <algorithm>
#include <optional>

#include <simdjson.h>

#include "common/digest/digest.hpp"
#include "common/notification/types.hpp"

namespace hookfleet::notification {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

void put_netstring(std::string& out, std::string_view bytes) {
  out.append(std::to_string(bytes.size())).append(":").append(bytes).append(",");
}

template <std::size_t N>
std::array<std::uint8_t, N> head_of_sha256(std::string_view bytes) {
  const auto digest = digest::sha256(bytes);
  std::array<std::uint8_t, N> head{};
  std::copy_n(digest.begin(), N, head.begin());
  return head;
}

/// What the body says, however it is spaced; of a malformed body its bytes.
std::string content_of(std::string_view body, const Envelope& envelope) {
  return envelope.malformed == Malformed::kNo ? minify(body) : std::string(body);
}

/// Appends the fields that tell this notification from others of its type and chat. False: the body doesn't have them.
bool put_fields(std::string& out, std::string_view type_webhook, const Envelope& envelope) {
  const auto type = find_type_webhook(type_webhook);
  if (!type) return false;
  switch (*type) {
    case TypeWebhook::kIncomingMessageReceived:
    case TypeWebhook::kOutgoingMessageReceived:
    case TypeWebhook::kOutgoingAPIMessageReceived:
      if (envelope.id_message.empty()) return false;
      put_netstring(out, envelope.id_message);
      return true;
    case TypeWebhook::kOutgoingMessageStatus:
    case TypeWebhook::kIncomingCall:
    case TypeWebhook::kOutgoingCall:
      if (envelope.id_message.empty()) return false;
      put_netstring(out, envelope.id_message);
      put_netstring(out, envelope.status);
      return true;
    case TypeWebhook::kStateInstanceChanged:
    case TypeWebhook::kStatusInstanceChanged:
      if (!envelope.timestamp || envelope.state.empty()) return false;
      put_netstring(out, std::to_string(*envelope.timestamp));
      put_netstring(out, envelope.state);
      return true;
    case TypeWebhook::kIncomingBlock:
      if (!envelope.timestamp || envelope.state.empty()) return false;
      put_netstring(out, envelope.state);
      put_netstring(out, std::to_string(*envelope.timestamp));
      return true;
    case TypeWebhook::kDeviceInfo:
    case TypeWebhook::kQuotaExceeded: return false;
  }
  return false;  // unreachable while the switch is exhaustive
}

/// Netstrings of an instance and a name that is unique within it.
std::string name_within(std::uint64_t id_instance, std::string_view name) {
  std::string out;
  put_netstring(out, std::to_string(id_instance));
  put_netstring(out, name);
  return out;
}

}  // namespace

Identity identity_of(std::uint64_t id_instance, std::string_view type_webhook, std::string_view chat, const Envelope& envelope,
                     std::string_view body) {
  std::string out;
  put_netstring(out, std::to_string(id_instance));
  put_netstring(out, type_webhook);
  put_netstring(out, chat);
  if (!put_fields(out, type_webhook, envelope)) put_netstring(out, content_of(body, envelope));
  return head_of_sha256<std::tuple_size_v<Identity>>(out);
}

MessageKey message_key(std::uint64_t id_instance, std::string_view id_message) {
  return head_of_sha256<std::tuple_size_v<MessageKey>>(name_within(id_instance, id_message));
}

ChatKey chat_key(std::uint64_t id_instance, std::string_view chat) {
  return head_of_sha256<std::tuple_size_v<ChatKey>>(name_within(id_instance, chat));
}

BodyDigest body_digest(std::string_view body, const Envelope& envelope) {
  return head_of_sha256<std::tuple_size_v<BodyDigest>>(content_of(body, envelope));
}

std::string minify(std::string_view json) {
  if (json.starts_with(kByteOrderMark)) json.remove_prefix(kByteOrderMark.size());
  std::string out(json.size(), '\0');
  std::size_t size = 0;
  if (simdjson::minify(json.data(), json.size(), out.data(), size) != simdjson::SUCCESS) return std::string(json);
  out.resize(size);
  return out;
}

}  // namespace hookfleet::notification
