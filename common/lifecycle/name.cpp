#include "common/lifecycle/name.hpp"

#include <unistd.h>

#include <array>
#include <cstdint>
#include <random>

#include "common/digest/digest.hpp"

namespace hookfleet::lifecycle {

std::string host_and_pid() {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return std::string(host.data()) + ':' + std::to_string(::getpid());
}

std::string unique_name() {
  std::random_device random;
  const std::uint32_t number = random();
  return host_and_pid() + ':' + digest::to_hex({reinterpret_cast<const char*>(&number), sizeof number});
}

}  // namespace hookfleet::lifecycle
