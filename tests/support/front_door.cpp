#include "tests/support/front_door.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <utility>

#include "common/stream/entry.hpp"

namespace hookfleet::support::front_door {
namespace {

using namespace std::chrono_literals;

std::string shown(std::string_view bytes) {
  constexpr std::size_t kMax = 400;
  std::string text;
  for (const char c : bytes.substr(0, kMax)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\r') {
      text += "\\r";
    } else if (c == '\n') {
      text += "\\n";
    } else if (byte < 0x20 || byte >= 0x7f) {
      constexpr char kHex[] = "0123456789abcdef";
      text += std::string("\\x") + kHex[byte >> 4] + kHex[byte & 15];
    } else {
      text += c;
    }
  }
  return bytes.size() > kMax ? text + "… (" + std::to_string(bytes.size()) + " bytes)" : text;
}

std::string shown(const std::vector<std::string>& bodies) {
  std::string text = std::to_string(bodies.size()) + ":";
  for (const auto& body : bodies) text += " [" + shown(body) + "]";
  return text;
}

std::string shown(const std::vector<int>& statuses) {
  if (statuses.empty()) return "nothing";
  std::string text;
  for (const int status : statuses) text += (text.empty() ? "" : ", ") + std::to_string(status);
  return text;
}

Demand one_of(std::vector<int> any_of) {
  Demand demand;
  for (const int status : any_of) demand.answers.push_back(status == 0 ? std::vector<int>{} : std::vector<int>{status});
  return demand;
}

Step step(Step::Kind kind, std::string bytes = {}, std::size_t count = 0) {
  return {.kind = kind, .bytes = std::move(bytes), .count = count};
}

/// Nothing when the good request got no 200 at all.
std::optional<std::chrono::milliseconds> good_request(const Door& door) {
  const auto before = std::chrono::steady_clock::now();
  RawClient client(door.port);
  if (!client.send(post(kGood)) || !client.await(1) || client.statuses() != std::vector{200}) return std::nullopt;
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - before);
}

struct Findings {
  std::vector<std::string> wrong;
  bool late = false;  ///< only the good request was, by its time

  void expect(bool holds, const std::string& otherwise) {
    if (!holds) wrong.push_back(otherwise);
  }
};

Findings attempt(Door& door, const Case& one) {
  const Demand& demand = door.direct && one.direct ? *one.direct : one.nginx;
  Findings found;
  std::vector<std::string> stored = demand.stored;
  RawClient client(door.port, one.from);
  if (one.head) client.expect_no_bodies();
  bool gone = false;
  for (const Step& next : one.steps) {
    switch (next.kind) {
      case Step::Kind::kSend: client.send(next.bytes); break;  // it may be refused before all is sent: the answers tell whether rightly
      case Step::Kind::kTaken: found.expect(client.taken(), "the server doesn't read"); break;
      case Step::Kind::kAnswers: found.expect(client.await(next.count), "no answer number " + std::to_string(next.count)); break;
      case Step::Kind::kAskOthers:
        found.expect(good_request(door).has_value(), "while it goes on, a good request of somebody else got no 200");
        stored.push_back(kGood);
        break;
      case Step::Kind::kHalfClose: client.half_close(); break;
      case Step::Kind::kReset:
        client.reset();
        gone = true;
        break;
      case Step::Kind::kClosed: found.expect(client.await_close(), "the server doesn't close"); break;
    }
  }
  if (demand.silent) {
    found.expect(client.taken(), "the server doesn't read");
    found.expect(good_request(door).has_value(), "no 200 for a good request while it is silent");  // the event thread has turned
    stored.push_back(kGood);
    client.look();
    found.expect(!client.closed() && client.all().empty(), "not silent: " + shown(client.all()) + (client.closed() ? ", closed" : ""));
  } else if (!gone) {
    std::size_t most = 0;
    for (const auto& statuses : demand.answers) most = std::max(most, statuses.size());
    found.expect(client.await(most == 0 ? ~std::size_t{0} : most), "neither all answers nor the end within 20 s");
    client.half_close();  // what comes too much has to show: no answer is left when the server has seen our end, and closed
    found.expect(client.await_close(), "the server doesn't close after our end");
    const auto statuses = client.statuses();
    if (std::find(demand.answers.begin(), demand.answers.end(), statuses) == demand.answers.end()) {
      std::string demanded;
      for (const auto& any : demand.answers) demanded += (demanded.empty() ? "" : " or ") + shown(any);
      found.expect(false, "answers: " + shown(statuses) + "; demanded: " + demanded + "; all that came: " + shown(client.all()));
    }
    found.expect(client.rest().empty() || statuses.empty(), "more than whole answers: " + shown(client.rest()));
    found.expect(!statuses.empty() || client.all().empty() || one.bare, "no HTTP/1.x came: " + shown(client.all()));
  }
  found.expect(client.all().find(kToken) == std::string::npos, "the token comes back");
  found.expect(door.direct || client.all().find("nginx/") == std::string::npos, "nginx names its version");

  const auto took = good_request(door);
  found.expect(took.has_value(), "the good request on a new connection got no 200 within 20 s");
  if (took) door.slowest = std::max(door.slowest, *took);
  found.late = took && *took > 1s;
  stored.push_back(kGood);
  std::sort(stored.begin(), stored.end());
  const auto kept = take_stored(door.fleet);
  found.expect(kept == stored, "stored: " + shown(kept) + "\n  demanded: " + shown(stored));
  return found;
}

}  // namespace

