// How long the envelope takes: nanoseconds of CPU a body and MB/s of each step that touches a body, beside the DOM that checks and handlers
// ask for. Then what the ingress does with a delivery of 1 kB before it is appended: judge the token and the address, read the envelope,
// hold the instance against the token; goal: at most 3 µs. Then what a check against the schemas costs, by type of the documented bodies.
// Usage: bench_envelope [milliseconds a figure, default 200]
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/notification/envelope.hpp"
#include "common/notification/identity.hpp"
#include "common/notification/notification.hpp"
#include "common/schema/schemas.hpp"
#include "ingress/accept/acceptor.hpp"
#include "tests/support/samples.hpp"

namespace {

using namespace hookfleet;

/// The CPU time of this thread: others may want the machine too.
std::chrono::nanoseconds cpu_time() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

struct Load {
  std::string name;
  std::vector<std::string> bodies;
};

std::string text_message(const std::string& text, const std::string& more = {}) {
  return R"({"typeWebhook":"incomingMessageReceived","instanceData":{"idInstance":1101000001,"wid":"71231234567@c.us","typeInstance":"whatsapp"},)"
         R"("timestamp":1705521510,"idMessage":"3549C66825E67A2B3975C990BD85CB03","senderData":{"chatId":"71234567890@c.us",)"
         R"("chatName":"Green API","sender":"71234567890@c.us","senderName":"Green API","senderContactName":"Green API inContacts"},)"
         R"("messageData":{"typeMessage":"textMessage","textMessageData":{"textMessage":")" +
         text + "\"}" + more + "}}";
}

