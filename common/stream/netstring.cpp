#include "common/stream/netstring.hpp"

namespace hookfleet::stream {

void put(std::string& out, std::string_view bytes) { out.append(std::to_string(bytes.size())).append(":").append(bytes).append(","); }

std::string_view NetstringReader::text() {
  std::size_t size = 0;
  const auto [colon, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), size);
  const auto digits = static_cast<std::size_t>(colon - rest_.data());
  // digits, colon, size bytes, comma; size is compared before anything is added to it
  if (!ok_ || error != std::errc() || digits >= rest_.size() || *colon != ':' || size >= rest_.size() - digits - 1 ||
      rest_[digits + 1 + size] != ',') {
    ok_ = false;
    return {};
  }
  const std::string_view bytes = rest_.substr(digits + 1, size);
  rest_.remove_prefix(digits + size + 2);
  return bytes;
}

}  // namespace hookfleet::stream
