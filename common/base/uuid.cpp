#include "common/base/uuid.hpp"

#include <sys/random.h>

#include <array>
#include <cstdint>
#include <random>

#include "common/base/ascii.hpp"
#include "common/base/check.hpp"

namespace hookfleet::base {
namespace {

// One generator a thread: no lock on the hot path. The 12 bits of rand_a count within a millisecond (RFC 9562, 6.2, method 1),
// seeded low enough that a burst of 3,000 ids in one millisecond doesn't overflow; then the time field runs ahead by 1 ms.
struct Generator {
  std::mt19937_64 random;
  std::int64_t last_ms = 0;
  std::uint32_t counter = 0;

  Generator() {
    std::array<std::uint32_t, 8> seed{};
    HOOKFLEET_CHECK(::getrandom(seed.data(), sizeof seed, 0) == static_cast<ssize_t>(sizeof seed));
    std::seed_seq sequence(seed.begin(), seed.end());
    random.seed(sequence);
  }

  void next(std::int64_t ms) {
    if (ms > last_ms) {
      last_ms = ms;
      counter = static_cast<std::uint32_t>(random() & 0x3ff);
    } else if (++counter > 0xfff) {
      ++last_ms;
      counter = 0;
    }
  }
};

constexpr char kHex[] = "0123456789abcdef";
constexpr std::size_t kLength = 36;

bool is_dash_position(std::size_t i) { return i == 8 || i == 13 || i == 18 || i == 23; }

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string make_uuid_v7(WallTime time) {
  thread_local Generator generator;
  generator.next(unix_ms(time));
  const auto ms = static_cast<std::uint64_t>(generator.last_ms);
  const std::uint64_t high = (ms << 16) | 0x7000U | generator.counter;
  const std::uint64_t low = (generator.random() & 0x3fffffffffffffffULL) | 0x8000000000000000ULL;

  std::string text(kLength, '-');
  int nibble = 0;
  for (std::size_t i = 0; i < kLength; ++i) {
    if (is_dash_position(i)) continue;
    const std::uint64_t word = nibble < 16 ? high : low;
    text[i] = kHex[(word >> (60 - 4 * (nibble % 16))) & 0xf];
    ++nibble;
  }
  return text;
}

WallTime uuid_v7_time(std::string_view uuid) {
  if (!is_uuid(uuid) || uuid[14] != '7') return {};
  std::int64_t ms = 0;
  for (std::size_t i = 0; i < 13; ++i) {
    if (!is_dash_position(i)) ms = ms * 16 + hex_value(uuid[i]);
  }
  return from_unix_ms(ms);
}

bool is_uuid(std::string_view text) {
  if (text.size() != kLength) return false;
  for (std::size_t i = 0; i < kLength; ++i) {
    if (is_dash_position(i) ? text[i] != '-' : hex_value(text[i]) < 0) return false;
  }
  return true;
}

}  // namespace hookfleet::base
