#include "common/digest/digest.hpp"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <xxhash.h>

#include <memory>

#include "common/base/check.hpp"

namespace hookfleet::digest {
namespace {
const unsigned char* data(std::string_view bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};

// OpenSSL 3's SHA256() looks its algorithm up by name and allocates a context each time (measured with bench_ingress: a tenth of the event
// thread's time for one short token). Here the context stays with the thread and the algorithm with the context.
EVP_MD_CTX* sha256_context() noexcept {
  thread_local const std::unique_ptr<EVP_MD_CTX, FreeContext> context = [] {
    std::unique_ptr<EVP_MD_CTX, FreeContext> made(EVP_MD_CTX_new());
    HOOKFLEET_CHECK(made != nullptr && EVP_DigestInit_ex(made.get(), EVP_sha256(), nullptr) == 1);
    return made;
  }();
  return context.get();
}
}  // namespace

Sha256 sha256(std::string_view bytes) noexcept {
  Sha256 out{};
  EVP_MD_CTX* context = sha256_context();
  // Without an algorithm it takes the one it has, and starts anew.
  HOOKFLEET_CHECK(EVP_DigestInit_ex(context, nullptr, nullptr) == 1 && EVP_DigestUpdate(context, bytes.data(), bytes.size()) == 1 &&
                  EVP_DigestFinal_ex(context, out.data(), nullptr) == 1);
  return out;
}

// RFC 2104 over the context above: OpenSSL's own needs a fetch and two allocations each time.
Sha256 hmac_sha256(std::string_view key, std::initializer_list<std::string_view> parts) noexcept {
  constexpr std::size_t kBlock = 64;
  std::array<std::uint8_t, kBlock> inner{}, outer{};
  const auto put = [&](std::string_view bytes) {
    for (std::size_t i = 0; i < bytes.size(); ++i) inner[i] = outer[i] = static_cast<std::uint8_t>(bytes[i]);
  };
  if (key.size() > kBlock) {
    put(as_bytes(sha256(key)));
  } else {
    put(key);
  }
  for (auto& byte : inner) byte ^= 0x36;
  for (auto& byte : outer) byte ^= 0x5c;
  Sha256 out{};
  EVP_MD_CTX* context = sha256_context();
  const auto begin = [&](const auto& pad) {
    HOOKFLEET_CHECK(EVP_DigestInit_ex(context, nullptr, nullptr) == 1 && EVP_DigestUpdate(context, pad.data(), pad.size()) == 1);
  };
  begin(inner);
  for (const std::string_view part : parts) HOOKFLEET_CHECK(EVP_DigestUpdate(context, part.data(), part.size()) == 1);
  HOOKFLEET_CHECK(EVP_DigestFinal_ex(context, out.data(), nullptr) == 1);
  begin(outer);
  HOOKFLEET_CHECK(EVP_DigestUpdate(context, out.data(), out.size()) == 1 && EVP_DigestFinal_ex(context, out.data(), nullptr) == 1);
  return out;
}

std::string sha1_hex(std::string_view bytes) {
  std::array<std::uint8_t, SHA_DIGEST_LENGTH> out{};
  SHA1(data(bytes), bytes.size(), out.data());
  return to_hex(as_bytes(out));
}

std::uint64_t xxh3_64(std::string_view bytes) noexcept { return XXH3_64bits(bytes.data(), bytes.size()); }

std::string to_base64(std::string_view bytes) {
  // EVP_EncodeBlock counts in int and writes a NUL behind: pieces of a multiple of three bytes need no padding between them.
  constexpr std::size_t kPiece = 3UL << 20;
  std::string out;
  do {
    const std::string_view piece = bytes.substr(0, kPiece);
    bytes.remove_prefix(piece.size());
    std::string encoded((piece.size() + 2) / 3 * 4 + 1, '\0');
    const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()), data(piece), static_cast<int>(piece.size()));
    encoded.resize(static_cast<std::size_t>(size));
    out += encoded;
  } while (!bytes.empty());
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 == 0 && text.ends_with('=')) text.remove_suffix(text.ends_with("==") ? 2 : 1);
  if (text.size() % 4 == 1) return std::nullopt;
  std::string out;
  out.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    const bool upper = c >= 'A' && c <= 'Z', lower = c >= 'a' && c <= 'z', digit = c >= '0' && c <= '9';
    if (!upper && !lower && !digit && c != '+' && c != '/') return std::nullopt;
    const int value = upper ? c - 'A' : lower ? c - 'a' + 26 : digit ? c - '0' + 52 : c == '+' ? 62 : 63;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count & 0xff);
  }
  if ((bits & ((1U << count) - 1)) != 0) return std::nullopt;  // bits that no byte has
  return out;
}

std::string to_hex(std::string_view bytes) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += kHex[byte >> 4];
    out += kHex[byte & 0xf];
  }
  return out;
}

}  // namespace hookfleet::digest
