#include "ingress/accept/address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <string>

namespace hookfleet::accept {
namespace {

constexpr std::size_t kTextMax = 64;                                                       // the longest address has 45 characters
constexpr std::array<std::uint8_t, 16> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};  // ::ffff:0.0.0.0
constexpr std::size_t kMappedBytes = 12;
constexpr unsigned kMappedBits = kMappedBytes * 8;

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Some proxies write a port too: 1.2.3.4:5678, [::1]:5678.
std::string_view without_port(std::string_view hop) {
  if (hop.starts_with('[')) return hop.substr(0, hop.find(']') + 1);
  const auto colon = hop.find(':');
  return colon != std::string_view::npos && hop.find(':', colon + 1) == std::string_view::npos ? hop.substr(0, colon) : hop;
}

}  // namespace

std::optional<Address> Address::parse(std::string_view text) {
  if (text.size() >= 2 && text.front() == '[' && text.back() == ']') text = text.substr(1, text.size() - 2);
  if (text.empty() || text.size() > kTextMax || text.find('\0') != std::string_view::npos) return std::nullopt;
  const std::string terminated(text);
  Address address;
  if (::inet_pton(AF_INET6, terminated.c_str(), address.bytes_.data()) == 1) return address;
  address.bytes_ = kMapped;
  if (::inet_pton(AF_INET, terminated.c_str(), address.bytes_.data() + kMappedBytes) == 1) return address;
  return std::nullopt;
}

std::string Address::text() const {
  const bool v4 = std::equal(kMapped.begin(), kMapped.begin() + kMappedBytes, bytes_.begin());
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(v4 ? AF_INET : AF_INET6, bytes_.data() + (v4 ? kMappedBytes : 0), text.data(), text.size());
  return text.data();
}

bool Address::is_loopback() const {
  static const Network kV4 = *Network::parse("127.0.0.0/8"), kV6 = *Network::parse("::1");
  return kV4.contains(*this) || kV6.contains(*this);
}

std::optional<Network> Network::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto base = Address::parse(text.substr(0, slash));
  if (!base) return std::nullopt;
  Network network;
  network.base_ = *base;
  if (slash == std::string_view::npos) return network;
  const bool v4 = text.substr(0, slash).find(':') == std::string_view::npos;
  const std::string_view digits = text.substr(slash + 1);
  unsigned prefix = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
  if (error != std::errc() || end != digits.data() + digits.size() || prefix > (v4 ? 32U : 128U)) return std::nullopt;
  network.bits_ = v4 ? prefix + kMappedBits : prefix;
  for (unsigned bit = network.bits_; bit < 128; ++bit) network.base_.bytes_[bit / 8] &= static_cast<std::uint8_t>(~(0x80U >> (bit % 8)));
  return network;
}

bool Network::contains(const Address& address) const {
  const std::size_t whole = bits_ / 8;
  if (!std::equal(base_.bytes_.begin(), base_.bytes_.begin() + static_cast<std::ptrdiff_t>(whole), address.bytes_.begin())) return false;
  if (bits_ % 8 == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xff << (8 - bits_ % 8));
  return (base_.bytes_[whole] & mask) == (address.bytes_[whole] & mask);
}

bool Network::contains(const Network& other) const { return bits_ <= other.bits_ && contains(other.base_); }

bool Network::is_v4() const {
  static const Network kAll = *Network::parse("0.0.0.0/0");
  return kAll.contains(*this);
}

std::string Network::text() const {
  if (bits_ == 128) return base_.text();
  return base_.text() + '/' + std::to_string(is_v4() ? bits_ - kMappedBits : bits_);
}

bool contains(const std::vector<Network>& networks, const Address& address) {
  return std::any_of(networks.begin(), networks.end(), [&](const Network& network) { return network.contains(address); });
}

std::optional<Address> client_address(std::optional<Address> peer, std::string_view forwarded_for, const std::vector<Network>& trusted) {
  while (peer && contains(trusted, *peer) && !trimmed(forwarded_for).empty()) {
    const auto comma = forwarded_for.rfind(',');
    peer = Address::parse(without_port(trimmed(comma == std::string_view::npos ? forwarded_for : forwarded_for.substr(comma + 1))));
    forwarded_for = comma == std::string_view::npos ? std::string_view() : forwarded_for.substr(0, comma);
  }
  return peer;
}

}  // namespace hookfleet::accept