std::string length_of(std::string_view body) { return "Content-Length: " + std::to_string(body.size()) + "\r\n"; }

std::string post(const std::string& body, const std::string& headers, const std::string& target) {
  return request("POST " + target + " HTTP/1.1", kHost + kAuth + headers, body);
}

std::string request(const std::string& line, const std::string& headers, const std::string& body) {
  return line + "\r\n" + headers + length_of(body) + "\r\n" + body;
}

std::string chunk(const std::string& text) {
  char size[20];
  std::snprintf(size, sizeof size, "%zx\r\n", text.size());
  return size + text + "\r\n";
}

std::string chunked(const std::string& text) { return chunk(text) + "0\r\n\r\n"; }

std::string smuggled() { return post(kSmuggled); }

Step send(std::string bytes) { return step(Step::Kind::kSend, std::move(bytes)); }
Step taken() { return step(Step::Kind::kTaken); }
Step answers(std::size_t count) { return step(Step::Kind::kAnswers, {}, count); }
Step ask_others() { return step(Step::Kind::kAskOthers); }
Step half_close() { return step(Step::Kind::kHalfClose); }
Step reset() { return step(Step::Kind::kReset); }
Step until_closed() { return step(Step::Kind::kClosed); }

std::vector<Step> dripped(std::string_view bytes) {
  std::vector<Step> steps;
  for (const char c : bytes) {
    steps.push_back(send(std::string(1, c)));
    steps.push_back(taken());
  }
  return steps;
}

Case Case::gets(std::vector<int> any_of) && {
  nginx = one_of(std::move(any_of));
  return std::move(*this);
}
Case Case::stores(const std::string& body) && {
  nginx = {.answers = {{200}}, .stored = {body}};
  return std::move(*this);
}
Case Case::demands(Demand demand) && {
  nginx = std::move(demand);
  return std::move(*this);
}
Case Case::directly(Demand demand) && {
  direct = std::move(demand);
  return std::move(*this);
}
Case Case::directly_gets(std::vector<int> any_of) && {
  direct = one_of(std::move(any_of));
  return std::move(*this);
}
Case Case::directly_stores(const std::string& body) && {
  direct = {.answers = {{200}}, .stored = {body}};
  return std::move(*this);
}
Case Case::directly_silent() && {
  direct = {.answers = {}, .stored = {}, .silent = true};
  return std::move(*this);
}
Case Case::never_directly(std::string hazard) && {
  not_direct = std::move(hazard);
  return std::move(*this);
}
Case Case::sent_from(std::string address) && {
  from = std::move(address);
  return std::move(*this);
}
Case Case::without_bodies() && {
  head = true;
  return std::move(*this);
}

Case Case::answered_barely() && {
  bare = true;
  return std::move(*this);
}

Case sent(std::string name, std::string bytes) { return sent(std::move(name), std::vector{send(std::move(bytes))}); }
Case sent(std::string name, std::vector<Step> steps) {
  Case made;
  made.name = std::move(name);
  made.steps = std::move(steps);
  return made;
}

void run(Door& door, const Case& one) {
  constexpr int kTries = 3;
  for (int i = 0; i < kTries; ++i) {
    const Findings found = attempt(door, one);
    if (!found.wrong.empty()) {
      std::string text = "front door, " + std::string(door.direct ? "directly" : "through nginx") + ": " + one.name + "\n";
      for (const auto& wrong : found.wrong) text += "  " + wrong + "\n";
      std::string bytes;
      for (const auto& next : one.steps) bytes += next.bytes;
      ADD_FAILURE() << text << "  sent: " << shown(bytes);
      return;
    }
    if (!found.late) return;
  }
  ADD_FAILURE() << one.name << ": the good request after it took more than a second, three times running; the slowest "
                << door.slowest.count() << " ms";
}

std::vector<std::string> take_stored(Fleet& fleet) {
  std::vector<std::string> bodies;
  for (unsigned p = 0; p < fleet.keys().partitions(); ++p) {
    const auto reply = fleet.redis().call({"XRANGE", fleet.keys().stream(p), "-", "+"});
    if (reply.view().size() == 0) continue;
    for (std::size_t i = 0; i < reply.view().size(); ++i) {
      const auto entry = stream::decode(reply.view()[i][1]);
      bodies.push_back(entry ? entry->body : "undecodable: " + entry.error());
    }
    fleet.redis().call({"DEL", fleet.keys().stream(p)});
  }
  std::sort(bodies.begin(), bodies.end());
  return bodies;
}

}  // namespace hookfleet::support::front_door
