#include <fmt/format.h>

#include <charconv>
#include <ctime>
#include <memory>
#include <random>
#include <set>
#include <system_error>
#include <thread>

#include "cli/simulate/fake_api.hpp"
#include "cli/simulate/generator.hpp"
#include "cli/simulate/posts.hpp"
#include "cli/simulate/push.hpp"
#include "cli/simulate_proof.hpp"
#include "cli/simulate_report.hpp"
#include "cli/text.hpp"
#include "cli/values.hpp"
#include "cli/verb_list.hpp"
#include "common/base/number.hpp"
#include "common/config/value.hpp"
#include "common/greenapi/wanted.hpp"

namespace hookfleet::cli {
namespace {

using simulate::FakeApi;
using simulate::Generator;
using simulate::Posts;
using simulate::Push;
using simulate::Token;
using Clock = Push::Clock;

constexpr std::string_view kUrl = "http://127.0.0.1:8080/webhook";
constexpr std::string_view kApiToken = "simulated";
constexpr unsigned kInstancesMax = 20'000;
constexpr auto kLookEvery = std::chrono::milliseconds(50);
constexpr unsigned kSentAtOnceMax = 256;  // between two looks at what came

/// What setSettings takes so that every notification comes, the deprecated ones too.
std::string everything_on() {
  Json settings{{"deviceWebhook", "yes"}, {"incomingBlockWebhook", "yes"}};
  for (const std::string& name : greenapi::notification_switches()) settings[name] = "yes";
  return settings.dump();
}

/// 0 … 1, of "5%", "0.5%" or "5".
double share_of(const std::string& option, std::string text) {
  if (text.empty()) return 0;
  if (text.ends_with('%')) text.pop_back();
  double percent = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), percent);
  if (error != std::errc() || end != text.data() + text.size() || !(percent >= 0 && percent <= 100)) {
    wrong_usage(option + ": " + config::in_quotes(text) + " is no share: 0% to 100%");
  }
  return percent / 100;
}

/// name=value pairs by comma; a name alone has an empty value.
std::vector<std::pair<std::string, std::string>> pairs_of(const std::string& text) {
  std::vector<std::pair<std::string, std::string>> pairs;
  if (text.empty()) return pairs;
  for (const std::string& part : config::split(text, ',')) {
    const std::size_t at = std::min(part.find('='), part.size());
    pairs.emplace_back(part.substr(0, at), at < part.size() ? part.substr(at + 1) : std::string());
  }
  return pairs;
}

std::optional<int> port_of(const std::string& option, const std::string& text) {
  if (text.empty()) return std::nullopt;
  const auto port = base::to_number<std::uint16_t>(text);
  if (!port) wrong_usage(option + ": " + config::in_quotes(text) + " is no port: 0 (a free one) to 65535");
  return *port;
}

FakeApi::Faults faults_of(const std::string& text) {
  FakeApi::Faults faults;
  const std::pair<std::string_view, double*> known[] = {{"500", &faults.error_500},       {"502", &faults.error_502},
                                                        {"429", &faults.throttled},       {"cut_before", &faults.cut_before},
                                                        {"cut_after", &faults.cut_after}, {"late", &faults.late}};
  for (const auto& [name, share] : pairs_of(text)) {
    double* found = nullptr;
    for (const auto& [one, value] : known) found = one == name ? value : found;
    if (found == nullptr) wrong_usage("--faults: " + config::in_quotes(name) + " is none of 500, 502, 429, cut_before, cut_after and late");
    *found = share_of("--faults", share);
  }
  return faults;
}

/// The first line of a file with a secret.
std::string secret_in(const std::string& file) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> open(std::fopen(file.c_str(), "re"), &std::fclose);
  if (!open) throw Failed{"cannot read " + shown(file) + ": " + std::system_category().message(errno)};
  const std::string text = read_all(open.get(), file, 64UL << 10);
  const std::size_t begin = std::min(text.find_first_not_of(" \t\r\n"), text.size());
  return text.substr(begin, text.find_first_of(" \t\r\n", begin) - begin);
}

