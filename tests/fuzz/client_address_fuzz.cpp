// Any bytes as X-Forwarded-For, addresses and networks: the client is an untrusted hop, and nothing left of it matters.
// Input: peer, networks by blank, header; one a line.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/check.hpp"
#include "ingress/accept/address.hpp"

using namespace hookfleet::accept;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const auto next = [&rest](char end) {
    const auto at = rest.find(end);
    const std::string_view part = rest.substr(0, at);
    rest = at == std::string_view::npos ? std::string_view() : rest.substr(at + 1);
    return part;
  };
  const auto peer = Address::parse(next('\n'));
  const std::string_view header = [&] {
    const std::string_view texts = next('\n');
    const std::string_view last = rest;
    rest = texts;
    return last;
  }();
  std::vector<Network> trusted;
  while (!rest.empty()) {
    const std::string_view text = next(' ');
    const auto network = Network::parse(text);
    if (!network) continue;
    trusted.push_back(*network);
    const auto base = Address::parse(text.substr(0, text.find('/')));
    HOOKFLEET_CHECK(base && network->contains(*base));
    HOOKFLEET_CHECK(Address::parse(base->text()) == base);
  }

  const auto client = client_address(peer, header, trusted);
  if (!peer) {
    HOOKFLEET_CHECK(!client);
  } else if (!contains(trusted, *peer)) {
    HOOKFLEET_CHECK(client == peer);
  }
  // Whatever a sender puts in front of what our proxies wrote changes nothing once an untrusted hop, or one that is no address, was met.
  if (!client || !contains(trusted, *client)) {
    HOOKFLEET_CHECK(client_address(peer, "46.101.109.139," + std::string(header), trusted) == client ||
                    header.find_first_not_of(" \t") == std::string_view::npos);
  }
  return 0;
}
