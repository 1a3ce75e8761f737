#include "common/stream/mark.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "common/digest/digest.hpp"

namespace hookfleet::stream {
namespace {

constexpr std::size_t kReceivedSize = 13;  // ms until the year 2286
constexpr std::size_t kIdSize = 16;
constexpr std::size_t kDigestSize = 8;
constexpr std::size_t kHead = 1 + kReceivedSize + kIdSize;
constexpr std::int64_t kReceivedMax = 9'999'999'999'999;

}  // namespace

bool Mark::knows(const notification::BodyDigest& digest) const {
  return std::find(digests.begin(), digests.end(), digest) != digests.end();
}

std::string Mark::text() const {
  char received[kReceivedSize + 1];
  std::snprintf(received, sizeof received, "%013lld", static_cast<long long>(std::clamp<std::int64_t>(received_ms, 0, kReceivedMax)));
  std::string text;
  text.reserve(kHead + digests.size() * kDigestSize);
  text.append("1").append(received, kReceivedSize);
  // 36 characters as 16 bytes: there are millions of marks.
  std::size_t digits = 0;
  unsigned byte = 0;
  for (const char c : first_id) {
    unsigned digit = 0;
    if (std::from_chars(&c, &c + 1, digit, 16).ptr == &c || digits == 2 * kIdSize) continue;
    byte = byte * 16 + digit;
    if (++digits % 2 == 0) text.push_back(static_cast<char>(byte & 0xFFU));
  }
  text.resize(kHead, '\0');
  const std::size_t skipped = digests.size() > kDigestsMax ? digests.size() - kDigestsMax : 0;
  for (std::size_t i = skipped; i < digests.size(); ++i) text.append(digest::as_bytes(digests[i]));
  return text;
}

std::optional<Mark> Mark::parse(std::string_view text) {
  if (text.size() < kHead + kDigestSize || text[0] != '1' || (text.size() - kHead) % kDigestSize != 0) return std::nullopt;
  Mark mark;
  const char* end = text.data() + 1 + kReceivedSize;
  if (std::from_chars(text.data() + 1, end, mark.received_ms).ptr != end || mark.received_ms < 0) return std::nullopt;
  mark.first_id = digest::to_hex(text.substr(1 + kReceivedSize, kIdSize));
  for (const std::size_t at : {20U, 16U, 12U, 8U}) mark.first_id.insert(at, 1, '-');
  for (std::size_t at = kHead; at < text.size() && mark.digests.size() < kDigestsMax; at += kDigestSize) {
    notification::BodyDigest digest;
    std::copy_n(text.begin() + static_cast<std::ptrdiff_t>(at), kDigestSize, digest.begin());
    mark.digests.push_back(digest);
  }
  return mark;
}

}  // namespace hookfleet::stream