std::string times(std::string_view text, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

std::vector<Load> loads() {
  std::vector<Load> out;
  Load documented{"documented, as published", {}};
  Load minified{"documented, minified", {}};
  for (const auto& sample : support::samples()) {
    documented.bodies.push_back(sample.body);
    minified.bodies.push_back(notification::minify(sample.body));
  }
  std::string many_keys = "{";
  for (int i = 0; i < 9'999; ++i) many_keys.append("\"key").append(std::to_string(i)).append("\":0,");
  out.push_back(std::move(documented));
  out.push_back(std::move(minified));
  out.push_back({"text, 1 kB", {text_message(std::string(1024 - text_message("").size(), 'x'))}});
  out.push_back({"text, 1 kB of escapes", {text_message(times("\\u0430", (1024 - text_message("").size()) / 6))}});
  out.push_back({"interactive, 1 kB", {support::sample("incomingMessageReceived/interactive-buttons.json").body}});
  out.push_back({"thumbnail, 300 kB", {text_message("x", ",\"jpegThumbnail\":\"" + std::string(300'000, 'A') + "\"")}});
  out.push_back({"integers, 4 MB", {"{\"a\":[" + times("12345,", 700'000) + "0]}"}});
  out.push_back({"10,000 keys at the root", {many_keys + "\"z\":0}"}});
  out.push_back({"100,000 levels deep", {times("[", 100'000)}});
  return out;
}

/// Best of five, each at least a fifth of `budget`: neighbours only ever add.
template <class Work>
double nanoseconds_per_body(const std::vector<std::string>& bodies, std::chrono::nanoseconds budget, Work work) {
  std::size_t bytes = 1;
  for (const auto& body : bodies) bytes += body.size();
  const std::size_t turns = 1 + 100'000 / bytes;  // between two looks at the clock, which cost as much as a small body
  double best = 1e300;
  for (int round = 0; round < 5; ++round) {
    std::uint64_t done = 0;
    const auto start = cpu_time();
    std::chrono::nanoseconds took{};
    do {
      for (std::size_t turn = 0; turn < turns; ++turn) {
        for (const auto& body : bodies) work(body);
      }
      done += turns * bodies.size();
      took = cpu_time() - start;
    } while (took < budget / 5);
    best = std::min(best, std::chrono::duration<double, std::nano>(took).count() / static_cast<double>(done));
  }
  return best;
}

template <class Value>
void keep(const Value& value) {
  asm volatile("" : : "g"(&value) : "memory");
}

/// One row a type: the envelope, the DOM, and the verdict of the schemas over that DOM.
void checks(std::chrono::nanoseconds budget) {
  const auto schemas = schema::Schemas::load("");
  if (!schemas) std::abort();
  std::map<std::string, std::vector<std::string>> types;
  for (const auto& sample : support::samples()) {
    const auto envelope = notification::read_envelope(sample.body);
    const std::string body = notification::minify(sample.body);
    types[envelope.type_webhook + (envelope.type_message.empty() ? "" : " " + envelope.type_message)].push_back(body);
    types["all, in turn"].push_back(body);
  }
  std::printf("\n%-56s %6s | %11s %8s %8s | %8s\n", "documented, minified, by type", "bytes", "envelope ns", "DOM ns", "check ns",
              "sum ns");
  for (const auto& [name, bodies] : types) {
    std::size_t bytes = 0;
    for (const auto& body : bodies) bytes += body.size();
    const double envelope = nanoseconds_per_body(bodies, budget, [](const std::string& body) { keep(notification::read_envelope(body)); });
    const double dom =
        nanoseconds_per_body(bodies, budget, [](const std::string& body) { keep(nlohmann::json::parse(body, nullptr, false)); });
    struct Parsed {
      std::string type_webhook, type_message;
      nlohmann::json json;
    };
    std::map<std::string_view, Parsed> parsed;
    for (const auto& body : bodies) {
      const auto read = notification::read_envelope(body);
      parsed[body] = {read.type_webhook, read.type_message, nlohmann::json::parse(body)};
    }
    const double lookup = nanoseconds_per_body(bodies, budget, [&](const std::string& body) { keep(parsed.find(body)); });
    const double check = nanoseconds_per_body(bodies, budget,
                                              [&](const std::string& body) {
                                                const Parsed& one = parsed.find(body)->second;
                                                keep(schemas->check(one.type_webhook, one.type_message, one.json));
                                              }) -
                         lookup;
    std::printf("%-56s %6zu | %11.0f %8.0f %8.0f | %8.0f\n", name.c_str(), bytes / bodies.size(), envelope, dom, check,
                envelope + dom + check);
    std::fflush(stdout);
  }
}

/// As Webhook::receive: one row for each way to authenticate.
void admission(std::chrono::nanoseconds budget) {
  constexpr double kGoal = 3000;
  const std::vector<std::string> bodies{text_message(std::string(1024 - text_message("").size(), 'x'))};
  struct Row {
    const char* name;
    accept::Options options;
    const char* authorization;
    const char* forwarded_for;
  };

  accept::Options one;
  one.tokens = {config::Secret("a-token-of-forty-characters-0123456789ab")};
  accept::Options listed = one;
  listed.tokens.emplace_back("the-next-token-0123456789");
  listed.allowlist = accept::AllowlistMode::kEnforce;
  for (int i = 0; i < 16; ++i) listed.addresses.push_back("46.101.109." + std::to_string(124 + i));

  accept::Options many = listed;
  for (unsigned i = 0; i < 1000; ++i)
    many.instances.push_back({1'101'000'001ULL + i, {config::Secret("token-of-instance-" + std::to_string(i))}});
  const std::vector<Row> rows{
      {"one token", one, "Bearer a-token-of-forty-characters-0123456789ab", ""},
      {"two tokens, 16 addresses behind a proxy", listed, "Bearer the-next-token-0123456789", "46.101.109.139"},
      {"the same and 1,000 instances' own tokens", many, "Bearer token-of-instance-0", "46.101.109.139"},
  };
  std::printf("\n%-44s | %9s %11s %8s | %s\n", "a delivery of 1 kB", "judge ns", "envelope ns", "sum ns", "goal: at most 3,000");
  for (const Row& row : rows) {
    const accept::Acceptor acceptor(row.options);
    const auto judge = [&] {
      return acceptor.judge({.method = "POST",
                             .path = "/webhook",
                             .peer = "127.0.0.1",
                             .authorization = row.authorization,
                             .forwarded_for = row.forwarded_for,
                             .refused = {}});
    };
    if (judge().refusal || !acceptor.admit(judge(), 1'101'000'001)) std::abort();
    const double judged = nanoseconds_per_body(bodies, budget, [&](const std::string&) { keep(judge()); });
    const double envelope = nanoseconds_per_body(bodies, budget, [](const std::string& body) { keep(notification::read_envelope(body)); });
    const double sum = nanoseconds_per_body(bodies, budget, [&](const std::string& body) {
      const accept::Verdict verdict = judge();
      const auto read = notification::read_envelope(body);
      keep(acceptor.admit(verdict, read.id_instance));
    });
    std::printf("%-44s | %9.0f %11.0f %8.0f | %s\n", row.name, judged, envelope, sum, sum <= kGoal ? "met" : "missed");
    std::fflush(stdout);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const auto budget = std::chrono::milliseconds(argc > 1 ? std::atoi(argv[1]) : 200);
  std::printf("%-26s %9s | %11s %7s | %11s %11s %11s %11s\n", "body", "bytes", "envelope ns", "MB/s", "minify ns", "identity ns",
              "digest ns", "DOM ns");
  for (const auto& [name, bodies] : loads()) {
    std::size_t bytes = 0;
    for (const auto& body : bodies) bytes += body.size();
    const auto measure = [&, &bodies = bodies](auto work) { return nanoseconds_per_body(bodies, budget, work); };
    const double size = static_cast<double>(bytes) / static_cast<double>(bodies.size());
    const double envelope = measure([](const std::string& body) { keep(notification::read_envelope(body)); });
    const double minify = measure([](const std::string& body) { keep(notification::minify(body)); });
    const auto first = notification::read_envelope(bodies.front());
    const double identity =
        measure([&](const std::string& body) { keep(notification::identity_of(1, first.type_webhook, first.chat, first, body)); });
    const double digest = measure([&](const std::string& body) { keep(notification::body_digest(body, first)); });
    const double dom = measure([](const std::string& body) { keep(nlohmann::json::parse(body, nullptr, false)); });
    std::printf("%-26s %9.0f | %11.0f %7.0f | %11.0f %11.0f %11.0f %11.0f\n", name.c_str(), size, envelope, size * 1e3 / envelope, minify,
                identity, digest, dom);
  }
  admission(budget);
  checks(budget / 4);
}
