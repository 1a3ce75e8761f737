// A few hundred ways to knock at the webhook port, each through nginx and, unless a hazard of the HTTP library forbids it
// (docs/reliability.md), directly at an ingress. After each a good request is served.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "common/notification/envelope.hpp"
#include "tests/e2e/front_door/cases.hpp"
#include "tests/support/front_door.hpp"
#include "tests/support/http.hpp"
#include "tests/support/process.hpp"
#include "tests/support/sender.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait_until.hpp"

namespace hookfleet::front_door {
namespace {

using namespace std::chrono_literals;
using support::Fleet;
using support::front_door::Case;
using support::front_door::Door;
using support::front_door::Group;

/// Workers would take from the streams what cases look for. The second address is a listed sender on its own, the first is nginx's, too.
Fleet::Options options(const std::string& group, bool direct) {
  Fleet::Options made{.ingresses = 1,
                      .workers = 0,
                      .nginx = !direct,
                      .ingress_flags = {"--auth.allowlist.mode", "enforce", "--auth.allowlist.addresses", "127.0.0.1,127.0.0.2"}};
  if (group == "stalled_clients") {  // who stops is cut off: the same directives, sooner
    made.nginx_changes = {{"client_header_timeout 15s", "client_header_timeout 500ms"},
                          {"client_body_timeout 60s", "client_body_timeout 500ms"},
                          {"keepalive_timeout 75s", "keepalive_timeout 500ms"}};
  }
  if (group == "behind_a_balancer") made.nginx_environment = {{"NGINX_REAL_IP_FROM", "127.0.0.3"}};
  return made;
}

Group group_named(const std::string& name) {
  for (auto& group : all_groups()) {
    if (group.name == name) return group;
  }
  ADD_FAILURE() << "no group " << name;
  return {};
}

// Whatever was in the requests: a line each, and strict JSON (UTF-8).
void expect_json_lines(const std::string& file, std::size_t at_least) {
  std::ifstream lines(file);
  std::size_t count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const auto record = nlohmann::json::parse(line, nullptr, false);
    EXPECT_TRUE(record.is_object() && record.value("event", "") == "request") << "the access log has " << line;
    EXPECT_EQ(line.find(support::front_door::kToken), std::string::npos) << "the access log has a token: " << line;
  }
  EXPECT_GE(count, at_least) << "lines in the access log";
}

// nginx's own words go to a terminal, by `./fleet logs` or a container's log.
void expect_nothing_of_requests(const std::string& file) {
  const std::string text = support::read_file(file);
  const auto acts = [](unsigned char c) { return (c < 0x20 && c != '\n') || c >= 0x7f; };
  EXPECT_TRUE(std::none_of(text.begin(), text.end(), acts)) << text;
  EXPECT_EQ(text.find(support::front_door::kToken), std::string::npos) << text;
}

void run_all(const std::string& name, bool direct) {
  const support::TempDir directory;
  const std::string access_log = directory / "access.log";
  Fleet::Options made = options(name, direct);
  made.nginx_environment["NGINX_ACCESS_LOG"] = access_log;
  Fleet fleet(made);
  ASSERT_EQ(fleet.token(), support::front_door::kToken);
  Door door{.fleet = fleet, .port = fleet.port(), .direct = direct};
  std::size_t cases = 0;
  const Group group = group_named(name);
  for (const Case& one : group.cases) {
    if (direct && !one.not_direct.empty()) continue;
    ++cases;
    support::front_door::run(door, one);
    if (!fleet.ingress(0).running()) FAIL() << one.name << ": the ingress has ended";
  }
  if (!direct) {
    fleet.nginx().signal(SIGQUIT);  // it writes what it has of the log
    ASSERT_TRUE(fleet.nginx().wait(support::kSoon));
    expect_json_lines(access_log, cases);
    expect_nothing_of_requests(fleet.nginx_log());
  }
  testing::Test::RecordProperty("cases", static_cast<int>(cases));
  std::printf("%zu cases; the slowest good request after one took %lld ms\n", cases, static_cast<long long>(door.slowest.count()));
}

class ThroughNginx : public testing::TestWithParam<std::string> {};
class Directly : public testing::TestWithParam<std::string> {};

TEST_P(ThroughNginx, TheFrontDoorHolds) { run_all(GetParam(), false); }
TEST_P(Directly, TheIngressHoldsAsFarAsItsLibraryDoes) { run_all(GetParam(), true); }

std::vector<std::string> names(bool direct) {
  std::vector<std::string> all;
  for (const auto& group : all_groups()) {
    const auto can_be_run = [&](const Case& one) { return !direct || one.not_direct.empty(); };
    if (std::any_of(group.cases.begin(), group.cases.end(), can_be_run)) all.push_back(group.name);
  }
  return all;
}

const auto kName = [](const auto& given) { return given.param; };
INSTANTIATE_TEST_SUITE_P(FrontDoor, ThroughNginx, testing::ValuesIn(names(false)), kName);
INSTANTIATE_TEST_SUITE_P(FrontDoor, Directly, testing::ValuesIn(names(true)), kName);

// Bodies get in whatever they hold: what a worker can't read is a dead letter as it came, and everything else goes on.
TEST(FrontDoorBodies, EndAsDeadLettersOrHandledAndNeverEndAWorker) {
  Fleet fleet({.ingresses = 1, .workers = 1});
  std::set<std::string> malformed, others;
  support::HttpClient client(fleet.port());
  for (const char* name : {"json_bodies", "encodings"}) {
    for (const Case& one : group_named(name).cases) {
      for (const std::string& body : one.nginx.stored) {
        ASSERT_EQ(client.post("/webhook", fleet.token(), body)->status, 200) << one.name;
        const bool readable = notification::read_envelope(body).malformed == notification::Malformed::kNo;
        (readable ? others : malformed).insert(body);
      }
    }
  }
  EXPECT_GT(malformed.size(), 40U);
  EXPECT_GT(others.size(), 10U);
  ASSERT_TRUE(fleet.drained(60s)) << fleet.backlog() << " entries left";
  EXPECT_TRUE(fleet.worker(0).running());
  const auto dead = fleet.dead_bodies();
  for (const auto& body : malformed) EXPECT_TRUE(dead.contains(body)) << "not among the dead letters: " << body.substr(0, 100);
  for (const auto& body : dead) EXPECT_TRUE(malformed.contains(body) || others.contains(body)) << "changed: " << body.substr(0, 100);
  const std::string after = support::Sender::body(7, "79000000001@c.us", "AFTER", 600);
  ASSERT_EQ(client.post("/webhook", fleet.token(), after)->status, 200);
  ASSERT_TRUE(fleet.drained(support::kSoon));
  EXPECT_EQ(fleet.counted("incomingMessageReceived"), 1U);
}

TEST(FrontDoorTable, HoldsManyCasesAndNoneTwice) {
  std::set<std::string> seen;
  for (const auto& group : all_groups()) {
    for (const auto& one : group.cases) {
      EXPECT_TRUE(seen.insert(group.name + ": " + one.name).second) << one.name << " twice";
      EXPECT_TRUE(one.nginx.answers.size() + one.nginx.stored.size() > 0 ||
                  one.steps.back().kind == support::front_door::Step::Kind::kReset)
          << one.name << " demands nothing";
    }
  }
  EXPECT_GE(seen.size(), 250U);
}

std::string document() { return support::read_file(std::string(HOOKFLEET_SOURCE_DIR) + "/docs/reliability.md"); }

TEST(FrontDoorTable, IsCountedInTheDocuments) {
  std::string counts;
  std::size_t all = 0, all_direct = 0;
  for (const auto& group : all_groups()) {
    const auto is_direct = [](const Case& one) { return one.not_direct.empty(); };
    const auto direct = static_cast<std::size_t>(std::count_if(group.cases.begin(), group.cases.end(), is_direct));
    counts += "| " + group.name + " | " + std::to_string(group.cases.size()) + " | " + std::to_string(direct) + " |\n";
    all += group.cases.size();
    all_direct += direct;
  }
  counts += "| **all** | " + std::to_string(all) + " | " + std::to_string(all_direct) + " |\n";
  EXPECT_NE(document().find(counts), std::string::npos) << "docs/reliability.md should have\n" << counts;
}

// A hazard's test that is renamed or taken away is missed here.
TEST(FrontDoorTable, HasWhatTheDocumentsNameForEachHazard) {
  std::set<std::string> known;
  for (const auto& group : all_groups()) {
    for (const auto& one : group.cases) known.insert(group.name + "/" + one.name);
  }
  for (const char* file :
       {"e2e/hazards_test.cpp", "e2e/fleet_test.cpp", "integration/ingress_http_test.cpp", "integration/ingress_wakeup_test.cpp"}) {
    const std::string text = support::read_file(std::string(HOOKFLEET_SOURCE_DIR) + "/tests/" + file);
    const std::regex test(R"(TEST(?:_F)?\((\w+),\s+(\w+)\))");
    for (std::sregex_iterator at(text.begin(), text.end(), test), end; at != end; ++at) known.insert((*at)[1].str() + "." + (*at)[2].str());
  }
  const std::string text = document();
  const std::string rows = text.substr(std::min(text.find("| hazard | test |"), text.size()));
  const std::regex row(R"(\n\| ([^|]+) \| ([^|]+) \|)");
  const std::regex name("`([^`]+)`");
  std::size_t hazards = 0;
  for (std::sregex_iterator at(rows.begin(), rows.end(), row), end; at != end; ++at) {
    ++hazards;
    const std::string tests = (*at)[2];
    const std::sregex_iterator first(tests.begin(), tests.end(), name);
    EXPECT_TRUE(first != std::sregex_iterator() || tests == "not used") << (*at)[1] << ": no test";
    for (auto one = first; one != std::sregex_iterator(); ++one) {
      EXPECT_TRUE(known.contains((*one)[1])) << (*at)[1] << ": no test named " << (*one)[1];
    }
  }
  EXPECT_GE(hazards, 30U) << "rows";
}

}  // namespace
}  // namespace hookfleet::front_door
