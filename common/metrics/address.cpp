#include "common/metrics/address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <charconv>
#include <cstring>

namespace hookfleet::metrics {
namespace {

constexpr const char* kWrong = "is not an address with a port: write 127.0.0.1:9090, 0.0.0.0:9090, [::1]:9090 or [::]:9090";

// The sockaddr family is reached by copies: casts between its members would break strict aliasing.
template <class Socket>
Socket as(const sockaddr_storage& storage) {
  Socket socket;
  std::memcpy(&socket, &storage, sizeof socket);
  return socket;
}

template <class Socket>
Address from(const Socket& socket) {
  Address address;
  std::memcpy(&address.storage, &socket, sizeof socket);
  address.size = sizeof socket;
  return address;
}

}  // namespace

int Address::port() const {
  return ntohs(storage.ss_family == AF_INET6 ? as<sockaddr_in6>(storage).sin6_port : as<sockaddr_in>(storage).sin_port);
}

bool Address::any() const {
  if (storage.ss_family == AF_INET6) {
    const auto socket = as<sockaddr_in6>(storage);
    return std::memcmp(&socket.sin6_addr, &in6addr_any, sizeof in6addr_any) == 0;
  }
  return as<sockaddr_in>(storage).sin_addr.s_addr == htonl(INADDR_ANY);
}

Address Address::reachable() const {
  if (!any()) return *this;
  sockaddr_in socket{};
  socket.sin_family = AF_INET;
  socket.sin_port = htons(static_cast<std::uint16_t>(port()));
  socket.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return from(socket);
}

std::string Address::text() const {
  std::array<char, INET6_ADDRSTRLEN> host{};
  const std::string port_text = std::to_string(port());
  if (storage.ss_family == AF_INET6) {
    const auto socket = as<sockaddr_in6>(storage);
    ::inet_ntop(AF_INET6, &socket.sin6_addr, host.data(), host.size());
    return "[" + std::string(host.data()) + "]:" + port_text;
  }
  const auto socket = as<sockaddr_in>(storage);
  ::inet_ntop(AF_INET, &socket.sin_addr, host.data(), host.size());
  return std::string(host.data()) + ":" + port_text;
}

tl::expected<Address, std::string> parse_address(const std::string& text) {
  const auto wrong = [&] { return tl::unexpected("\"" + text + "\" " + kWrong); };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return wrong();
  std::string host = text.substr(0, colon);
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + colon + 1, end, port);
  if (parsed.ec != std::errc() || parsed.ptr != end) return wrong();

  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    sockaddr_in6 socket{};
    socket.sin6_family = AF_INET6;
    socket.sin6_port = htons(port);
    if (::inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &socket.sin6_addr) != 1) return wrong();
    return from(socket);
  }
  if (host == "localhost") host = "127.0.0.1";
  sockaddr_in socket{};
  socket.sin_family = AF_INET;
  socket.sin_port = htons(port);
  if (::inet_pton(AF_INET, host.c_str(), &socket.sin_addr) != 1) return wrong();
  return from(socket);
}

std::optional<std::string> check_address(const std::string& text) {
  if (parse_address(text)) return std::nullopt;
  return kWrong;
}

}  // namespace hookfleet::metrics