class SimulateVerb final : public Verb {
 public:
  void declare(config::Arguments& arguments) override {
    arguments.group("Push: POST as GREEN-API does");
    arguments.option("--to", to_, "URL", fmt::format("Where to [default: {}]", kUrl));
    arguments.option("--token-file", token_file_, "FILE",
                     "Its first line is the webhook's token [default: HOOKFLEET_TOKEN, or the file HOOKFLEET_AUTH__TOKENS_FILE]");
    arguments.option("--from", from_, "ADDRESS[,ADDRESS…]", "Source addresses, the instances take them in turn");
    arguments.option("--answer-timeout", answer_timeout_, "TIME", "How long an answer is waited for [default: 180s]");
    arguments.option("--pause", pause_, "TIME", "After anything but 200, until the same is sent again [default: 60s]");
    arguments.option("--keep", keep_, "TIME", "What got no 200 for so long is given up [default: 24h]");
    arguments.group("Serve: be the HTTP API that a poller asks");
    arguments.option("--serve", serve_, "PORT", "Answer receiveNotification, deleteNotification … on 127.0.0.1 instead of pushing");
    arguments.option("--faults", faults_, "NAME=SHARE[,…]", "Of its answers: 500, 502, 429, cut_before, cut_after, late");
    arguments.option("--latency", latency_, "TIME", "Of its answers [default: none]");
    arguments.group("What is sent");
    arguments.option("--rate", rate_, "RATE", "New notifications of all instances together: 100/s, 5/min [default: 10/s]");
    arguments.flag("--fast", fast_, "As fast as they are acknowledged, instead");
    arguments.option("--for", for_, "TIME", "End after this time [default: --count, or Ctrl-C]");
    arguments.option("--count", count_, "N", "End after N notifications");
    arguments.option("--instances", instances_, "N", "Instances [default: 10]");
    arguments.option("--first-instance", first_instance_, "ID", "The first one's idInstance; the others follow [default: 1101000001]");
    arguments.option("--chats", chats_, "N", "Chats of an instance, of each kind [default: 5]");
    arguments.option("--types", types_, "NAME[=WEIGHT],…", "typeWebhook, typeMessage or example [default: all examples alike]");
    arguments.option("--repeats", repeats_, "SHARE", "Sent again, with the same bytes: 5%");
    arguments.option("--changed", changed_, "SHARE", "Sent again, with other bytes");
    arguments.option("--unknown", unknown_, "SHARE", "Of a type that nobody knows");
    arguments.option("--invalid", invalid_, "SHARE", "That break their schema");
    arguments.option("--malformed", malformed_, "SHARE", "Cut off, so that they are no JSON");
    arguments.option("--big", big_, "SHARE", "With a long text");
    arguments.option("--big-bytes", big_bytes_, "SIZE", "How long [default: 256KiB]");
    arguments.option("--non-ascii", non_ascii_, "SHARE", "With a text of other scripts and emoji");
    arguments.option("--seed", seed_, "N", "The same seed sends the same [default: another one each time]");
    arguments.group("Verify: was all of it handled, in order?");
    arguments.flag("--verify", verify_, "Demand a proof: --receive or --stream must be given; either is enough to have one");
    arguments.option("--receive", receive_, "PORT", "Be the service on 127.0.0.1 that the fleet forwards to; 0: a free port");
    arguments.option("--stream", stream_, "KEY", "Read the stream that the fleet's action `stream` writes to");
    arguments.option("--settle", settle_, "TIME", "How long the last answers, and the fleet, may take at the end [default: 60s]");
    arguments.group("How");
    declare_output(arguments, output_);
    fleet_.declare(arguments);
  }

  int run(Console& console, const Environment& environment) override {
    prepare();
    auto generator = Generator::make(generating_);
    if (!generator)
      wrong_usage("--types: " + shown(generator.error()) + "; they are called as their folders and files in cli/simulate/samples");
    simulate::Ledger ledger(generator->run());
    std::optional<SimulateProof> proof;
    if (receive_port_ || !stream_.empty()) proof.emplace(SimulateProof::Options{receive_port_, stream_}, fleet_, environment, ledger);
    if (verify_ && !proof) wrong_usage("--verify needs --receive PORT or --stream KEY: what the fleet hands on must reach somebody");

    report_.seed = generating_.seed;
    console.catch_interrupts();
    if (proof) console.err("the fleet has to hand everything on:\n" + simulate_routes(proof->receiver_url(), stream_));
    Push push(pushing_, *generator, ledger, Clock::now());
    Run run{console, *generator, ledger, push, proof ? &*proof : nullptr};
    served_port_ ? this->serve(run) : this->push(run, environment);

    const ChatName chat_of = [&](const Token& token) { return generator->chat_of(token.instance, token.chat); };
    console.out(is_json(output_) ? json_text(to_json(report_, chat_of), 2) + '\n' : to_text(report_, chat_of));
    if (report_.proof && report_.proof->verdict.received == 0 && ledger.verdict().acknowledged > 0) {
      console.err("nothing arrived: do the fleet's settings have these lines? (docs/simulate.md)\n" +
                  simulate_routes(proof->receiver_url(), stream_));
    }
    return report_.good() ? kOk : kFailed;
  }

