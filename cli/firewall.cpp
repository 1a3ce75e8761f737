#include "cli/firewall.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>

namespace hookfleet::cli {
namespace {

using accept::Network;

// nft merges what overlaps, too (auto-merge), but people read this: each address once.
std::vector<Network> without_covered(std::vector<Network> networks) {
  std::sort(networks.begin(), networks.end());
  std::vector<Network> kept;
  for (const Network& network : networks) {
    if (kept.empty() || !kept.back().contains(network)) kept.push_back(network);  // blocks are within each other or apart
  }
  return kept;
}

std::string address_set(std::string_view name, std::string_view type, const std::vector<Network>& networks) {
  std::string elements;
  for (const Network& network : networks) elements += fmt::format("{}\n      {}", elements.empty() ? "" : ",", network.text());
  if (!elements.empty()) elements = "    elements = {" + elements + "\n    }\n";
  return fmt::format("  set {} {{\n    type {}\n    flags interval\n    auto-merge\n{}  }}\n", name, type, elements);
}

}  // namespace

bool is_table_name(const std::string& name) {
  constexpr std::string_view kPrefix = "hookfleet";
  constexpr std::size_t kMax = 64;
  return name.starts_with(kPrefix) && name.size() <= kMax &&
         name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
}

std::string nftables_ruleset(Firewall firewall) {
  std::vector<Network> v4, v6;
  for (const Network& network : without_covered(std::move(firewall.allowed))) {
    (network.is_v4() ? v4 : v6).push_back(network);
    // An IPv6 block around ::ffff:0:0/96 holds all of IPv4, to the ingress as well.
    const Network all_v4 = *Network::parse("0.0.0.0/0");
    if (!network.is_v4() && network.contains(all_v4)) v4.push_back(all_v4);
  }
  v4 = without_covered(std::move(v4));
  std::sort(firewall.ports.begin(), firewall.ports.end());
  firewall.ports.erase(std::unique(firewall.ports.begin(), firewall.ports.end()), firewall.ports.end());

  const std::string& table = firewall.table;
  std::string text = fmt::format(
      R"(#!/usr/sbin/nft -f
# Made by {0}
# TCP to {1} of this machine only from the addresses below; all else passes as before.
#
# Try it without a change:  nft -c -f FILE
# Apply it, also again:     nft -f FILE
# See what it refused:      nft list chain inet {2} prerouting
# Remove it:                nft delete table inet {2}
# At each boot:             include "FILE" at the end of /etc/nftables.conf, and systemctl enable nftables
#
# GREEN-API's addresses change without notice. What comes from a new one gets no answer here, leaves no trace in Hookfleet, and holds up its
# instance's queue. So first run with auth.allowlist.mode: monitor until hookfleet_ingress_unlisted_total stays as it is, and make this anew
# whenever the list changes. While it holds, the counter below is all there is to see of a missing address.

table inet {2}
delete table inet {2}

table inet {2} {{
)",
      firewall.made_by,
      firewall.ports.size() == 1 ? "port " + std::to_string(firewall.ports[0]) : fmt::format("ports {}", fmt::join(firewall.ports, ", ")),
      table);
  text += address_set("allowed_v4", "ipv4_addr", v4) + address_set("allowed_v6", "ipv6_addr", v6);
  // Before routing, so that ports which Docker hands on to a container are covered, too; raw, so that what is refused costs no tracking.
  text += fmt::format(R"(  set ports {{
    type inet_service
    elements = {{ {} }}
  }}
  chain prerouting {{
    type filter hook prerouting priority raw; policy accept;
    iif "lo" accept
    fib daddr type != local accept comment "what is only passed on"
    ip saddr @allowed_v4 accept
    ip6 saddr @allowed_v6 accept
    tcp dport @ports counter {}
  }}
}}
)",
                      fmt::join(firewall.ports, ", "), firewall.reject ? "reject with tcp reset" : "drop");
  return text;
}

}  // namespace hookfleet::cli
