#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

/// Hashes. Only user of OpenSSL and xxHash. All functions may be called from any thread and cannot fail.
namespace hookfleet::digest {

using Sha256 = std::array<std::uint8_t, 32>;

Sha256 sha256(std::string_view bytes) noexcept;

/// HMAC-SHA256 (RFC 2104) of the parts one after the other.
Sha256 hmac_sha256(std::string_view key, std::initializer_list<std::string_view> parts) noexcept;

/// SHA-1 in lower-case hexadecimal: how Redis names a script.
std::string sha1_hex(std::string_view bytes);

/// XXH3_64bits with seed 0.
std::uint64_t xxh3_64(std::string_view bytes) noexcept;

/// Equal or not, in a time that does not depend on where they differ. Inline and by words: an ingress with 1,000 tokens asks so often for
/// each delivery (measured: 17 ns with CRYPTO_memcmp, which goes by bytes).
inline bool equal_in_constant_time(const Sha256& a, const Sha256& b) noexcept {
  std::array<std::uint64_t, 4> left, right;
  static_assert(sizeof left == sizeof a);
  std::memcpy(left.data(), a.data(), sizeof left);
  std::memcpy(right.data(), b.data(), sizeof right);
  std::uint64_t difference = (left[0] ^ right[0]) | (left[1] ^ right[1]) | (left[2] ^ right[2]) | (left[3] ^ right[3]);
  asm volatile("" : "+r"(difference));  // the compiler may not see that only zero matters, and branch on a part of it
  return difference == 0;
}

/// RFC 4648, padded, one line.
std::string to_base64(std::string_view bytes);
/// What to_base64() makes, with or without its padding; nothing for anything else, blanks too.
std::optional<std::string> from_base64(std::string_view text);

/// Lower-case hexadecimal.
std::string to_hex(std::string_view bytes);

template <std::size_t N>
std::string_view as_bytes(const std::array<std::uint8_t, N>& digest) {
  return {reinterpret_cast<const char*>(digest.data()), N};
}

}  // namespace hookfleet::digest
