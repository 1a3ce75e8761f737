// What stands in the head of a request: headers, methods, targets, sizes.
#include <cstring>

#include "tests/e2e/front_door/cases.hpp"

namespace hookfleet::front_door {

using namespace support::front_door;

Group headers() {
  const std::string parsed = "medium: header values that the library parses are answered by it";
  const auto with = [](const std::string& lines) { return post(kBody, lines); };
  const auto from_host = [](const std::string& host) { return request("POST /webhook HTTP/1.1", host + kAuth, kBody); };
  return {
      "headers",
      {
          sent("no Host", from_host("")).gets({400}).directly_stores(),
          sent("two Hosts", from_host("Host: a\r\nHost: b\r\n")).gets({400}).directly_stores(),
          sent("an empty Host", from_host("Host:\r\n")).gets({400}).directly_stores(),
          sent("a Host with a bad port", from_host("Host: a:port\r\n")).stores().directly_gets({500}),
          sent("a Host with a slash", from_host("Host: a/b\r\n")).gets({400}).directly_stores(),
          sent("a Host with a zero byte", from_host(std::string("Host: a\0b\r\n", 11))).gets({400}).directly_stores(),
          sent("a Host of another", from_host("Host: redis:6379\r\n")).stores(),
          sent("a Host that is IPv6", from_host("Host: [::1]:80\r\n")).stores(),
          sent("Content-Type without a slash", with("Content-Type: nonsense\r\n")).stores().directly_gets({415}),
          sent("an empty Content-Type", with("Content-Type:\r\n")).stores().directly_gets({415}),
          sent("Content-Type of a form", with("Content-Type: multipart/form-data; boundary=x\r\n")).stores(),
          sent("Content-Type text/plain", with("Content-Type: text/plain; charset=koi8-r\r\n")).stores(),
          sent("Accept without a slash", with("Accept: x\r\n")).stores().directly_gets({415}),
          sent("a malformed Cookie", with("Cookie: a; =b; ;;\r\n")).stores().directly_gets({500}),
          sent("an unknown Cache-Control", with("Cache-Control: what=ever\r\n")).stores().directly_gets({500}),
          sent("a malformed Date", with("Date: yesterday\r\n")).stores().directly_gets({500}),
          sent("an unknown Connection", with("Connection: maybe\r\n")).stores(),
          sent("Connection: close", with("Connection: close\r\n")).stores(),
          sent("Connection names our headers", with("Connection: Authorization, Content-Length, X-Forwarded-For\r\n")).stores(),
          sent("Keep-Alive and Proxy-Connection", with("Keep-Alive: timeout=0\r\nProxy-Connection: close\r\n")).stores(),
          sent("Expect: 100-continue", {send(kPost + "Expect: 100-continue\r\n" + length_of(kBody) + "\r\n"), answers(1), send(kBody)})
              .demands({.answers = {{100, 200}}, .stored = {kBody}})
              .never_directly("medium: the library doesn't say 100"),
          sent("Expect: 100-continue with the body behind it", with("Expect: 100-continue\r\n"))
              .demands({.answers = {{100, 200}, {200}}, .stored = {kBody}})
              .directly_stores(),
          sent("Expect: what nobody knows", with("Expect: coffee\r\n")).stores(),
          sent("Expect: 100-continue with a length over the limit", kPost + "Expect: 100-continue\r\nContent-Length: 5000000\r\n\r\n")
              .gets({413})
              .never_directly("5: after its own 413 the library reads the rest as requests"),
          sent("escape sequences in what an error log would quote",
               "POST /webhook?\x1b[2J HTTP/1.1\r\nHost: x\x9b"
               "31m\r\nReferer: \x1b]0;title\x07\r\nContent-Length: 5000000\r\n\r\n")
              .gets({413, 400, 401})
              .never_directly("5: after its own 413 the library reads the rest as requests"),
          sent("Range", with("Range: bytes=0-0,1-1,2-2\r\n")).stores(),
          sent("If-Match and If-Modified-Since", with("If-Match: \"x\"\r\nIf-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n")).stores(),
          sent("Max-Forwards: 0 and Via", with("Max-Forwards: 0\r\nVia: 1.1 a, 1.1 a, 1.1 a\r\n")).stores(),
          sent("X-HTTP-Method-Override", with("X-HTTP-Method-Override: DELETE\r\n")).stores(),
          sent("a header without a colon", with("nonsense\r\n")).stores().directly_stores(""),
          sent("a header of a colon only", with(": x\r\n")).gets({400}).directly_stores(),
          sent("a header with an empty name and value", with(":\r\n")).gets({400}).directly_stores(),
          sent("a folded header", with("X-Folded: a\r\n b\r\n")).gets({400}).directly_stores(""),
          sent("a blank in a header's name", with("X Y: z\r\n")).gets({400}).directly_stores(),
          sent("a tab in a header's name", with("X\tY: z\r\n")).gets({400}).directly_stores(),
          sent("a zero byte in a header's name", with(std::string("X\0Y: z\r\n", 8))).gets({400}).directly_stores(),
          sent("a zero byte in a header's value", with(std::string("X: y\0z\r\n", 8))).gets({400}).directly_stores(),
          sent("an escape sequence in a header's value", with("X: \x1b[2J\r\n")).stores(),
          sent("bytes beyond ASCII in a header's value", with("X: \xff\xfe\xc3\r\n")).stores(),
          sent("a carriage return in a header's value", with("X: a\rb\r\n")).gets({400}).directly_stores(),
          sent("every printable character in a header's value", with("X: !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~\r\n")).stores(),
          sent("900 headers", with([] {
                 std::string lines;
                 for (int i = 0; i < 900; ++i) lines += "X" + std::to_string(i) + ": y\r\n";
                 return lines;
               }()))
              .stores(),
          sent("ten thousand headers", with([] {
                 std::string lines;
                 for (int i = 0; i < 10'000; ++i) lines += "X" + std::to_string(i) + ": y\r\n";
                 return lines;
               }()))
              .gets({400})
              .directly_stores(),
          sent("a hundred equal headers", with([] {
                 std::string lines;
                 for (int i = 0; i < 100; ++i) lines += "X-Same: y\r\n";
                 return lines;
               }()))
              .stores(),
          sent("an X-Request-Id of what forges log lines", with("X-Request-Id: a\",\"level\":\"ERROR\r\n")).stores(),
          sent("an X-Request-Id of 5,000 bytes", with("X-Request-Id: " + std::string(5000, 'r') + "\r\n")).stores(),
          sent("two X-Request-Ids", with("X-Request-Id: a\r\nX-Request-Id: b\r\n")).stores(),
          sent("an X-Request-Id beyond ASCII", with("X-Request-Id: \xff\xfe\r\n")).stores(),
          sent("a traceparent of nonsense", with("traceparent: ../../etc/passwd\r\n")).stores(),
          sent("two traceparents", with("traceparent: 00-1\r\ntraceparent: 00-2\r\n")).stores(),
          sent("headers of a shell", with("User-Agent: () { :; }; echo; /bin/cat /etc/passwd\r\n")).stores(),
          sent("headers of a lookup", with("User-Agent: ${jndi:ldap://127.0.0.1:1/a}\r\nReferer: ${jndi:ldap://127.0.0.1:1/a}\r\n"))
              .stores(),
      }};
}

Group methods() {
  const std::string body = kBody;
  const auto line = [](const std::string& method, const std::string& target = "/webhook") {
    return request(method + " " + target + " HTTP/1.1", kHost + kAuth, kBody);
  };
  const auto bare = [](const std::string& method, const std::string& target = "/webhook") {
    return method + " " + target + " HTTP/1.1\r\n" + kHost + kAuth + "\r\n";
  };
  std::vector<Case> cases{
      sent("GET", bare("GET")).gets({405}),
      sent("GET with a body", line("GET")).gets({405}),
      sent("HEAD", bare("HEAD")).gets({405}).without_bodies(),
      sent("GET /healthz", bare("GET", "/healthz")).gets({200}),
      sent("HEAD /healthz", bare("HEAD", "/healthz")).gets({405}).directly_gets({200}).without_bodies(),
      sent("POST /healthz", line("POST", "/healthz")).gets({405}),
      sent("OPTIONS *", bare("OPTIONS", "*")).gets({400}).directly_gets({404}),
      sent("post in small letters", line("post")).gets({400}),
      sent("Post", line("Post")).gets({400}),
      sent("POST and a letter", line("POSTX")).gets({405}).directly_gets({400}),
      sent("PUT for POST by a header", request("PUT /webhook HTTP/1.1", kHost + kAuth + "X-HTTP-Method-Override: POST\r\n", kBody))
          .gets({405}),
      sent("a method of 4,000 letters", line(std::string(4000, 'A'))).gets({405, 414}).directly_gets({400}),
      sent("a method of 40,000 letters", line(std::string(40'000, 'A'))).gets({414}).directly_gets({400}),
      sent("no method", line("")).gets({400}),
      sent("a method with a slash", line("PO/ST")).gets({400}),
      sent("a method with a zero byte", line(std::string("PO\0ST", 5))).gets({400}),
      sent("a method beyond ASCII", line("P\xc3\x96ST")).gets({400}),
      sent("two blanks behind the method", line("POST ")).stores().directly_gets({400, 404}),
      sent("a tab behind the method", "POST\t/webhook HTTP/1.1\r\n" + kHost + kAuth + length_of(kBody) + "\r\n" + kBody).gets({400}),
      sent("a blank before the method", " " + post()).gets({400}),
      sent("a method and LF", "POST\n/webhook HTTP/1.1\r\n" + kHost + kAuth + length_of(kBody) + "\r\n" + kBody).gets({400}),
  };
  for (const char* method : {"PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"}) {
    cases.push_back(sent(std::string(method) + " with a body", line(method)).gets({405}));
  }
  for (const char* method : {"PROPFIND", "MKCOL", "LOCK", "PURGE", "DEBUG", "BREW", "M-SEARCH", "_"}) {
    cases.push_back(sent(std::string(method) + " with a body", line(method)).gets({405}).directly_gets({400}));
  }
  return {"methods", std::move(cases)};
}

Group targets() {
  const auto to = [](const std::string& target, const std::string& body = kBody) { return post(body, {}, target); };
  std::vector<Case> cases{
      sent("/webhook/", to("/webhook/")).stores(),
      sent("/webhook with a query", to("/webhook?a=b&c=%00%ff")).stores(),
      sent("/webhook with an empty query", to("/webhook?")).stores(),
      sent("/webhook with a fragment", to("/webhook#fragment")).gets({404}),
      sent("/webhook/7", to("/webhook/7")).stores(),
      sent("/webhook/7/ and a query", to("/webhook/7/?x")).stores(),
      sent("/webhook/ and an instance beyond 64 bits", to("/webhook/18446744073709551616")).gets({404}),
      sent("/webhook/0", to("/webhook/0")).gets({404}),
      sent("/webhook/-1", to("/webhook/-1")).gets({404}),
      sent("/webhook/ and letters", to("/webhook/abc")).gets({404}),
      sent("/webhook/7/8", to("/webhook/7/8")).gets({404}),
      sent("/webhook//", to("/webhook//")).stores(),
      sent("//webhook", to("//webhook")).gets({404}),
      sent("/./webhook", to("/./webhook")).gets({404}),
      sent("/x/../webhook", to("/x/../webhook")).gets({404}),
      sent("/webhook/../webhook", to("/webhook/../webhook")).gets({404}),
      sent("/webhook/..", to("/webhook/..")).gets({404}),
      sent("/webhook/../healthz", to("/webhook/../healthz")).gets({405, 404}),
      sent("/../webhook", to("/../webhook")).gets({400}).directly_gets({404}),
      sent("/webhook/..;/healthz", to("/webhook/..;/healthz")).gets({404}),
      sent("/WEBHOOK", to("/WEBHOOK")).gets({404}),
      sent("/webhooks", to("/webhooks")).gets({404}),
      sent("/webhook.", to("/webhook.")).gets({404}),
      sent("/webhook;x=y", to("/webhook;x=y")).gets({404}),
      sent("/%77ebhook", to("/%77ebhook")).gets({404}),
      sent("/webhook%2f7", to("/webhook%2f7")).gets({404}),
      sent("/webhook%00", to("/webhook%00")).gets({400}).directly_gets({404}),
      sent("/webhook%20", to("/webhook%20")).gets({404}),
      sent("/webhook%0d%0a", to("/webhook%0d%0a")).gets({404}),
      sent("/webhook%0d%0aX-Hookfleet-Refused: 413", to("/webhook/%0d%0aX-Hookfleet-Refused:%20413")).gets({404}),
      sent("/webhook%", to("/webhook%")).gets({400}).directly_gets({404}),
      sent("/webhook%zz", to("/webhook%zz")).gets({400}).directly_gets({404}),
      sent("/webhook%u0041", to("/webhook%u0041")).gets({400}).directly_gets({404}),
      sent("overlong slash %c0%af", to("/webhook/%c0%af7")).gets({404}),
      sent("bytes beyond ASCII", to("/webhook/\xd0\xb6")).gets({404}),
      sent("bytes that are no UTF-8", to("/webhook/\xff\xfe")).gets({404}),
      sent("encoded bytes that are no UTF-8", to("/webhook/%ff%fe")).gets({404}),
      sent("a backslash", to("\\webhook")).gets({400}).directly_gets({404}),
      sent("/webhook\\..\\healthz", to("/webhook\\..\\healthz")).gets({404}),
      sent("a blank in the target", to("/web hook")).gets({400}),
      sent("a tab in the target", to("/web\thook")).gets({400}).directly_gets({404}),
      sent("a zero byte in the target", to(std::string("/webhook\0", 9))).gets({400}).directly_gets({404}),
      sent("an escape sequence in the target", to("/webhook/\x1b[2J")).gets({400}).directly_gets({404}),
      sent("no slash at the beginning", to("webhook")).gets({400}).directly_gets({404}),
      sent("no target", to("")).gets({400}).directly_gets({404}),
      sent("an absolute target", to("http://door/webhook")).stores().directly_gets({404}),
      sent("an absolute target of another host", to("http://elsewhere/webhook")).stores().directly_gets({404}),
      sent("an absolute https target", to("https://door/webhook")).stores().directly_gets({404}),
      sent("an absolute target of another port", to("http://127.0.0.1:6379/webhook")).stores().directly_gets({404}),
      sent("an absolute target without a path", to("http://door")).gets({404}),
      sent("a scheme of a file", to("file:///etc/passwd")).gets({404, 400}),
      sent("user and password in the target", to("http://user:pass@door/webhook")).gets({400, 200}).directly_gets({404}),
      sent("host and port as target", to("127.0.0.1:6379")).gets({400}).directly_gets({404}),
      sent("*", to("*")).gets({400}).directly_gets({404}),
      sent("/etc/passwd by dots", to("/../../../../etc/passwd")).gets({400}).directly_gets({404}),
      sent("/etc/passwd by encoded dots", to("/webhook/%2e%2e/%2e%2e/etc/passwd")).gets({400, 404}).directly_gets({404}),
      sent("a query of 7,000 bytes", to("/webhook?" + std::string(7000, 'q'))).stores(),
      sent("a target of 9,000 bytes", to("/webhook/" + std::string(9000, '7'))).gets({414}).directly_gets({404}),
      sent("a target of 60,000 bytes", to("/webhook/" + std::string(60'000, '7'))).gets({414}).directly_gets({404}),
      sent("a thousand directories", to("/webhook" +
                                        [] {
                                          std::string text;
                                          for (int i = 0; i < 1000; ++i) text += "/a";
                                          return text;
                                        }()))
          .gets({404}),
      sent("nothing", to("/")).gets({404}),
  };
  // What other programs of a fleet, or of the world, would answer.
  for (const char* target :
       {"/.judge", "/metrics", "/livez", "/readyz", "/status", "/nginx_status", "/server-status", "/.git/config", "/.env", "/admin",
        "/actuator/env", "/wp-login.php", "/cgi-bin/test.cgi", "/debug/pprof/", "/favicon.ico", "/robots.txt"}) {
    const bool livez = std::string(target) == "/livez";  // the ingress's own, for its self-probe
    auto one = sent(std::string("GET ") + target, "GET " + std::string(target) + " HTTP/1.1\r\n" + kHost + kAuth + "\r\n").gets({404});
    cases.push_back(livez ? std::move(one).directly_gets({200}) : std::move(one));
  }
  // nginx's question to itself is nobody else's to ask.
  for (const char* target :
       {"/.judge", "/.judge/", "//.judge", "/%2ejudge", "/webhook/../.judge", "/.judge?", "/.JUDGE", "/@large", "/@refused"}) {
    cases.push_back(sent(std::string("POST to ") + target, to(target)).gets({404}));
    cases.push_back(sent(std::string("a large POST to ") + target, to(target, std::string(20'000, 'b'))).gets({404}));
  }
  return {"targets", std::move(cases)};
}

Group sizes() {
  const std::string hazard5 = "5: after its own 413 the library reads the rest as requests";
  const std::string costly = "medium: heads of this size cost the library's thread more than their length";
  constexpr std::size_t kMax = 4U << 20;
  const auto body = [](std::size_t bytes) { return std::string(bytes, 'b'); };
  const auto chunks = [&](std::size_t bytes, std::size_t each) {
    std::string text = kPost + kTe + "\r\n";
    for (std::size_t at = 0; at < bytes; at += each) text += chunk(body(std::min(each, bytes - at)));
    return text + "0\r\n\r\n";
  };
  const auto wrong = [](const std::string& bytes) {
    return request("POST /webhook HTTP/1.1", kHost + "Authorization: Bearer wrong\r\n", bytes);
  };
  const std::string whole = "medium: the library asks nobody before the body has come";
  const std::string wrong_beginning = "POST /webhook HTTP/1.1\r\n" + kHost + "Content-Length: 4000000\r\n\r\nhalf";
  const auto beginning = [](const std::string& target) {
    return "POST " + target + " HTTP/1.1\r\n" + kHost + kAuth + "Content-Length: 4000000\r\n\r\nhalf";
  };
  std::vector<Case> cases{
      sent("4 MiB and a byte", post(body(kMax + 1))).gets({413}).directly_gets({413}),
      sent("5 MiB", post(body(5U << 20))).gets({413}).never_directly(hazard5),
      sent("20 MiB", post(body(20U << 20))).gets({413}).never_directly(hazard5),
      sent("20 MiB with a wrong token", wrong(body(20U << 20))).gets({401}).never_directly(hazard5),
      sent("5 MiB in chunks", chunks(5U << 20, 65'536)).gets({413}).never_directly(hazard5),
      sent("4 MiB in chunks", chunks(kMax, 65'536)).stores(body(kMax)).never_directly("1: a chunk's end in two reads"),
      sent("64 KiB in chunks of a byte", chunks(65'536, 1)).stores(body(65'536)).never_directly("1: a chunk's end in two reads"),
      sent("64 KiB in chunks of a byte, a token that is wrong",
           "POST /webhook HTTP/1.1\r\n" + kHost + kTe + "\r\n" + chunks(65'536, 1).substr((kPost + kTe + "\r\n").size()))
          .gets({401})
          .never_directly("1: a chunk's end in two reads"),
      sent("4 MiB with a wrong token", wrong(body(kMax))).gets({401}),
      // Before it takes a large body nginx asks how the rest is judged: the answer is there while the body isn't.
      sent("a wrong token, and the beginning of 4 MB", {send(wrong_beginning), answers(1)}).gets({401}).never_directly(whole),
      sent("a wrong token, and the beginning of a chunk", {send("POST /webhook HTTP/1.1\r\n" + kHost + kTe + "\r\nff\r\nhalf"), answers(1)})
          .gets({401})
          .never_directly(whole),
      sent("an unknown path, and the beginning of 4 MB", {send(beginning("/webhook/abc")), answers(1)}).gets({404}).never_directly(whole),
      sent("a stranger, and the beginning of 4 MB", {send(beginning("/webhook")), answers(1)})
          .gets({403})
          .never_directly(whole)
          .sent_from("127.0.0.9"),
      sent("a wrong token, 20,000 bytes, and a good request behind", {send(wrong(body(20'000)) + post())})
          .demands({.answers = {{401, 200}}, .stored = {kBody}})
          .never_directly("medium: of requests in one packet the library drops the second"),
      sent("a length over the limit and no body", kPost + "Content-Length: 4194305\r\n\r\n").gets({413}).never_directly(hazard5),
      sent("a length over the limit, a wrong token and no body", "POST /webhook HTTP/1.1\r\n" + kHost + "Content-Length: 4194305\r\n\r\n")
          .gets({401})
          .never_directly(hazard5),
      sent("a header of 8,000 bytes", post(kBody, "X: " + body(8000) + "\r\n")).stores(),
      sent("a header of 9,000 bytes", post(kBody, "X: " + body(9000) + "\r\n")).gets({400}).directly_stores(),
      sent("headers of 30,000 bytes",
           post(kBody, "A: " + body(7000) + "\r\nB: " + body(7000) + "\r\nC: " + body(7000) + "\r\nD: " + body(7000) + "\r\n"))
          .stores(),
      sent("headers of 60,000 bytes", post(kBody,
                                           [&] {
                                             std::string lines;
                                             for (int i = 0; i < 10; ++i) lines += "X" + std::to_string(i) + ": " + body(6000) + "\r\n";
                                             return lines;
                                           }()))
          .gets({400})
          .directly_stores(),
      sent("a header's name of 9,000 bytes", post(kBody, body(9000) + ": x\r\n")).gets({400}).directly_stores(),
      sent("a megabyte of headers", post(kBody,
                                         [&] {
                                           std::string lines;
                                           for (int i = 0; i < 200; ++i) lines += "X" + std::to_string(i) + ": " + body(5000) + "\r\n";
                                           return lines;
                                         }()))
          .gets({400})
          .never_directly(costly),
      sent("a megabyte of request line", post(kBody, {}, "/webhook?" + body(1U << 20))).gets({414}).never_directly(costly),
      sent("a megabyte without a line end", {send(body(1U << 20)), half_close()}).gets({400, 414}).never_directly(costly),
      sent("an endless header that never ends", {send(kPost + "X: " + body(1U << 20)), half_close()}).gets({400}).never_directly(costly),
  };
  // Around the buffers on the way: the library's reads and its default limit (4,096), nginx's memory for a body (256 KiB), the greatest.
  for (const std::size_t bytes :
       {1UL, 4095UL, 4096UL, 4097UL, 8192UL, 16'384UL, 65'535UL, 65'536UL, 100'000UL, 262'143UL, 262'144UL, 262'145UL, 1UL << 20, kMax}) {
    cases.push_back(sent(std::to_string(bytes) + " bytes", post(body(bytes))).stores(body(bytes)));
  }
  return {"sizes", std::move(cases)};
}

Group proxy_headers() {
  // The fleet takes nothing but from 127.0.0.1 and 127.0.0.2 (auth.allowlist.mode: enforce); 127.0.0.1 is a trusted proxy, too.
  const auto question = [](const std::string& lines) {
    return "HEAD /webhook HTTP/1.1\r\n" + kHost + "X-Hookfleet-Refused: 100\r\n" + lines + "\r\n";
  };
  const std::string stranger = "127.0.0.9", listed = "127.0.0.2";
  const auto with = [](const std::string& lines) { return post(kBody, lines); };
  std::vector<Case> cases{
      sent("a listed address", with("")).stores().sent_from(listed),
      sent("a stranger with a right token", with("")).gets({403}).sent_from(stranger),
      sent("a listed sender who names a stranger", with("X-Forwarded-For: 203.0.113.9\r\n")).stores().sent_from(listed),
      sent("this machine names a stranger", with("X-Forwarded-For: 203.0.113.9\r\n")).stores().directly_gets({403}),
      sent("X-Hookfleet-Refused: 413", with("X-Hookfleet-Refused: 413\r\n")).stores().directly_gets({413}).sent_from(listed),
      sent("X-Hookfleet-Refused: 413 of this machine", with("X-Hookfleet-Refused: 413\r\n")).stores().directly_gets({413}),
      sent("X-Hookfleet-Refused: 100 of a POST", with("X-Hookfleet-Refused: 100\r\n")).stores(),
      sent("X-Hookfleet-Refused: 100 of a HEAD", question(kAuth)).gets({405}).directly_gets({204}).without_bodies(),
      sent("X-Hookfleet-Refused: 100 of a HEAD, a token that is wrong", question("")).gets({405}).directly_gets({401}).without_bodies(),
      sent("X-Hookfleet-Refused: 100 of a HEAD of somebody else's", question(kAuth)).gets({405}).without_bodies().sent_from(listed),
      sent("X-Hookfleet-Refused: 200 with a wrong token", request("POST /webhook HTTP/1.1", kHost + "X-Hookfleet-Refused: 200\r\n", kBody))
          .gets({401}),
      sent("X-Hookfleet-Refused: 413 with a wrong token", request("POST /webhook HTTP/1.1", kHost + "X-Hookfleet-Refused: 413\r\n", kBody))
          .gets({401}),
  };
  for (const char* value : {"127.0.0.2", "127.0.0.1", "127.0.0.1, 127.0.0.2", "127.0.0.2, 203.0.113.9", "::1", "::ffff:127.0.0.2",
                            "[::ffff:7f00:2]", "127.0.0.2:80", "\"127.0.0.2\"", "127.0.0.2\t", "localhost", "0177.0.0.2", "2130706434",
                            ",127.0.0.2,", "unknown, 127.0.0.2", "127.0.0.2 127.0.0.2"}) {
    cases.push_back(sent("a stranger with X-Forwarded-For: " + std::string(value), with("X-Forwarded-For: " + std::string(value) + "\r\n"))
                        .gets({403})
                        .sent_from(stranger));
  }
  for (const char* line :
       {"X-Real-IP: 127.0.0.2", "X-Client-IP: 127.0.0.2", "True-Client-IP: 127.0.0.2", "CF-Connecting-IP: 127.0.0.2",
        "Forwarded: for=127.0.0.2", "X-Forwarded-For: 127.0.0.2\r\nX-Forwarded-For: 127.0.0.1", "x-forwarded-for: 127.0.0.2",
        "X_Forwarded_For: 127.0.0.2", "X-Forwarded: for=127.0.0.2", "X-Originating-IP: 127.0.0.2", "X-Remote-Addr: 127.0.0.2",
        "X-Cluster-Client-IP: 127.0.0.2", "Via: 1.1 127.0.0.2", "PROXY-Authorization: Bearer e2e-token-x"}) {
    cases.push_back(sent("a stranger with " + std::string(line), with(std::string(line) + "\r\n")).gets({403}).sent_from(stranger));
  }
  cases.push_back(sent("PROXY protocol, version 1", "PROXY TCP4 127.0.0.2 127.0.0.1 1 2\r\n" + post()).gets({400}).sent_from(stranger));
  cases.push_back(
      sent("PROXY protocol, version 2", std::string("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x7f\0\0\x02\x7f\0\0\x01\0\x01\0\x02", 28) + post())
          .gets({400})
          .sent_from(stranger));
  return {"proxy_headers", std::move(cases)};
}

Group behind_a_balancer() {
  // nginx believes 127.0.0.3, a load balancer, who its client is; the fleet takes nothing but from 127.0.0.1 and 127.0.0.2.
  const std::string balancer = "127.0.0.3", no_balancer = "nginx's alone: the ingress hears of nginx only";
  const auto named = [](const std::string& lines, const std::string& body = kBody) { return post(body, lines); };
  const std::string large(20'000, 'b');  // nginx asks the ingress before it takes one
  std::vector<Case> cases{
      sent("no word of a client", named("")).gets({403}).sent_from(balancer),
      sent("not the balancer: a stranger who names a listed address", named("X-Forwarded-For: 127.0.0.2\r\n"))
          .gets({403})
          .sent_from("127.0.0.9"),
      sent("not the balancer: a listed sender who names a stranger", named("X-Forwarded-For: 203.0.113.9\r\n"))
          .stores()
          .sent_from("127.0.0.2"),
      sent("a large body of a listed client", named("X-Forwarded-For: 127.0.0.2\r\n", large)).stores(large).sent_from(balancer),
      sent("a large body of a stranger", named("X-Forwarded-For: 203.0.113.9\r\n", large)).gets({403}).sent_from(balancer),
  };
  // Each balancer adds whom it saw at the right end; what stands further left anybody may have written.
  for (const char* value : {"127.0.0.2", "203.0.113.9, 127.0.0.2", "127.0.0.2, 127.0.0.3", "127.0.0.2:4711", "::ffff:127.0.0.2",
                            "unknown, 127.0.0.2", "127.0.0.2, 127.0.0.3, 127.0.0.3", "  127.0.0.2", "127.0.0.2,"}) {
    cases.push_back(sent("a listed client: " + std::string(value), named("X-Forwarded-For: " + std::string(value) + "\r\n"))
                        .stores()
                        .sent_from(balancer));
  }
  for (const char* value : {"203.0.113.9", "127.0.0.2, 203.0.113.9", "127.0.0.2, 203.0.113.9, 127.0.0.3", "127.0.0.2, unknown", "unknown",
                            "2001:db8::1", "127.0.0.2 203.0.113.9", "0177.0.0.2", "2130706434", "localhost", ""}) {
    cases.push_back(sent("no listed client: " + std::string(value), named("X-Forwarded-For: " + std::string(value) + "\r\n"))
                        .gets({403})
                        .sent_from(balancer));
  }
  cases.push_back(sent("two headers, the last names a stranger", named("X-Forwarded-For: 127.0.0.2\r\nX-Forwarded-For: 203.0.113.9\r\n"))
                      .gets({403})
                      .sent_from(balancer));
  cases.push_back(
      sent("two headers, the last names a listed client", named("X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-For: 127.0.0.2\r\n"))
          .stores()
          .sent_from(balancer));
  for (const char* name : {"X-Real-IP", "Forwarded: for", "X-Client-IP"}) {
    cases.push_back(sent(std::string(name) + " names a listed client",
                         named(std::string(name) + (std::strchr(name, ':') != nullptr ? "=" : ": ") + "127.0.0.2\r\n"))
                        .gets({403})
                        .sent_from(balancer));
  }
  for (Case& one : cases) one.not_direct = no_balancer;
  return {"behind_a_balancer", std::move(cases)};
}

}  // namespace hookfleet::front_door