 private:
  /// One call's parts.
  struct Run {
    Console& console;
    Generator& generator;
    simulate::Ledger& ledger;
    Push& push;
    SimulateProof* proof;
    Clock::time_point begun = Clock::now();
    Clock::time_point told = begun;
    Clock::time_point looked = begun;
    std::optional<Clock::time_point> waits_since = {};  // nothing new is sent since then
  };

  void prepare() {
    generating_.instances = static_cast<unsigned>(std::min<std::uint64_t>(count_of("--instances", instances_, 10), kInstancesMax + 1));
    if (generating_.instances > kInstancesMax) wrong_usage(fmt::format("--instances: at most {}", kInstancesMax));
    generating_.first_instance = count_of("--first-instance", first_instance_, generating_.first_instance);
    if (generating_.first_instance > INT64_MAX - kInstancesMax) wrong_usage("--first-instance: is too large");
    generating_.chats = static_cast<unsigned>(std::min<std::uint64_t>(count_of("--chats", chats_, 5), 1'000'000));
    generating_.repeats = share_of("--repeats", repeats_);
    generating_.changed = share_of("--changed", changed_);
    generating_.unknown = share_of("--unknown", unknown_);
    generating_.invalid = share_of("--invalid", invalid_);
    generating_.malformed = share_of("--malformed", malformed_);
    if (generating_.repeats + generating_.changed + generating_.unknown + generating_.invalid + generating_.malformed > 1) {
      wrong_usage("--repeats, --changed, --unknown, --invalid and --malformed are more than 100% together");
    }
    generating_.big = share_of("--big", big_);
    generating_.non_ascii = share_of("--non-ascii", non_ascii_);
    if (!big_bytes_.empty()) {
      const auto size = config::parse_bytes(big_bytes_);
      if (!size) wrong_usage("--big-bytes: " + config::in_quotes(big_bytes_) + ' ' + size.error());
      if (*size > 64UL << 20) wrong_usage("--big-bytes: at most 64MiB");
      generating_.big_bytes = *size;
    }
    for (const auto& [name, weight] : pairs_of(types_)) {
      const auto number = weight.empty() ? std::optional(1U) : base::to_number<unsigned>(weight);
      if (!number || *number > 1'000'000) wrong_usage("--types: the weight of " + config::in_quotes(name) + " must be 0 to 1000000");
      generating_.types.emplace_back(name, *number);
    }
    std::random_device random;
    generating_.seed = random();
    if (!seed_.empty()) {
      const auto seed = base::to_number<std::uint64_t>(seed_);
      if (!seed) wrong_usage("--seed: " + config::in_quotes(seed_) + " is no number");
      generating_.seed = *seed;
    }

    if (fast_ && !rate_.empty()) wrong_usage("--fast and --rate are two ways: use one");
    pushing_.per_second = fast_ ? 0 : 10;
    if (!rate_.empty()) {
      const auto rate = parse_rate(rate_);
      if (!rate) wrong_usage("--rate: " + rate.error());
      pushing_.per_second = *rate;
    }
    pushing_.count = count_of("--count", count_, pushing_.count);
    pushing_.pause = duration_of("--pause", pause_, pushing_.pause);
    pushing_.keep = duration_of("--keep", keep_, pushing_.keep);
    settle_time_ = duration_of("--settle", settle_, std::chrono::seconds(60));
    receive_port_ = port_of("--receive", receive_);
    served_port_ = port_of("--serve", serve_);
    if (receive_port_ && !stream_.empty()) wrong_usage("--receive and --stream are two ways: use one");
    if (served_port_ && (!to_.empty() || !from_.empty() || !token_file_.empty()))
      wrong_usage("--serve pushes nothing: without --to, --from and --token-file");
    if (served_port_ && generating_.malformed > 0)
      wrong_usage("--serve takes no --malformed: the API's answers are JSON, with the notification in it");
    if (served_port_ && fast_) wrong_usage("--serve needs a --rate: its queues take everything");
    if (!served_port_ && (!faults_.empty() || !latency_.empty())) wrong_usage("--faults and --latency are of --serve");
  }

