// How a client behaves: slow, half closed, gone.
#include "tests/e2e/front_door/cases.hpp"

namespace hookfleet::front_door {

using namespace support::front_door;

Group half_closed() {
  const std::string aborted = "medium: the library gives no answer to a client that has half closed";
  const std::string head = kPost + length_of(kBody) + "\r\n";
  std::vector<Case> cases{
      sent("nothing but an end", {half_close()}).gets({0}),
      sent("a whole request, then an end", {send(post()), half_close()}).stores().never_directly(aborted),
      sent("a whole request, read, then an end", {send(post()), taken(), half_close()}).stores().never_directly(aborted),
      sent("an answered request, then an end", {send(post()), answers(1), half_close()}).stores(),
      sent("half of a request line, then an end", {send("POST /web"), taken(), half_close()}).gets({0, 400}),
      sent("half of the headers, then an end", {send(kPost), taken(), half_close()}).gets({0, 400}),
      sent("headers without a body, then an end", {send(head), taken(), half_close()}).gets({0, 400}),
      sent("half of a body, then an end", {send(head + kBody.substr(0, 10)), taken(), half_close()}).gets({0, 400}),
      sent("a body without its last byte, then an end", {send(head + kBody.substr(0, kBody.size() - 1)), taken(), half_close()})
          .gets({0, 400}),
      sent("half of a chunk, then an end", {send(kPost + kTe + "\r\nff\r\nhalf"), taken(), half_close()}).gets({0, 400}),
      sent("a chunked body without its last line end, then an end",
           {send(kPost + kTe + "\r\n" + chunk(kBody) + "0\r\n"), taken(), half_close()})
          .gets({0, 400})
          .never_directly("1: a chunk's end in two reads"),
      sent("a refused request, then an end",
           {send(request("POST /webhook HTTP/1.1", kHost + "Authorization: x\r\n", kBody)), answers(1), half_close()})
          .gets({401}),
      sent("two requests, then an end", {send(post("1") + post("2")), half_close()})
          .demands({.answers = {{200, 200}}, .stored = {"1", "2"}})
          .never_directly(aborted),
      sent("a body of 4 MiB, then an end", {send(post(std::string(4U << 20, 'b'))), half_close()})
          .stores(std::string(4U << 20, 'b'))
          .never_directly(aborted),
  };
  struct Gone {
    std::string name;
    std::vector<Step> steps;
  };
  const std::string large = kPost + "Content-Length: 4000000\r\n\r\n" + std::string(2'000'000, 'b');
  for (auto& one : std::vector<Gone>{{"nothing", {}},
                                     {"half of a request line", {send("POST /web"), taken()}},
                                     {"half of the headers", {send(kPost), taken()}},
                                     {"headers without a body", {send(head), taken()}},
                                     {"half of a body", {send(head + kBody.substr(0, 10)), taken()}},
                                     {"half of a body of 4 MB", {send(large), taken()}},
                                     {"half of a chunk", {send(kPost + kTe + "\r\nff\r\nhalf"), taken()}},
                                     {"a length over the limit", {send(kPost + "Content-Length: 5000000\r\n\r\n"), taken()}}}) {
    const bool over = one.name.starts_with("a length over");
    one.steps.insert(one.steps.end(), {ask_others(), reset()});
    auto made = sent(one.name + " and others are served, then a reset", std::move(one.steps)).demands({.answers = {}, .stored = {}});
    cases.push_back(over ? std::move(made).never_directly("5: after its own 413 the library reads the rest as requests") : std::move(made));
  }
  cases.push_back(
      sent("an answered request, then a reset", {send(post()), answers(1), reset()}).demands({.answers = {}, .stored = {kBody}}));
  return {"half_closed", std::move(cases)};
}

Group slow_clients() {
  const std::string head = kPost + length_of(kBody) + "\r\n";
  const auto with_taken_between = [](const std::vector<std::string>& parts) {
    std::vector<Step> steps;
    for (const auto& part : parts) {
      steps.push_back(send(part));
      steps.push_back(taken());
    }
    return steps;
  };
  const auto then = [](std::vector<Step> steps, std::vector<Step> more) {
    steps.insert(steps.end(), more.begin(), more.end());
    return steps;
  };
  return {
      "slow_clients",
      {
          sent("a request byte by byte", dripped(post())).stores(),
          sent("a request of an older version byte by byte", dripped(request("POST /webhook HTTP/1.0", kHost + kAuth, kBody))).stores(),
          sent("a body byte by byte", then({send(head), taken()}, dripped(kBody))).stores(),
          sent("head and body in two packets", with_taken_between({head, kBody})).stores(),
          sent("a line a packet", with_taken_between({"POST /webhook HTTP/1.1\r\n", kHost, kAuth, length_of(kBody), "\r\n", kBody}))
              .stores(),
          sent("lines cut between CR and LF",
               with_taken_between({"POST /webhook HTTP/1.1\r",
                                   "\n" + kHost + kAuth + "Content-Length: " + std::to_string(kBody.size()) + "\r", "\n\r", "\n" + kBody}))
              .stores(),
          sent("a name and its value in two packets",
               with_taken_between({"POST /webhook HTTP/1.1\r\nHost: door\r\nAuthori", "zation: Bearer e2e",
                                   "-token\r\n" + length_of(kBody) + "\r\n" + kBody}))
              .stores(),
          sent("256 KiB and a byte in packets of 16 KiB",
               [&] {
                 const std::string body(262'145, 'b');
                 std::vector<std::string> parts{kPost + length_of(body) + "\r\n"};
                 for (std::size_t at = 0; at < body.size(); at += 16'384) parts.push_back(body.substr(at, 16'384));
                 return with_taken_between(parts);
               }())
              .stores(std::string(262'145, 'b')),
          sent("a second request byte by byte", then({send(post("1")), answers(1)}, dripped(post("2"))))
              .demands({.answers = {{200, 200}}, .stored = {"1", "2"}}),
          sent("a request in two halves while others are served",
               {send(post().substr(0, 60)), taken(), ask_others(), send(post().substr(60))})
              .demands({.answers = {{200}}, .stored = {kBody}}),
          sent("a body in two halves while others are served",
               {send(head + kBody.substr(0, 10)), taken(), ask_others(), send(kBody.substr(10))})
              .demands({.answers = {{200}}, .stored = {kBody}}),
      }};
}

Group stalled_clients() {
  const std::string head = kPost + length_of(kBody) + "\r\n";
  const std::string late = "medium: the library's own timeouts are 120 s, and mild on kept connections";
  return {"stalled_clients",
          {
              sent("nothing at all", {ask_others(), until_closed()}).demands({.answers = {{}}, .stored = {}}).never_directly(late),
              sent("half of a request line", {send("POST /web"), taken(), ask_others(), until_closed()})
                  .demands({.answers = {{}, {408}}, .stored = {}})
                  .never_directly(late),
              sent("half of the headers", {send(kPost), taken(), ask_others(), until_closed()})
                  .demands({.answers = {{}, {408}}, .stored = {}})
                  .never_directly(late),
              sent("headers without a body", {send(head), taken(), ask_others(), until_closed()})
                  .demands({.answers = {{}, {408}}, .stored = {}})
                  .never_directly(late),
              sent("half of a body", {send(head + "{"), taken(), ask_others(), until_closed()})
                  .demands({.answers = {{}, {408}}, .stored = {}})
                  .never_directly(late),
              sent("half of a body of 4 MB",
                   {send(kPost + "Content-Length: 4000000\r\n\r\n" + std::string(1'000'000, 'b')), taken(), ask_others(), until_closed()})
                  .demands({.answers = {{}, {408}}, .stored = {}})
                  .never_directly(late),
              sent("half of a chunk", {send(kPost + kTe + "\r\nff\r\nhalf"), taken(), ask_others(), until_closed()})
                  .demands({.answers = {{}, {408}}, .stored = {}})
                  .never_directly(late),
              sent("half of a chunk's size", {send(kPost + kTe + "\r\nf"), taken(), ask_others(), until_closed()})
                  .demands({.answers = {{}, {408}}, .stored = {}})
                  .never_directly(late),
              sent("a second request that stops", {send(post()), answers(1), send("POST /web"), taken(), ask_others(), until_closed()})
                  .demands({.answers = {{200}, {200, 408}}, .stored = {kBody}})
                  .never_directly(late),
              sent("a second body that stops", {send(post()), answers(1), send(head), taken(), ask_others(), until_closed()})
                  .demands({.answers = {{200}, {200, 408}}, .stored = {kBody}})
                  .never_directly(late),
              sent("100 Continue, and no body",
                   {send(kPost + "Expect: 100-continue\r\n" + length_of(kBody) + "\r\n"), answers(1), ask_others(), until_closed()})
                  .demands({.answers = {{100}, {100, 408}}, .stored = {}})
                  .never_directly(late),
              sent("an idle connection after its answer", {send(post()), answers(1), ask_others(), until_closed()})
                  .demands({.answers = {{200}}, .stored = {kBody}})
                  .never_directly(late),
              sent("half of a length over the limit",
                   {send(kPost + "Content-Length: 5000000\r\n\r\nhalf"), answers(1), ask_others(), until_closed()})
                  .demands({.answers = {{413}}, .stored = {}})
                  .never_directly("5: after its own 413 the library reads the rest as requests"),
          }};
}

std::vector<Group> all_groups() {
  return {framing(),     chunked_bodies(), smuggling(),    pipelining(),     headers(),       methods(),
          targets(),     sizes(),          encodings(),    authorization(),  proxy_headers(), behind_a_balancer(),
          json_bodies(), half_closed(),    slow_clients(), stalled_clients()};
}

}  // namespace hookfleet::front_door
