#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ingress/accept/address.hpp"

/// A packet filter for nftables made from the allowlist: `hookfleet firewall`. Pure.
namespace hookfleet::cli {

struct Firewall {
  std::vector<accept::Network> allowed;  ///< in any order, overlapping or repeated as they come
  std::vector<std::uint16_t> ports{80, 443, 8080};
  std::string table = "hookfleet";  ///< see is_table_name()
  bool reject = false;              ///< answer others with a TCP reset instead of silence
  std::string made_by;              ///< the command line, for the first comment
};

/// What nft takes with -f: one table of family inet that drops TCP to the ports from addresses that aren't allowed, and touches nothing
/// else. Loading it again takes the earlier one's place at once.
std::string nftables_ruleset(Firewall firewall);

/// `hookfleet`, or that with more letters, digits and underscores. Nothing else: loading the ruleset replaces the table of that name.
bool is_table_name(const std::string& name);

}  // namespace hookfleet::cli