  struct WebhookToken {
    std::string secret, from;  // from: where it stands, for people
  };
  static WebhookToken token(const std::string& file, const Environment& environment) {
    if (!file.empty()) return {secret_in(file), "--token-file " + shown(file)};
    if (const auto found = environment.find("HOOKFLEET_TOKEN"); found != environment.end() && !found->second.empty()) {
      return {found->second, "HOOKFLEET_TOKEN"};
    }
    if (const auto found = environment.find("HOOKFLEET_AUTH__TOKENS_FILE"); found != environment.end()) {
      return {secret_in(found->second), "the file HOOKFLEET_AUTH__TOKENS_FILE names"};
    }
    return {};
  }

  /// A line beside the progress, which may stand on the terminal's last one.
  static void warn(Console& console, const std::string& text) {
    console.err((console.can_ask() ? "\r\x1b[K" : "") + ("warning: " + text) + '\n');
  }

  static constexpr std::string_view kTokenComesFrom =
      "it comes from --token-file FILE, else from HOOKFLEET_TOKEN; for a fleet of ./fleet: . .fleet/env; in containers: docker-compose "
      "logs token";

  /// A first answer that says whom the fleet doesn't take: with pauses of a minute nobody should have to find out from the report.
  void warn_of_refusal(Console& console, int status) const {
    if (status == 401 && token_.secret.empty()) {
      warn(console, fmt::format("answered 401, for no token is sent: {}", kTokenComesFrom));
    } else if (status == 401) {
      warn(console, fmt::format("answered 401: the fleet doesn't take the token of {}; {}", token_.from, kTokenComesFrom));
    } else {
      warn(console,
           fmt::format("answered {}: the token isn't for the instances that send (auth.instances; --first-instance names others), or "
                       "the allowlist is enforced (auth.allowlist) and our address isn't on it (--from)",
                       status));
    }
  }

  Posts::Options posts(const Environment& environment) {
    report_.to = to_.empty() ? std::string(kUrl) : to_;
    const auto target = simulate::Target::find(report_.to);
    if (!target) wrong_usage("--to: " + config::in_quotes(shown(report_.to)) + ' ' + target.error());
    Posts::Options options{.to = *target, .headers = "User-Agent: hookfleet-simulate\r\n", .connections = generating_.instances};
    token_ = token(token_file_, environment);
    const std::string& secret = token_.secret;
    if (secret.find_first_of("\r\n") != std::string::npos) wrong_usage("the token has a line end in it");
    if (!secret.empty()) options.headers += "Authorization: Bearer " + secret + "\r\n";
    options.answer_timeout = duration_of("--answer-timeout", answer_timeout_, options.answer_timeout);
    if (!from_.empty()) {
      for (const std::string& name : config::split(from_, ',')) {
        const auto address = simulate::Address::find(name, 0);
        if (!address) wrong_usage("--from: " + config::in_quotes(shown(name)) + ' ' + address.error());
        if (address->storage.ss_family != target->address.storage.ss_family) wrong_usage("--from and --to are of IPv4 and IPv6: use one");
        if (const auto why = address->unusable()) {
          wrong_usage("--from: nothing can be sent from " + config::in_quotes(shown(name)) + ": " + *why +
                      "; name addresses of this machine (ip addr)");
        }
        options.from.push_back(*address);
      }
    }
    return options;
  }

