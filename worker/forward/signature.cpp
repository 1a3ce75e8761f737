#include "worker/forward/signature.hpp"

#include "common/digest/digest.hpp"

namespace hookfleet::forward {
namespace {
constexpr std::string_view kPrefix = "whsec_";
constexpr std::size_t kKeyBytesMin = 24, kKeyBytesMax = 64;
}  // namespace

std::optional<std::string> signing_key(std::string_view secret) {
  if (!secret.starts_with(kPrefix)) return std::nullopt;
  auto key = digest::from_base64(secret.substr(kPrefix.size()));
  if (!key || key->size() < kKeyBytesMin || key->size() > kKeyBytesMax) return std::nullopt;
  return key;
}

std::string signature(std::span<const std::string> keys, std::string_view id, std::int64_t timestamp, std::string_view body) {
  const std::string head = std::string(id).append(".").append(std::to_string(timestamp)).append(".");
  std::string header;
  for (const std::string& key : keys) {
    if (!header.empty()) header += ' ';
    header.append("v1,").append(digest::to_base64(digest::as_bytes(digest::hmac_sha256(key, {head, body}))));
  }
  return header;
}

}  // namespace hookfleet::forward
