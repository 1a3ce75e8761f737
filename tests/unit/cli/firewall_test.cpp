#include "cli/firewall.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/called.hpp"
#include "tests/support/golden.hpp"
#include "tests/support/temp_dir.hpp"

namespace hookfleet::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

Firewall allowing(const std::vector<std::string>& networks) {
  Firewall firewall;
  firewall.made_by = "hookfleet firewall";
  for (const std::string& network : networks) firewall.allowed.push_back(*accept::Network::parse(network));
  return firewall;
}

/// The elements of a set as they stand there, blanks away.
std::string elements(const std::string& ruleset, const std::string& set) {
  std::string text = ruleset.substr(ruleset.find("set " + set + " {"));
  text = text.substr(0, text.find("  }\n  "));
  const std::size_t begin = text.find("elements = {");
  if (begin == std::string::npos) return "";
  text = text.substr(begin + 12, text.find('}', begin) - begin - 12);
  std::erase_if(text, [](char c) { return c == ' ' || c == '\n'; });
  return text;
}

TEST(Firewall, IsPinnedByAGoldenFile) {
  EXPECT_TRUE(support::matches_golden("firewall.nft", nftables_ruleset(allowing({"46.101.109.139", "10.0.0.0/8", "2001:db8::/32"}))));
}

TEST(Firewall, NamesEachAddressOnceHoweverOftenAndInWhateverFormItIsListed) {
  const std::string ruleset =
      nftables_ruleset(allowing({"10.1.2.3/9", "10.200.0.0/16", "10.128.0.0/9", "1.2.3.4", "::ffff:1.2.3.4", "1.2.3.4/32",
                                 "::ffff:10.0.0.0/105", "fd00::1/8", "fd00::/9", "[fd00::2]", "2001:db8::1"}));
  EXPECT_EQ(elements(ruleset, "allowed_v4"), "1.2.3.4,10.0.0.0/9,10.128.0.0/9");
  EXPECT_EQ(elements(ruleset, "allowed_v6"), "2001:db8::1,fd00::/8");
}

TEST(Firewall, WhatTheIngressTakesForAllOfIpv4IsSoHere) {
  const std::string ruleset = nftables_ruleset(allowing({"::/0", "1.2.3.4"}));
  EXPECT_EQ(elements(ruleset, "allowed_v4"), "0.0.0.0/0");
  EXPECT_EQ(elements(ruleset, "allowed_v6"), "::/0");
  EXPECT_EQ(elements(nftables_ruleset(allowing({"::ffff:0:0/96"})), "allowed_v4"), "0.0.0.0/0");
}

TEST(Firewall, AnEmptySetHasNoElementsLineWhichNftWouldRefuse) {
  EXPECT_THAT(nftables_ruleset(allowing({"1.2.3.4"})), Not(HasSubstr("elements = {\n    }")));
}

TEST(Firewall, PortsTableAndRefusalAreAsAsked) {
  Firewall firewall = allowing({"1.2.3.4"});
  firewall.ports = {8443, 8080, 8443};
  firewall.table = "hookfleet_2";
  firewall.reject = true;
  EXPECT_THAT(nftables_ruleset(firewall), AllOf(HasSubstr("elements = { 8080, 8443 }"), HasSubstr("delete table inet hookfleet_2\n"),
                                                HasSubstr("counter reject with tcp reset\n"), Not(HasSubstr("drop"))));
}

// Loading the ruleset deletes the table of that name: it must never be somebody else's.
TEST(Firewall, TheTableIsAlwaysOneOfOurs) {
  EXPECT_TRUE(is_table_name("hookfleet") && is_table_name("hookfleet_edge2"));
  for (const char* name : {"", "filter", "Hookfleet", "hookfleet-2", "hookfleet {", "hookfleet;flush", "nat"})
    EXPECT_FALSE(is_table_name(name)) << name;
}

class FirewallVerb : public testing::Test {
 protected:
  std::string settings(const std::string& text) {
    std::ofstream(directory_ / "f.yaml") << text;
    return directory_ / "f.yaml";
  }
  support::TempDir directory_;
};

TEST_F(FirewallVerb, TakesTheAllowlistOfTheSettingsWithoutNeedingTheToken) {
  const auto made =
      called({"firewall", "--config", HOOKFLEET_SOURCE_DIR "/deploy/hookfleet.yaml", "--port", "8080,8443", "--also", "fd00::/8"});
  EXPECT_EQ(made.code, 0) << made.err;
  EXPECT_THAT(made.out, AllOf(HasSubstr("46.101.109.139"), HasSubstr("elements = { 8080, 8443 }"), HasSubstr("fd00::/8"),
                              HasSubstr("--port 8080,8443 --also fd00::/8")));
}

TEST_F(FirewallVerb, TheEnvironmentCountsAsForThePrograms) {
  const auto made = called({"firewall"}, {{"HOOKFLEET_AUTH__ALLOWLIST__ADDRESSES", "192.0.2.7"}});
  EXPECT_EQ(made.code, 0) << made.err;
  EXPECT_EQ(elements(made.out, "allowed_v4"), "192.0.2.7");
}

TEST_F(FirewallVerb, RefusesWhatWouldLockTheSenderOutOrMeanNothing) {
  const std::string file = settings("auth: {allowlist: {addresses: [192.0.2.7]}}\n");
  const auto expect = [](const std::vector<std::string>& arguments, const std::string& text) {
    const auto wrong = called(arguments);
    EXPECT_EQ(wrong.code, 2) << text;
    EXPECT_EQ(wrong.out, "") << text;
    EXPECT_THAT(wrong.err, HasSubstr(text));
  };
  expect({"firewall"}, "auth.allowlist.addresses is empty");
  expect({"firewall", "--also", "10.0.0.0/8"}, "auth.allowlist.addresses is empty");
  for (const char* port : {"0", "65536", "http", "80,", ",80", "80-90", "-1"})
    expect({"firewall", "--config", file, "--port", port}, "--port");
  for (const char* network : {"10.0.0.0/33", "example.org", "10.0.0.1,", "fe80::1%eth0", "10.0.0.1 10.0.0.2"}) {
    expect({"firewall", "--config", file, "--also", network}, "--also");
  }
  expect({"firewall", "--config", file, "--table", "filter"}, "--table: must begin with hookfleet");
  expect({"firewall", "--config", settings("auth: {allowlist: {addresses: [nowhere]}}\n")}, "is neither an address");
}

}  // namespace
}  // namespace hookfleet::cli
