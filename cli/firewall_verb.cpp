#include <fmt/format.h>

#include <charconv>

#include "cli/firewall.hpp"
#include "cli/fleet_settings.hpp"
#include "cli/text.hpp"
#include "cli/values.hpp"
#include "cli/verb_list.hpp"
#include "common/config/command_line.hpp"
#include "common/config/value.hpp"

namespace hookfleet::cli {
namespace {

std::uint16_t port_of(const std::string& text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0) {
    wrong_usage("--port: \"" + shown(text) + "\" is no port: numbers from 1 to 65535, by comma");
  }
  return port;
}

class FirewallVerb final : public Verb {
 public:
  void declare(config::Arguments& arguments) override {
    arguments.option("--config", file_, "FILE", "The settings in YAML, with the list [default: none, only --also]");
    arguments.option("--port", ports_, "PORT[,PORT…]", "Where nginx listens, seen from outside [default: 80,443,8080]");
    arguments.option("--also", also_, "CIDR[,CIDR…]", "Let these in, too: load balancers, your own monitoring");
    arguments.option("--table", table_, "NAME", "Name of the table; begins with hookfleet [default: hookfleet]");
    arguments.flag("--reject", reject_, "Answer others with a TCP reset, instead of silence");
  }

  int run(Console& console, const Environment& environment) override {
    Firewall firewall;
    firewall.reject = reject_;
    if (!table_.empty()) firewall.table = table_;
    if (!is_table_name(firewall.table)) {
      wrong_usage("--table: must begin with hookfleet and have letters, digits and _ only, because the table of that name is replaced");
    }
    if (!ports_.empty()) {
      firewall.ports.clear();
      for (const std::string& port : config::split(ports_, ',')) firewall.ports.push_back(port_of(port));
    }

    FleetSettings settings;
    Environment known = environment;
    known["HOOKFLEET_AUTH__ALLOW_UNAUTHENTICATED"] = "true";  // the list can be read where the token isn't
    if (const auto problems = settings.load(file_, known); !problems.empty()) {
      console.err(config::lines(problems));
      return kUsage;
    }
    const accept::Options& accept = settings.ingress().accept;
    if (accept.addresses.empty()) {
      throw Failed{"auth.allowlist.addresses is empty: such a firewall would refuse the sender; name the settings with --config FILE",
                   kUsage};
    }
    for (const std::string& address : accept.addresses) firewall.allowed.push_back(*accept::Network::parse(address));
    if (!also_.empty()) {
      for (const std::string& network : config::split(also_, ',')) {
        const auto parsed = accept::Network::parse(network);
        if (!parsed)
          wrong_usage("--also: \"" + shown(network) + "\" is neither an address (1.2.3.4, 2001:db8::1) nor a network (10.0.0.0/8)");
        firewall.allowed.push_back(*parsed);
      }
    }

    firewall.made_by = "hookfleet firewall" + given("--config", shown(file_)) + given("--port", ports_) + given("--also", also_) +
                       given("--table", table_) + (reject_ ? " --reject" : "");
    console.out(nftables_ruleset(std::move(firewall)));
    return kOk;
  }

 private:
  static std::string given(const std::string& option, const std::string& value) { return value.empty() ? "" : ' ' + option + ' ' + value; }

  bool reject_ = false;
  std::string file_, ports_, also_, table_;
};

constexpr std::string_view kFirewallExamples = R"(
Prints a ruleset for nft: TCP to nginx's ports only from auth.allowlist.addresses and --also, in a table of its own that leaves all else alone.
It covers published ports of containers, too. Nothing is changed by this command: the comments of the ruleset say how to apply and remove it.

GREEN-API's addresses change. Run with auth.allowlist.mode: monitor first; see docs/deploy-manually.md.

Examples:
  hookfleet firewall --config hookfleet.yaml > hookfleet.nft && nft -c -f hookfleet.nft
  hookfleet firewall --config hookfleet.yaml --port 8080 --also 203.0.113.7,10.0.0.0/8 | nft -f -
  nft delete table inet hookfleet
)";

}  // namespace

VerbSpec firewall_verb() {
  return {"firewall", "--config FILE [--port PORTS]", "Make an nftables ruleset from the allowlist", kFirewallExamples,
          make_verb<FirewallVerb>};
}

}  // namespace hookfleet::cli
