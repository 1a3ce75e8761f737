#include "cli/simulate/target.hpp"

#include <netdb.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

#include "common/base/descriptor.hpp"
#include "common/base/number.hpp"
#include "common/web/url.hpp"

namespace hookfleet::simulate {

tl::expected<Address, std::string> Address::find(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* first = nullptr;
  const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &first);
  if (error != 0) return tl::unexpected(std::string(::gai_strerror(error)));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> all(first, &::freeaddrinfo);
  Address address;
  std::memcpy(&address.storage, first->ai_addr, first->ai_addrlen);
  address.size = first->ai_addrlen;
  return address;
}

std::optional<std::string> Address::unusable() const {
  const base::Descriptor socket(::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (socket.get() >= 0 && ::bind(socket.get(), get(), size) == 0) return std::nullopt;
  return std::system_category().message(errno);
}

tl::expected<Target, std::string> Target::find(const std::string& url) {
  if (const auto wrong = web::check_url(url)) return tl::unexpected(*wrong);
  const std::string scheme = "http://";
  if (!url.starts_with(scheme))
    return tl::unexpected(std::string(
        "is not http://: the simulator speaks no TLS. Post to the port that takes plain HTTP, or through a TLS client of this machine "
        "(stunnel; docs/simulate.md has its settings)"));
  const std::size_t end = std::min(url.find_first_of("/?", scheme.size()), url.size());
  Target target;
  target.host = url.substr(scheme.size(), end - scheme.size());
  target.path = url.substr(end);
  if (!target.path.starts_with('/')) target.path = '/' + target.path;

  std::string name = target.host;
  std::uint16_t port = 80;
  const std::size_t colon = name.rfind(':');
  if (colon != std::string::npos && name.find(']', colon) == std::string::npos) {
    const auto number = base::to_number<std::uint16_t>(std::string_view(name).substr(colon + 1));
    if (!number) return tl::unexpected(std::string("has no port from 1 to 65535"));
    port = *number;
    name.resize(colon);
  }
  if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);
  const auto address = Address::find(name, port);
  if (!address) return tl::unexpected("no address of " + name + ": " + address.error());
  target.address = *address;
  return target;
}

}  // namespace hookfleet::simulate
