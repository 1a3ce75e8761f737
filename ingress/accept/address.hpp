#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hookfleet::accept {

/// An IP address; IPv4 is kept as its v4-mapped IPv6 form, so that `1.2.3.4` and `::ffff:1.2.3.4` are one.
class Address {
 public:
  /// `1.2.3.4`, `::1`, `[::1]`. Nothing for anything else: no names, no ports, no zones.
  static std::optional<Address> parse(std::string_view text);
  /// For logs; what is v4-mapped as IPv4.
  std::string text() const;
  /// 127.0.0.0/8 or ::1: the request comes from this machine.
  bool is_loopback() const;
  auto operator<=>(const Address&) const = default;

 private:
  friend class Network;
  std::array<std::uint8_t, 16> bytes_{};
};

/// A CIDR block; a bare address is a block of one. Blocks are ordered by their first address, larger ones before smaller ones.
class Network {
 public:
  /// Nothing for what is no address, or whose prefix is no number within the address' length. Bits beyond the prefix don't count.
  static std::optional<Network> parse(std::string_view text);
  bool contains(const Address& address) const;
  bool contains(const Network& other) const;
  /// All of it is IPv4 (as such, or v4-mapped).
  bool is_v4() const;
  /// `10.0.0.0/8`, `1.2.3.4`, `fd00::/8`: the first address, v4-mapped as IPv4, and the prefix unless it is a block of one.
  std::string text() const;
  auto operator<=>(const Network&) const = default;

 private:
  Address base_;
  unsigned bits_ = 128;
};

bool contains(const std::vector<Network>& networks, const Address& address);

/// The address a request came from: the peer, or, when the peer is a trusted proxy, the right-most hop of `X-Forwarded-For` that isn't one
/// (the left-most when all are). What stands left of that hop is the sender's claim and isn't looked at. A hop that is no address ends the
/// search: then nobody knows, and nothing is returned. A hop may carry a port.
std::optional<Address> client_address(std::optional<Address> peer, std::string_view forwarded_for, const std::vector<Network>& trusted);

}  // namespace hookfleet::accept