  void push(Run& run, const Environment& environment) {
    Posts posts(this->posts(environment));
    if (token_.secret.empty()) warn(run.console, fmt::format("no token is sent, and an ingress answers 401 then: {}", kTokenComesFrom));
    std::set<int> refusals;  // told of
    const auto end = for_.empty() ? Clock::time_point::max() : run.begun + duration_of("--for", for_, {});
    std::optional<Clock::time_point> last;  // nobody waits beyond it
    for (;;) {
      auto now = Clock::now();
      const std::int64_t unix_seconds = std::time(nullptr);
      for (unsigned i = 0; i < kSentAtOnceMax; ++i) {
        const auto send = run.push.next(now, unix_seconds);
        if (!send) break;
        posts.post(send->instance, send->body);
      }
      if (run.push.idle()) break;
      const auto until = std::min(run.push.wake_at(), now + kLookEvery);
      posts.wait(std::max(until - now, Clock::duration::zero()), [&](const Posts::Answer& answer) {
        run.push.answered(answer.connection, answer.status, to_text(answer.failure), answer.waited, Clock::now());
        if ((answer.status == 401 || answer.status == 403) && refusals.insert(answer.status).second) {
          warn_of_refusal(run.console, answer.status);
        }
      });
      now = Clock::now();
      look(run, now);
      if (run.console.interrupted() || now >= end) run.push.finish();
      if (run.push.finishing() && !last) {
        sending_ended(run, now);
        last = now + settle_time_;
      }
      // Ctrl-C: answers that are under way, but no pauses. Twice: nothing.
      if (last && (now >= *last || run.console.interrupts() > 1 || (run.console.interrupted() && posts.in_flight() == 0))) break;
    }
    if (!last) sending_ended(run, Clock::now());
    settle(run, [] { return true; });
  }

  void serve(Run& run) {
    FakeApi::Options options;
    options.port = *served_port_;
    options.latency = duration_of("--latency", latency_, options.latency);
    options.faults = faults_of(faults_);
    options.seed = generating_.seed;
    options.record_max = 0;
    options.switches = true;
    options.hand_out_deleted = true;
    std::unique_ptr<FakeApi> api;
    try {
      api = std::make_unique<FakeApi>(options);
    } catch (const std::system_error& error) {
      throw Failed{"--serve: " + std::string(error.what()) + "; choose a free port, or 0"};
    }
    const std::string on = everything_on();
    for (unsigned i = 0; i < generating_.instances; ++i) {
      api->add_instance({run.generator.id_of(i), std::string(kApiToken)});
      api->set_settings(run.generator.id_of(i), on);
    }
    report_.to = "the queues of " + api->url();
    run.console.err(
        fmt::format("serving {} instances from {} on; the token of each is \"{}\". A poller's settings:\n"
                    "poller:\n  instances: [{{id: {}, api_url: \"{}\", token_file: FILE}}]\n",
                    generating_.instances, run.generator.id_of(0), kApiToken, run.generator.id_of(0), api->url()));

    std::uint64_t switched_off = 0;
    // What a poller has deleted is acknowledged: from here on nothing of it may be lost.
    const auto emptied = [&] {
      report_.served = SimulateReport::Served{api->deleted(), api->waiting(), api->receives(), switched_off};
      for (const std::string& body : api->take_deleted()) {
        if (const auto token = Token::find(body)) run.ledger.acknowledged(*token);
      }
      return report_.served->waiting == 0;
    };
    const auto end = for_.empty() ? Clock::time_point::max() : run.begun + duration_of("--for", for_, {});
    while (!run.push.idle()) {
      auto now = Clock::now();
      for (unsigned i = 0; i < kSentAtOnceMax; ++i) {
        const auto send = run.push.next(now, std::time(nullptr));
        if (!send) break;
        if (api->enqueue(run.generator.id_of(send->instance), std::string(send->body)) == 0) ++switched_off;
        run.push.queued(send->instance);
      }
      emptied();
      run.console.wait(std::chrono::ceil<std::chrono::milliseconds>(std::clamp<Clock::duration>(run.push.wake_at() - now, {}, kLookEvery)));
      now = Clock::now();
      look(run, now);
      if (run.console.interrupted() || now >= end) run.push.finish();
    }
    sending_ended(run, Clock::now());
    // Whoever polls needs the API for as long as something waits.
    settle(run, emptied);
  }

  void sending_ended(Run& run, Clock::time_point now) {
    report_.sending = now - run.begun;
    run.waits_since = now;
  }

  void look(Run& run, Clock::time_point now) {
    if (run.proof != nullptr && now - run.looked >= kLookEvery) {
      run.looked = now;
      run.proof->look();
    }
    tell(run, now);
  }

  void fill(const Run& run, Clock::time_point now) {
    if (run.waits_since) {
      report_.settling = SimulateReport::Settling{now - *run.waits_since, settle_time_, run.proof != nullptr ? run.proof->backlog() : 0};
    } else {
      report_.sending = now - run.begun;
    }
    report_.unacknowledged = run.push.unacknowledged();
    report_.pausing = run.push.pausing();
  }

