#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/config/settings.hpp"
#include "ingress/accept/acceptor.hpp"
#include "ingress/accept/address.hpp"
#include "ingress/accept/options.hpp"

namespace hookfleet::accept {
namespace {

using config::Secret;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::uint64_t kOne = 1'101'000'001;
constexpr std::uint64_t kTwo = 1'101'000'002;
constexpr std::uint64_t kOther = 7'103'000'003;

Options with_tokens(std::vector<std::string> tokens, std::vector<std::pair<std::uint64_t, std::vector<std::string>>> instances = {}) {
  Options options;
  for (auto& token : tokens) options.tokens.emplace_back(std::move(token));
  for (auto& [id, own] : instances) {
    InstanceTokens& instance = options.instances.emplace_back();
    instance.id = id;
    for (auto& token : own) instance.tokens.emplace_back(std::move(token));
  }
  return options;
}

Delivery post(std::string_view authorization, std::string_view path = "/webhook") {
  return {.method = "POST", .path = path, .peer = "192.0.2.1", .authorization = authorization, .forwarded_for = {}, .refused = {}};
}

bool admits(const Acceptor& acceptor, const Delivery& delivery) { return !acceptor.judge(delivery).refusal; }

TEST(TokenOf, TakesEveryFormOfTheHeader) {
  struct Row {
    std::string_view label, header, token;
  };
  const Row rows[] = {
      {"bearer", "Bearer secret", "secret"},
      {"lower case", "bearer secret", "secret"},
      {"odd case", "bEaReR secret", "secret"},
      {"basic, undecoded", "Basic c2VjcmV0", "c2VjcmV0"},
      {"bare", "secret", "secret"},
      {"blanks around", " \tBearer \t secret \t", "secret"},
      {"blanks inside a bare one", "my secret", "my secret"},
      {"another scheme is part of the token", "Digest secret", "Digest secret"},
      {"a scheme alone is a bare token", "Bearer", "Bearer"},
      {"a scheme and blanks", "Bearer   ", "Bearer"},
      {"one scheme only is taken off", "Bearer Bearer x", "Bearer x"},
      {"no blank, no scheme", "Bearersecret", "Bearersecret"},
      {"none", "", ""},
      {"blanks", " \t ", ""},
  };
  for (const Row& row : rows) EXPECT_EQ(token_of(row.header), row.token) << row.label;
}

TEST(TokenOf, IsEmptyForControlCharacters) {
  for (const char control : {'\0', '\t', '\n', '\r', '\x1f', '\x7f'}) {
    EXPECT_EQ(token_of(std::string("Bearer se") + control + "cret"), "") << static_cast<int>(control);
  }
  EXPECT_EQ(token_of("Bearer gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f") << "UTF-8 is no control character";
}

TEST(Acceptor, TakesAConfiguredTokenInEveryForm) {
  for (const char* configured : {"secret", "Bearer secret", "basic secret", " secret "}) {
    const Acceptor acceptor(with_tokens({configured}));
    EXPECT_TRUE(admits(acceptor, post("Bearer secret"))) << configured;
    EXPECT_TRUE(admits(acceptor, post("BASIC secret"))) << configured;
    EXPECT_TRUE(admits(acceptor, post("secret"))) << configured;
    EXPECT_FALSE(admits(acceptor, post("Bearer secret2"))) << configured;
    EXPECT_FALSE(admits(acceptor, post("Bearer secre"))) << configured;
    EXPECT_FALSE(admits(acceptor, post("Bearer SECRET"))) << configured;
    EXPECT_FALSE(admits(acceptor, post(""))) << configured;
    EXPECT_FALSE(admits(acceptor, post(std::string_view("Bearer secret\0", 14)))) << configured;
  }
}

TEST(Acceptor, TellsWhichTokenOfTheListMatched) {
  const Acceptor acceptor(with_tokens({"current", "next"}, {{kOne, {"own-current", "own-next"}}}));
  EXPECT_EQ(acceptor.judge(post("current")).token_index, 0U);
  EXPECT_EQ(acceptor.judge(post("next")).token_index, 1U);
  EXPECT_EQ(acceptor.judge(post("own-next")).token_index, 1U);
  EXPECT_EQ(acceptor.judge(post("wrong")).token_index, std::nullopt);
}

TEST(Acceptor, KnowsItsPaths) {
  struct Row {
    std::string_view path;
    bool known;
    std::optional<std::uint64_t> instance;
  };
  const Row rows[] = {
      {"/webhook", true, {}},
      {"/webhook/", true, {}},
      {"/webhook?a=b", true, {}},
      {"/webhook/?a=/b", true, {}},
      {"/webhook/1101000001", true, kOne},
      {"/webhook/1101000001/", true, kOne},
      {"/webhook/1101000001?x", true, kOne},
      {"/webhook/9223372036854775807", true, 9'223'372'036'854'775'807U},
      {"/webhook/9223372036854775808", false, {}},
      {"/webhook/0", false, {}},
      {"/webhook/-1", false, {}},
      {"/webhook/+1", false, {}},
      {"/webhook/1101000001/x", false, {}},
      {"/webhook/11x", false, {}},
      {"/webhook/ 1", false, {}},
      {"/webhook/%31", false, {}},
      {"/webhooks", false, {}},
      {"/Webhook", false, {}},
      {"/", false, {}},
      {"", false, {}},
      {"webhook", false, {}},
      {"/a/webhook", false, {}},
  };
  const Acceptor acceptor(with_tokens({"t"}));
  for (const Row& row : rows) {
    const Verdict verdict = acceptor.judge(post("t", row.path));
    EXPECT_EQ(verdict.refusal, row.known ? std::nullopt : std::optional(Refusal::kNotFound)) << row.path;
    EXPECT_EQ(verdict.path_instance, row.instance) << row.path;
  }
}

TEST(Acceptor, RefusesByPathMethodAddressTokenAndSizeInThisOrder) {
  Options options = with_tokens({"t"});
  options.allowlist = AllowlistMode::kEnforce;
  options.addresses = {"192.0.2.1"};
  options.trusted_proxies = {"192.0.2.0/24"};
  const Acceptor acceptor(options);
  Delivery delivery{.method = "GET", .path = "/x", .peer = "192.0.2.9", .authorization = "wrong", .forwarded_for = "", .refused = "413"};
  EXPECT_EQ(acceptor.judge(delivery).refusal, Refusal::kNotFound);
  delivery.path = "/webhook";
  EXPECT_EQ(acceptor.judge(delivery).refusal, Refusal::kMethod);
  delivery.method = "POST";
  EXPECT_EQ(acceptor.judge(delivery).refusal, Refusal::kAddress);
  delivery.peer = "192.0.2.1";
  EXPECT_EQ(acceptor.judge(delivery).refusal, Refusal::kUnauthorized);
  delivery.authorization = "t";
  EXPECT_EQ(acceptor.judge(delivery).refusal, Refusal::kTooLarge);
  delivery.refused = "";
  EXPECT_EQ(acceptor.judge(delivery).refusal, std::nullopt);
}

// Whoever says so: a body that was kept from us must never be stored as an empty one, also when nginx is no trusted proxy.
TEST(Acceptor, BelievesThatABodyWasTooLarge) {
  Options options = with_tokens({"t"});
  options.trusted_proxies = {"127.0.0.1"};
  const Acceptor acceptor(options);
  Delivery delivery = post("t");
  delivery.refused = "413";
  EXPECT_EQ(acceptor.judge(delivery).refusal, Refusal::kTooLarge);
  delivery.peer = "127.0.0.1";
  EXPECT_EQ(acceptor.judge(delivery).refusal, Refusal::kTooLarge);
  delivery.authorization = "wrong";
  EXPECT_EQ(acceptor.judge(delivery).refusal, Refusal::kUnauthorized);
}

TEST(Acceptor, TellsTrustedProxiesHowAPostWouldBeJudged) {
  Options options = with_tokens({"t"});
  options.trusted_proxies = {"127.0.0.1"};
  const Acceptor acceptor(options);
  Delivery question = post("t");
  question.method = "HEAD";
  question.refused = kUntilJudged;
  EXPECT_EQ(acceptor.judge(question).refusal, Refusal::kMethod) << "of somebody else it is a HEAD like any other";
  EXPECT_FALSE(acceptor.judge(question).only_asked);
  question.peer = "127.0.0.1";
  EXPECT_EQ(acceptor.judge(question).refusal, std::nullopt);
  EXPECT_TRUE(acceptor.judge(question).only_asked);
  question.authorization = "wrong";
  EXPECT_EQ(acceptor.judge(question).refusal, Refusal::kUnauthorized);
  question.path = "/webhook/x";
  EXPECT_EQ(acceptor.judge(question).refusal, Refusal::kNotFound);
  question = post("t", "/webhook");
  question.peer = "127.0.0.1";
  question.refused = kUntilJudged;
  EXPECT_FALSE(acceptor.judge(question).only_asked) << "a POST is a delivery, whatever it says";
}

TEST(Acceptor, LetsAGlobalTokenSpeakForEveryInstanceWithoutItsOwn) {
  const Acceptor acceptor(with_tokens({"global"}, {{kOne, {"own"}}}));
  const Verdict global = acceptor.judge(post("global"));
  EXPECT_EQ(acceptor.admit(global, kOther), kOther);
  EXPECT_EQ(acceptor.admit(global, kOne), tl::make_unexpected(Refusal::kInstance));
  const Verdict own = acceptor.judge(post("own"));
  EXPECT_EQ(acceptor.admit(own, kOne), kOne);
  EXPECT_EQ(acceptor.admit(own, kOther), tl::make_unexpected(Refusal::kInstance));
}

TEST(Acceptor, LetsATokenOfSeveralListsSpeakForAllOfThem) {
  const Acceptor acceptor(with_tokens({"shared"}, {{kOne, {"shared"}}, {kTwo, {"shared", "only-two"}}}));
  const Verdict shared = acceptor.judge(post("shared"));
  for (const std::uint64_t instance : {kOne, kTwo, kOther}) EXPECT_EQ(acceptor.admit(shared, instance), instance);
  EXPECT_EQ(acceptor.admit(acceptor.judge(post("only-two")), kOne), tl::make_unexpected(Refusal::kInstance));
}

TEST(Acceptor, FindsTheInstanceInBodyPathOrToken) {
  const Acceptor acceptor(with_tokens({"global"}, {{kOne, {"own"}}, {kTwo, {"pair"}}, {kOther, {"pair"}}}));
  const auto instance = [&](std::string_view token, std::string_view path, std::optional<std::uint64_t> body) {
    return acceptor.admit(acceptor.judge(post(token, path)), body);
  };
  EXPECT_EQ(instance("global", "/webhook/55", std::nullopt), 55U) << "the path's";
  EXPECT_EQ(instance("global", "/webhook/55", 66), 66U) << "the body's, whatever the path says";
  EXPECT_EQ(instance("own", "/webhook", std::nullopt), kOne) << "the token's only one";
  EXPECT_EQ(instance("own", "/webhook/55", std::nullopt), tl::make_unexpected(Refusal::kInstance)) << "the path's isn't the token's";
  EXPECT_EQ(instance("own", "/webhook/55", kOne), kOne);
  EXPECT_EQ(instance("pair", "/webhook", std::nullopt), 0U) << "one of two: unknown";
  EXPECT_EQ(instance("global", "/webhook", std::nullopt), 0U);
}

TEST(Acceptor, AdmitsEverybodyWithoutAnyToken) {
  const Acceptor acceptor(with_tokens({}));
  const Verdict verdict = acceptor.judge(post(""));
  EXPECT_EQ(verdict.refusal, std::nullopt);
  EXPECT_EQ(verdict.token_index, std::nullopt);
  EXPECT_EQ(acceptor.admit(verdict, kOne), kOne);
  EXPECT_TRUE(admits(acceptor, post("anything")));
}

TEST(Acceptor, MarksUnlistedAddressesInEveryModeAndRefusesInOne) {
  Options options = with_tokens({"t"});
  options.addresses = {"198.51.100.0/24", "2001:db8::/32"};
  const std::map<std::string_view, bool> peers{{"198.51.100.7", true}, {"::ffff:198.51.100.7", true}, {"2001:db8::1", true},
                                               {"192.0.2.1", false},   {"2001:db9::1", false},        {"", false}};
  for (const AllowlistMode mode : {AllowlistMode::kOff, AllowlistMode::kMonitor, AllowlistMode::kEnforce}) {
    options.allowlist = mode;
    const Acceptor acceptor(options);
    for (const auto& [peer, listed] : peers) {
      Delivery delivery = post("t");
      delivery.peer = peer;
      const Verdict verdict = acceptor.judge(delivery);
      EXPECT_EQ(verdict.listed, listed) << peer;
      EXPECT_EQ(verdict.on_list, listed) << peer;
      EXPECT_TRUE(verdict.right_token) << peer;
      EXPECT_EQ(verdict.refusal, listed || mode != AllowlistMode::kEnforce ? std::nullopt : std::optional(Refusal::kAddress)) << peer;
    }
  }
}

TEST(Acceptor, HoldsTheAllowlistAgainstTheClientNotTheProxy) {
  Options options = with_tokens({"t"});
  options.allowlist = AllowlistMode::kEnforce;
  options.addresses = {"198.51.100.0/24"};
  options.trusted_proxies = {"10.0.0.0/8"};
  const Acceptor acceptor(options);
  struct Row {
    std::string_view label, peer, forwarded_for;
    bool admitted;
  };
  const Row rows[] = {
      {"the client behind the proxy", "10.0.0.1", "198.51.100.7", true},
      {"behind two", "10.0.0.1", "198.51.100.7, 10.0.0.2", true},
      {"a listed address that a stranger claims", "10.0.0.1", "198.51.100.7, 203.0.113.1", false},
      {"a listed address that a peer claims who is no proxy", "203.0.113.1", "198.51.100.7", false},
      {"the proxy itself", "10.0.0.1", "", false},
      {"nobody knows", "10.0.0.1", "unknown", false},
  };
  for (const Row& row : rows) {
    Delivery delivery = post("t");
    delivery.peer = row.peer;
    delivery.forwarded_for = row.forwarded_for;
    EXPECT_EQ(admits(acceptor, delivery), row.admitted) << row.label;
  }
}

TEST(Acceptor, TakesEveryLiveTokenOfItsList) {
  const Acceptor acceptor(with_tokens({"current", "next"}, {{kOne, {"own-current", "own-next"}}}));
  for (const char* token : {"current", "next"}) {
    EXPECT_EQ(acceptor.admit(acceptor.judge(post(token)), kTwo), kTwo) << token;
    EXPECT_EQ(acceptor.admit(acceptor.judge(post(token)), kOne), tl::make_unexpected(Refusal::kInstance)) << token;
  }
  for (const char* token : {"own-current", "own-next"}) {
    EXPECT_EQ(acceptor.admit(acceptor.judge(post(token)), kOne), kOne) << token;
    EXPECT_EQ(acceptor.admit(acceptor.judge(post(token)), kTwo), tl::make_unexpected(Refusal::kInstance)) << token;
  }
}

TEST(Acceptor, DoesNotTellARefusedAddressWhetherItsTokenIsRight) {
  Options options = with_tokens({"t"});
  options.addresses = {"198.51.100.0/24"};
  options.allowlist = AllowlistMode::kEnforce;
  const Acceptor acceptor(options);
  const Verdict right = acceptor.judge(post("t")), wrong = acceptor.judge(post("wrong"));
  EXPECT_EQ(right.refusal, Refusal::kAddress);
  EXPECT_EQ(wrong.refusal, Refusal::kAddress);
  EXPECT_TRUE(right.right_token) << "we are told: it is counted";
  EXPECT_FALSE(wrong.right_token);
}

TEST(Acceptor, ListsEverybodyWhenTheListIsEmpty) {
  Options options = with_tokens({"t"});
  options.allowlist = AllowlistMode::kMonitor;
  EXPECT_TRUE(Acceptor(options).judge(post("t")).listed);
  EXPECT_FALSE(Acceptor(options).judge(post("t")).on_list);
}

TEST(Address, ReadsEveryForm) {
  EXPECT_EQ(Address::parse("1.2.3.4"), Address::parse("::ffff:1.2.3.4"));
  EXPECT_EQ(Address::parse("::1"), Address::parse("[0:0:0:0:0:0:0:1]"));
  EXPECT_NE(Address::parse("1.2.3.4"), Address::parse("1.2.3.5"));
  EXPECT_NE(Address::parse("::102:304"), Address::parse("1.2.3.4")) << "v4-compatible isn't v4-mapped";
  for (const char* wrong : {"", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4 ", "localhost", ":::", "[::1", "fe80::1%eth0",
                            "1.2.3.4:80", "unknown", "1.2.3.4/8"}) {
    EXPECT_FALSE(Address::parse(wrong)) << wrong;
  }
  EXPECT_FALSE(Address::parse(std::string_view("1.2.3.4\0", 8)));
  EXPECT_FALSE(Address::parse(std::string(100'000, '1')));
}

TEST(Address, IsWrittenInItsUsualForm) {
  EXPECT_EQ(Address::parse("::ffff:1.2.3.4")->text(), "1.2.3.4");
  EXPECT_EQ(Address::parse("[2001:DB8::0]")->text(), "2001:db8::");
}

TEST(Network, ContainsWhatItsPrefixSays) {
  struct Row {
    std::string_view network, address;
    bool inside;
  };
  const Row rows[] = {
      {"1.2.3.4", "1.2.3.4", true},
      {"1.2.3.4", "1.2.3.5", false},
      {"1.2.3.4/32", "1.2.3.4", true},
      {"10.0.0.0/8", "10.255.255.255", true},
      {"10.0.0.0/8", "11.0.0.0", false},
      {"10.1.2.3/8", "10.9.9.9", true},
      {"172.16.0.0/12", "172.31.0.1", true},
      {"172.16.0.0/12", "172.32.0.1", false},
      {"0.0.0.0/0", "255.1.2.3", true},
      {"0.0.0.0/0", "2001:db8::1", false},
      {"::/0", "2001:db8::1", true},
      {"::/0", "1.2.3.4", true},
      {"2001:db8::/33", "2001:db8:7fff::", true},
      {"2001:db8::/33", "2001:db8:8000::", false},
      {"::ffff:10.0.0.0/104", "10.1.1.1", true},
      {"10.0.0.0/8", "::ffff:10.1.1.1", true},
      {"::1", "::1", true},
      {"1.2.3.4/31", "1.2.3.5", true},
      {"1.2.3.4/31", "1.2.3.6", false},
  };
  for (const Row& row : rows) {
    const auto network = Network::parse(row.network);
    const auto address = Address::parse(row.address);
    ASSERT_TRUE(network && address) << row.network << " " << row.address;
    EXPECT_EQ(network->contains(*address), row.inside) << row.network << " " << row.address;
  }
  for (const char* wrong : {"", "/", "1.2.3.4/", "1.2.3.4/33", "1.2.3.4/-1", "1.2.3.4/8/8", "::/129", "x/8", "1.2.3.4/+8", "1.2.3.4/ 8",
                            "1.2.3.4/4294967304"}) {
    EXPECT_FALSE(Network::parse(wrong)) << wrong;
  }
}

TEST(ClientAddress, IsTheRightmostHopThatIsNoTrustedProxy) {
  const std::vector<Network> trusted{*Network::parse("10.0.0.0/8"), *Network::parse("::1")};
  struct Row {
    std::string_view label, peer, forwarded_for, client;  // empty client: nobody knows
  };
  const Row rows[] = {
      {"an untrusted peer's header isn't read", "203.0.113.9", "198.51.100.1", "203.0.113.9"},
      {"no header", "10.0.0.1", "", "10.0.0.1"},
      {"blank header", "10.0.0.1", " \t", "10.0.0.1"},
      {"one hop", "10.0.0.1", "198.51.100.1", "198.51.100.1"},
      {"what stands left is a claim", "10.0.0.1", "46.101.109.139, 198.51.100.1", "198.51.100.1"},
      {"trusted hops are passed", "10.0.0.1", "198.51.100.1 , 10.0.0.2,10.0.0.3", "198.51.100.1"},
      {"all trusted: the left-most", "10.0.0.1", "10.0.0.2, 10.0.0.3", "10.0.0.2"},
      {"v4-mapped peer", "::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"},
      {"v6 peer and hop", "::1", "2001:db8::7", "2001:db8::7"},
      {"v6 in brackets", "::1", "[2001:db8::7]", "2001:db8::7"},
      {"with ports", "10.0.0.1", "198.51.100.1:5678, [::1]:80", "198.51.100.1"},
      {"an unknown hop ends the search", "10.0.0.1", "198.51.100.1, unknown", ""},
      {"an empty hop ends the search", "10.0.0.1", "198.51.100.1,", ""},
      {"garbage further left isn't reached", "10.0.0.1", "garbage, 198.51.100.1", "198.51.100.1"},
      {"no peer", "", "198.51.100.1", ""},
  };
  for (const Row& row : rows) {
    const auto client = client_address(Address::parse(row.peer), row.forwarded_for, trusted);
    EXPECT_EQ(client ? client->text() : "", row.client) << row.label;
  }
}

std::vector<std::string> problems(const std::string& yaml, Options& options) {
  static int file = 0;
  const std::string path = testing::TempDir() + "/accept_test_" + std::to_string(::getpid()) + "_" + std::to_string(file++) + ".yaml";
  std::ofstream(path) << yaml;
  config::Settings settings;
  declare(settings, options);
  std::vector<std::string> messages;
  for (const auto& problem : settings.load(path, {}, {})) messages.push_back(problem.message);
  ::unlink(path.c_str());
  return messages;
}
std::vector<std::string> problems(const std::string& yaml) {
  Options options;
  return problems(yaml, options);
}

TEST(AcceptSettings, AreReadIntoTheOptions) {
  Options options;
  EXPECT_THAT(problems(R"(
server: {trusted_proxies: [10.0.0.0/8]}
auth:
  tokens: [a, b]
  instances: [{id: 1101000001, tokens: [c]}]
  allowlist: {mode: enforce, addresses: [1.2.3.4, "2001:db8::/32"]}
)",
                       options),
              IsEmpty());
  EXPECT_THAT(options.tokens, ElementsAre(Secret("a"), Secret("b")));
  ASSERT_EQ(options.instances.size(), 1U);
  EXPECT_EQ(options.instances[0].id, kOne);
  EXPECT_THAT(options.instances[0].tokens, ElementsAre(Secret("c")));
  EXPECT_EQ(options.allowlist, AllowlistMode::kEnforce);
  EXPECT_THAT(options.addresses, ElementsAre("1.2.3.4", "2001:db8::/32"));
  EXPECT_THAT(options.trusted_proxies, ElementsAre("10.0.0.0/8"));
}

TEST(AcceptSettings, RefuseToStartWithoutAnyTokenUnlessTold) {
  EXPECT_THAT(problems(""), ElementsAre(HasSubstr("no token is configured")));
  EXPECT_THAT(problems("auth: {allow_unauthenticated: true}"), IsEmpty());
  EXPECT_THAT(problems("auth: {instances: [{id: 1, tokens: [x]}]}"), IsEmpty());
}

TEST(AcceptSettings, NameWhatIsWrongButNoSecret) {
  struct Row {
    std::string yaml, message;
  };
  const Row rows[] = {
      {"auth: {tokens: [\"se\\x01cret\"]}", "auth.tokens holds a token"},
      {"auth: {tokens: [ok, \" \\t\"]}", "auth.tokens holds a token"},
      {"auth: {instances: [{id: 5, tokens: [\"se\\ncret\"]}]}", "auth.instances: 5 holds a token"},
      {"auth: {instances: [{id: 5, tokens: [a]}, {id: 5, tokens: [b]}]}", "names 5 twice"},
      {"auth: {tokens: [a], instances: [{id: 5}]}", "5 has no tokens"},
      {"auth: {tokens: [a], allowlist: {mode: enforce}}", "would refuse everybody"},
      {"auth: {tokens: [a], allowlist: {addresses: [1.2.3.400]}}", "neither an address"},
      {"auth: {tokens: [a]}\nserver: {trusted_proxies: [localhost]}", "neither an address"},
  };
  for (const Row& row : rows) {
    const auto found = problems(row.yaml);
    EXPECT_THAT(found, ElementsAre(HasSubstr(row.message))) << row.yaml;
    EXPECT_THAT(found, testing::Each(Not(HasSubstr("cret")))) << row.yaml;
  }
}

}  // namespace
}  // namespace hookfleet::accept
