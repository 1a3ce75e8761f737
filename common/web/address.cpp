#include "common/web/address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace hookfleet::web {
namespace {

struct Range4 {
  std::uint32_t base;
  unsigned bits;
};
// IANA's special-purpose registry, what is not globally reachable, and multicast.
constexpr Range4 kNotPublic4[] = {
    {0x00000000, 8},   // "this network"
    {0x0a000000, 8},   // private
    {0x64400000, 10},  // shared (carrier-grade NAT)
    {0x7f000000, 8},   // loopback
    {0xa9fe0000, 16},  // link-local
    {0xac100000, 12},  // private
    {0xc0000000, 24},  // protocol assignments
    {0xc0000200, 24},  // documentation
    {0xc0586300, 24},  // 6to4 relays
    {0xc0a80000, 16},  // private
    {0xc6120000, 15},  // benchmarks
    {0xc6336400, 24},  // documentation
    {0xcb007100, 24},  // documentation
    {0xe0000000, 3},   // multicast, reserved, broadcast
};

bool is_public4(std::uint32_t address) {
  return std::none_of(std::begin(kNotPublic4), std::end(kNotPublic4),
                      [&](const Range4& range) { return (address ^ range.base) >> (32 - range.bits) == 0; });
}

using Bytes6 = std::array<std::uint8_t, 16>;

std::uint32_t ipv4_at(const Bytes6& address, std::size_t at) {
  return std::uint32_t{address[at]} << 24 | std::uint32_t{address[at + 1]} << 16 | std::uint32_t{address[at + 2]} << 8 | address[at + 3];
}

bool starts_with(const Bytes6& address, std::initializer_list<std::uint8_t> prefix) {
  return std::equal(prefix.begin(), prefix.end(), address.begin());
}

bool is_public6(const Bytes6& address) {
  if (starts_with(address, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff})) return is_public4(ipv4_at(address, 12));     // mapped
  if (starts_with(address, {0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0})) return is_public4(ipv4_at(address, 12));  // NAT64
  if (starts_with(address, {0x20, 0x02})) return is_public4(ipv4_at(address, 2));                                    // 6to4
  if (starts_with(address, {0x20, 0x01, 0x0d, 0xb8}) || starts_with(address, {0x20, 0x01, 0, 0})) return false;  // documentation, Teredo
  return (address[0] & 0xe0) == 0x20;  // 2000::/3 is all that is handed out
}

}  // namespace

bool is_public(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &address, sizeof in);
    return is_public4(ntohl(in.sin_addr.s_addr));
  }
  if (address.sa_family == AF_INET6) {
    sockaddr_in6 in{};
    std::memcpy(&in, &address, sizeof in);
    Bytes6 bytes;
    std::memcpy(bytes.data(), &in.sin6_addr, bytes.size());
    return is_public6(bytes);
  }
  return false;
}

bool is_public(const char* text) {
  in_addr v4{};
  if (::inet_pton(AF_INET, text, &v4) == 1) return is_public4(ntohl(v4.s_addr));
  Bytes6 v6{};
  return ::inet_pton(AF_INET6, text, v6.data()) == 1 && is_public6(v6);
}

}  // namespace hookfleet::web