  /// A line that is written over on a terminal, else one each few seconds.
  void tell(Run& run, Clock::time_point now) {
    const bool terminal = run.console.can_ask();
    if (now - run.told < (terminal ? std::chrono::milliseconds(500) : std::chrono::milliseconds(5000))) return;
    run.told = now;
    fill(run, now);
    report_.tally = run.push.tally();
    const std::string line = progress_line(report_, run.proof != nullptr ? std::optional(run.ledger.missing()) : std::nullopt);
    run.console.err(terminal ? '\r' + line + "\x1b[K" : line + '\n');
  }

  void tell_end(Run& run) {
    if (run.console.can_ask()) run.console.err("\r\x1b[K");
    fill(run, Clock::now());
    report_.tally = run.push.tally();
  }

  /// Waits, at most settle_time_, until the senders' side has nothing left (`sent_all`) and the fleet has caught up.
  template <class SentAll>
  void settle(Run& run, const SentAll& sent_all) {
    run.waits_since = Clock::now();
    const auto last = *run.waits_since + settle_time_;
    const unsigned interrupts = run.console.interrupts();
    run.told = {};  // at once: what is waited for, and for how long
    for (;;) {
      const bool all = sent_all();
      const bool caught_up = run.proof == nullptr || run.proof->settled();
      const auto now = Clock::now();
      if ((all && caught_up) || now >= last || run.console.interrupts() != interrupts || interrupts > 1) {
        if (run.proof != nullptr) {
          run.proof->look();
          report_.proof = SimulateReport::Proof{run.ledger.verdict(), caught_up, run.proof->backlog()};
        }
        break;
      }
      look(run, now);
      std::this_thread::sleep_for(kLookEvery);
    }
    tell_end(run);
  }

  std::string to_, token_file_, from_, answer_timeout_, pause_, keep_, serve_, faults_, latency_, rate_, for_, count_, instances_,
      first_instance_, chats_, types_, repeats_, changed_, unknown_, invalid_, malformed_, big_, big_bytes_, non_ascii_, seed_, receive_,
      stream_, settle_, output_;
  bool fast_ = false, verify_ = false;
  FleetOptions fleet_;

  Generator::Options generating_;
  Push::Options pushing_;
  std::optional<int> receive_port_, served_port_;
  std::chrono::milliseconds settle_time_{};
  SimulateReport report_;
  WebhookToken token_;
};

constexpr std::string_view kSimulateExamples = R"(
Stands in for GREEN-API: notifications of every documented shape, with ids, times and chats of their own. Each instance sends one after the
other, waits for the 200, and after anything else pauses and sends the same again. Ctrl-C ends it with the report; a second one at once.

With --receive or --stream it proves that the fleet keeps its word: everything that got a 200 arrives, or lies in the dead letters, and each
chat in its order. Exit 1: something was lost or out of order (listed), nothing was acknowledged, or queues of --serve still wait.
The fleet must hand everything on:
  routes:
    - actions: [{forward: {name: simulate, url: "http://127.0.0.1:9900/"}}]      # --receive 9900
    - actions: [{stream: {key: simulated, maxlen: 1000000}}]                     # --stream simulated; one of the two

Every body carries "simulated":"RUN.INSTANCE.CHAT.SEQUENCE". The same --seed makes the same ids: to a
fleet that saw them within 25 h they are later versions, some of which it drops.

Examples:
  . .fleet/env && hookfleet simulate --to "$HOOKFLEET_URL"
  hookfleet simulate --rate 200/s --for 2min --repeats 5% --changed 2% --invalid 1% --verify --receive 9900
  hookfleet simulate --types textMessage=10,incomingCall --instances 200 --chats 20 --non-ascii 50%
  hookfleet simulate --fast --instances 64 --for 30s -o json
  hookfleet simulate --from 127.0.0.2,127.0.0.3 --count 100
  hookfleet simulate --serve 9901 --instances 3 --faults 500=1%,cut_after=2%,late=5%
)";

}  // namespace

VerbSpec simulate_verb() {
  return {"simulate", "[--to URL | --serve PORT] [--verify]", "Send as GREEN-API does, and prove what became of it", kSimulateExamples,
          make_verb<SimulateVerb>};
}

}  // namespace hookfleet::cli
