// How a request says where it ends: Content-Length, chunks, both, several requests on one connection.
#include "tests/e2e/front_door/cases.hpp"

namespace hookfleet::front_door {

using namespace support::front_door;

namespace {

const std::string reserves = "medium: the library reserves at once what is announced";

// kBody with this value of Content-Length.
std::string with_length(const std::string& value) { return kPost + "Content-Length: " + value + "\r\n\r\n" + kBody; }
std::string with_chunks(const std::string& chunks, const std::string& headers = kTe) { return kPost + headers + "\r\n" + chunks; }

}  // namespace

Group framing() {
  const std::string n = std::to_string(kBody.size());
  return {
      "framing",
      {
          sent("Content-Length", post()).stores(),
          sent("Content-Length: 0", post("")).stores(""),
          sent("neither length nor chunks", kPost + "\r\n").stores(""),
          sent("leading zeros in the length", with_length("000" + n)).stores(),
          sent("blanks around the length", with_length("  " + n + "  ")).stores(),
          sent("tab before the length", with_length("\t" + n)).gets({400}).directly_stores(),
          sent("plus sign", with_length("+" + n)).gets({400}).directly_stores(),
          sent("negative length", with_length("-5")).gets({400}).directly_gets({500}),
          sent("hexadecimal length", with_length("0x10")).gets({400}).directly_stores(""),
          sent("length with letters behind", with_length(n + "abc")).gets({400}).directly_stores(),
          sent("letters as length", with_length("abc")).gets({400}).directly_stores(""),
          sent("empty length", with_length("")).gets({400}).directly_stores(""),
          sent("fraction as length", with_length(n + ".0")).gets({400}).directly_stores(),
          sent("exponent as length", with_length("1e2")).gets({400}).directly_stores(kBody.substr(0, 1)),
          sent("blank inside the length", with_length("6 7")).gets({400}).directly_stores(kBody.substr(0, 6)),
          sent("list of equal lengths", with_length(n + ", " + n)).gets({400}).directly_stores(),
          sent("list of different lengths", with_length("3, " + n)).gets({400}).directly_stores(kBody.substr(0, 3)),
          sent("length in quotes", with_length("\"" + n + "\"")).gets({400}).directly_stores(""),
          sent("digits of another alphabet", with_length("\xd9\xa6\xd9\xa7")).gets({400}).directly_stores(""),
          sent("length beyond 64 bits", with_length("18446744073709551616")).gets({400}).directly_gets({500}),
          sent("greatest signed length", with_length("9223372036854775807")).gets({413}).directly_gets({500}),
          sent("length of a terabyte", with_length("1000000000000")).gets({413}).never_directly(reserves),
          sent("two equal lengths", kPost + length_of(kBody) + length_of(kBody) + "\r\n" + kBody).gets({400}).directly_stores(),
          sent("two different lengths", kPost + "Content-Length: 3\r\n" + length_of(kBody) + "\r\n" + kBody)
              .gets({400})
              .directly_stores(kBody.substr(0, 3)),
          sent("the same with the greater first", kPost + length_of(kBody) + "Content-Length: 3\r\n\r\n" + kBody)
              .gets({400})
              .directly_stores(),
          sent("length in capitals", kPost + "CONTENT-LENGTH: " + n + "\r\n\r\n" + kBody).stores(),
          sent("length without a blank", kPost + "Content-Length:" + n + "\r\n\r\n" + kBody).stores(),
          sent("Content_Length for Content-Length", kPost + "Content_Length: " + n + "\r\n\r\n").stores(""),
          sent("a request line that ends with LF", "POST /webhook HTTP/1.1\n" + kHost + kAuth + length_of(kBody) + "\r\n" + kBody)
              .stores()
              .directly_gets({400}),
          sent("lines that end with LF",
               "POST /webhook HTTP/1.1\nHost: door\nAuthorization: Bearer " + kToken + "\nContent-Length: " + n + "\n\n" + kBody)
              .stores()
              .directly_silent(),
          sent("an empty line before the request", "\r\n" + post()).stores().directly_gets({400}),
          sent("LF before the request", "\n" + post()).stores().directly_gets({400}),
          sent("CR as line end", "POST /webhook HTTP/1.1\rHost: door\r\r").gets({400}).directly_silent(),
          sent("CR CR LF as line end", "POST /webhook HTTP/1.1\r\r\n" + kHost + kAuth + length_of(kBody) + "\r\n" + kBody)
              .gets({400})
              .directly_gets({400}),
          sent("a body that is shorter than its length, then the end",
               {send(kPost + "Content-Length: 100\r\n\r\n" + kBody), taken(), ask_others(), half_close()})
              .demands({.answers = {{}, {400}}, .stored = {}}),
          sent("HTTP/1.0 with a length", request("POST /webhook HTTP/1.0", kHost + kAuth, kBody)).stores(),
          sent("HTTP/1.0 without Host", request("POST /webhook HTTP/1.0", kAuth, kBody)).stores(),
          sent("HTTP/1.0 with keep-alive", request("POST /webhook HTTP/1.0", kHost + kAuth + "Connection: keep-alive\r\n", kBody)).stores(),
          sent("HTTP/1.2", request("POST /webhook HTTP/1.2", kHost + kAuth, kBody)).stores().directly_gets({400}),
          sent("HTTP/2.0 in the request line", request("POST /webhook HTTP/2.0", kHost + kAuth, kBody)).gets({505}).directly_gets({400}),
          sent("HTTP/0.9", "POST /webhook\r\n").demands({.answers = {{}}, .stored = {}}).answered_barely().directly_silent(),
          sent("HTTP/1. without a minor version", request("POST /webhook HTTP/1.", kHost + kAuth, kBody)).gets({400}).directly_stores(),
          sent("HTTP/11.1", request("POST /webhook HTTP/11.1", kHost + kAuth, kBody)).gets({505, 400}).directly_gets({400}),
          sent("HTTP/1.1x", request("POST /webhook HTTP/1.1x", kHost + kAuth, kBody)).gets({400}),
          sent("http/1.1 in small letters", request("POST /webhook http/1.1", kHost + kAuth, kBody)).gets({400}),
          sent("no version at all", request("POST /webhook ", kHost + kAuth, kBody)).gets({0}).directly_stores().answered_barely(),
          sent("HTTP / 1.1 with blanks", request("POST /webhook HTTP / 1.1", kHost + kAuth, kBody)).gets({400}),
          sent("the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").gets({400}),
          sent("a TLS hello", std::string("\x16\x03\x01\x00\x2e\x01\x00\x00\x2a\x03\x03", 11) + std::string(36, 'r') + "\r\n\r\n")
              .gets({400})
              .directly_silent(),
          sent("zero bytes", std::string(64, '\0') + "\r\n\r\n").gets({400}).directly_silent(),
          sent("all byte values",
               [] {
                 std::string bytes;
                 for (int i = 255; i >= 0; --i) bytes += static_cast<char>(i);
                 return bytes + "\r\n\r\n";
               }())
              .gets({400}),
          sent("a Redis command", "*1\r\n$8\r\nFLUSHALL\r\n").gets({400}).directly_silent(),
          sent("a response for a request", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").gets({400}),
      }};
}

Group chunked_bodies() {
  const std::string hazard1 = "1: a chunk's end in two reads spins the library's thread for ever";
  std::string one_by_one;
  for (const char c : kBody) one_by_one += chunk(std::string(1, c));
  return {
      "chunked",
      {
          sent("one chunk", with_chunks(chunked(kBody))).stores(),
          sent("only the last chunk", with_chunks("0\r\n\r\n")).stores(""),
          sent("a chunk for each byte", with_chunks(one_by_one + "0\r\n\r\n")).stores(),
          sent("leading zeros in a size", with_chunks("0000" + chunked(kBody))).stores(),
          sent("a size in capitals and small letters", with_chunks("A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n"))
              .stores("01234567890123456789"),
          sent("chunked in capitals", with_chunks(chunked(kBody), "Transfer-Encoding: CHUNKED\r\n")).stores(),
          sent("a last chunk of many zeros", with_chunks(chunk(kBody) + "00000\r\n\r\n")).stores(),
          sent("an extension", with_chunks("5;name=value\r\nhello\r\n0\r\n\r\n")).stores("hello").directly_gets({400}),
          sent("an extension with a quoted value", with_chunks("5;a=\"b\"\r\nhello\r\n0;last\r\n\r\n"))
              .stores("hello")
              .directly_gets({400}),
          sent("a blank before the extension", with_chunks("5 ;a\r\nhello\r\n0\r\n\r\n")).stores("hello").directly_gets({400}),
          sent("a trailer", with_chunks(chunk(kBody) + "0\r\nX-Trailer: t\r\n\r\n")).stores().never_directly(hazard1),
          sent("a token in a trailer only", "POST /webhook HTTP/1.1\r\n" + kHost + kTe + "\r\n" + chunk(kBody) + "0\r\n" + kAuth + "\r\n")
              .gets({401})
              .never_directly(hazard1),
          sent("a length in a trailer", with_chunks(chunk(kBody) + "0\r\nContent-Length: 3\r\n\r\n")).stores().never_directly(hazard1),
          sent("a chunk's end in two reads", {send(with_chunks("5\r\nhello\r")), taken(), send("\n6\r\n world\r\n0\r\n\r\n")})
              .stores("hello world")
              .never_directly(hazard1),
          sent("every byte of the chunks in a read of its own",
               [] {
                 auto steps = dripped(chunk("hello") + chunked(" world"));
                 steps.insert(steps.begin(), {send(with_chunks("")), taken()});
                 return steps;
               }())
              .stores("hello world")
              .never_directly(hazard1),
          sent("a size in two reads", {send(with_chunks("1")), taken(), send("0\r\n0123456789abcdef\r\n0\r\n\r\n")})
              .stores("0123456789abcdef")
              .never_directly(hazard1),
          sent("the last line end later, and one more request behind it",
               {send(with_chunks(chunk(kBody) + "0\r\n")), taken(), send("\r\n" + post("second"))})
              .demands({.answers = {{200, 200}}, .stored = {kBody, "second"}})
              .never_directly(hazard1),
          sent("no size", with_chunks("\r\nhello\r\n0\r\n\r\n")).gets({400}).directly_stores(""),
          sent("a size that is no number", with_chunks("g\r\nhello\r\n0\r\n\r\n")).gets({400}),
          sent("0x before a size", with_chunks("0x5\r\nhello\r\n0\r\n\r\n")).gets({400}).directly_stores("hello"),
          sent("a plus sign before a size", with_chunks("+5\r\nhello\r\n0\r\n\r\n")).gets({400}).directly_stores("hello"),
          sent("a negative size", with_chunks("-5\r\nhello\r\n0\r\n\r\n")).gets({400}),
          sent("a blank before a size", with_chunks(" 5\r\nhello\r\n0\r\n\r\n")).gets({400}).directly_stores("hello"),
          sent("a size beyond 64 bits", with_chunks("10000000000000005\r\nhello\r\n0\r\n\r\n")).gets({400}),
          sent("the greatest size", with_chunks("ffffffffffffffff\r\nhello\r\n0\r\n\r\n")).gets({400, 413}),
          sent("a size just below the sign bit", with_chunks("7fffffffffffffff\r\nhello\r\n0\r\n\r\n")).gets({413, 400}),
          sent("a size of a terabyte", with_chunks("e8d4a51000\r\nhello")).gets({413}).never_directly(reserves),
          sent("a chunk longer than its size", with_chunks("3\r\nhello\r\n0\r\n\r\n")).gets({400}).directly_stores("hel"),
          sent("a chunk shorter than its size", with_chunks("8\r\nhello\r\n0\r\n\r\nPOST")).gets({400}).directly_stores("hello\r\n0"),
          sent("no line end behind a chunk", with_chunks("5\r\nhello0\r\n\r\n")).gets({400}),
          sent("LF for CRLF between chunks", with_chunks("5\nhello\n0\n\n")).stores("hello").never_directly(hazard1),
          sent("CR for CRLF between chunks", with_chunks("5\rhello\r0\r\r")).gets({400}).never_directly(hazard1),
          sent("no last chunk, then the end", {send(with_chunks(chunk(kBody))), taken(), ask_others(), half_close()})
              .demands({.answers = {{}, {400}}, .stored = {}}),
          sent("a zero byte in a size", with_chunks(std::string("5\0\r\nhello\r\n0\r\n\r\n", 17))).gets({400}),
          sent("a thousand bytes of extension", with_chunks("5;" + std::string(1000, 'e') + "\r\nhello\r\n0\r\n\r\n"))
              .stores("hello")
              .directly_gets({400}),
      }};
}

Group smuggling() {
  const std::string both_hazard = "5: what the library refuses it may read on as a new request";
  const auto both = [](const std::string& te) { return kPost + "Content-Length: 6\r\n" + te + "\r\n0\r\n\r\nX" + smuggled(); };
  const auto coding = [](const std::string& te) { return kPost + te + "\r\n" + chunked(smuggled()); };
  // The body holds a whole request at each 4,096 bytes: Pistache reads that much at a time.
  const std::string at_each_read = [] {
    std::string body;
    while (body.size() < (5U << 20)) {
      std::string part = smuggled();
      part.resize(4096, ' ');
      body += part;
    }
    return body;
  }();
  std::vector<Case> cases{
      sent("CL.TE: the length ends before the smuggled request", both(kTe)).gets({400}),
      sent("TE.CL: the chunk holds a request, the length ends before it",
           kPost + "Content-Length: 4\r\n" + kTe + "\r\n" + chunk(smuggled()) + "0\r\n\r\n")
          .gets({400}),
      sent("TE before CL", kPost + kTe + "Content-Length: 6\r\n\r\n0\r\n\r\nX" + smuggled()).gets({400}),
      sent("CL: 0 and TE", kPost + "Content-Length: 0\r\n" + kTe + "\r\n" + chunked(kBody) + smuggled()).gets({400}),
      sent("TE and CL in HTTP/1.0", "POST /webhook HTTP/1.0\r\n" + kAuth + "Content-Length: 5\r\n" + kTe + "\r\n0\r\n\r\n" + smuggled())
          .gets({400}),
      sent("TE in HTTP/1.0", "POST /webhook HTTP/1.0\r\n" + kAuth + kTe + "\r\n0\r\n\r\n" + smuggled()).gets({400}).directly_stores(""),
  };
  struct Variant {
    std::string name, te;
    int status;  // nginx's for it; 200: it is chunked; 0: it is another header, and says nothing about the body
  };
  // Each is a coding for one reader and nothing for another.
  for (const Variant& variant : std::vector<Variant>{
           {"chunked and a blank behind", "Transfer-Encoding: chunked \r\n", 200},
           {"in a header's value behind LF", "X: y\nTransfer-Encoding: chunked\r\n", 200},
           {"xchunked", "Transfer-Encoding: xchunked\r\n", 501},
           {"tab after the colon", "Transfer-Encoding:\tchunked\r\n", 501},
           {"vertical tab before chunked",
            "Transfer-Encoding:\x0b"
            "chunked\r\n",
            501},
           {"form feed before chunked",
            "Transfer-Encoding:\x0c"
            "chunked\r\n",
            501},
           {"in quotes", "Transfer-Encoding: \"chunked\"\r\n", 501},
           {"chunked, identity", "Transfer-Encoding: chunked, identity\r\n", 501},
           {"identity, chunked", "Transfer-Encoding: identity, chunked\r\n", 501},
           {"gzip, chunked", "Transfer-Encoding: gzip, chunked\r\n", 501},
           {"chunked twice in one header", "Transfer-Encoding: chunked, chunked\r\n", 501},
           {"no value", "Transfer-Encoding:\r\n", 501},
           {"a comma before", "Transfer-Encoding: ,chunked\r\n", 501},
           {"a semicolon behind", "Transfer-Encoding: chunked;q=1\r\n", 501},
           {"blank before the colon", "Transfer-Encoding : chunked\r\n", 400},
           {"tab before the colon", "Transfer-Encoding\t: chunked\r\n", 400},
           {"blank before the name", " Transfer-Encoding: chunked\r\n", 400},
           {"folded behind another header", "X: y\r\n Transfer-Encoding: chunked\r\n", 400},
           {"the value on the next line", "Transfer-Encoding:\r\n chunked\r\n", 400},
           {"in a header's value behind CR", "X: y\rTransfer-Encoding: chunked\r\n", 400},
           {"two headers, the second wrong", "Transfer-Encoding: chunked\r\nTransfer-Encoding: cow\r\n", 400},
           {"two headers, the first wrong", "Transfer-Encoding: cow\r\nTransfer-Encoding: chunked\r\n", 400},
           {"two equal headers", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400},
           {"a zero byte behind", std::string("Transfer-Encoding: chunked\0\r\n", 29), 400},
           {"an underscore for the hyphen", "Transfer_Encoding: chunked\r\n", 0},
           {"a byte beyond ASCII in the name", "Transfer\xad-Encoding: chunked\r\n", 0},
           {"TE in place of Transfer-Encoding", "TE: chunked\r\n", 0},
       }) {
    auto with_length = sent("CL with TE: " + variant.name, both(variant.te)).never_directly(both_hazard);
    auto alone = sent("TE: " + variant.name, coding(variant.te)).never_directly(both_hazard);
    if (variant.status == 200) {
      cases.push_back(std::move(with_length).gets({400}));
      cases.push_back(std::move(alone).stores(smuggled()));
    } else if (variant.status == 0) {
      // The length counts, and what follows is a request of its own.
      cases.push_back(std::move(with_length).demands({.answers = {{200, 200}}, .stored = {"0\r\n\r\nX", kSmuggled}}));
      cases.push_back(std::move(alone).demands({.answers = {{200, 400}}, .stored = {""}}));
    } else {
      cases.push_back(std::move(with_length).gets({variant.status}));
      cases.push_back(std::move(alone).gets({variant.status}));
    }
  }
  const auto more = [&](Case one) { cases.push_back(std::move(one)); };
  more(sent("two lengths, the request behind the smaller",
            kPost + "Content-Length: 1\r\n" + length_of("x" + smuggled()) + "\r\nx" + smuggled())
           .gets({400})
           .directly_stores("x"));
  more(sent("a request in the body is body", post(smuggled())).stores(smuggled()));
  more(sent("a request in a chunk is body", kPost + kTe + "\r\n" + chunked(smuggled())).stores(smuggled()));
  more(sent("a request in the body of a refused one",
            request("POST /webhook HTTP/1.1", kHost + "Authorization: Bearer wrong\r\n", smuggled()))
           .gets({401}));
  more(sent("a request in the body of a GET", request("GET /webhook HTTP/1.1", kHost + kAuth, smuggled())).gets({405}));
  more(sent("a request in the body of a GET that is chunked", "GET /healthz HTTP/1.1\r\n" + kHost + kTe + "\r\n" + chunked(smuggled()))
           .gets({200}));
  more(sent("a request in the body for an unknown path", post(smuggled(), {}, "/elsewhere")).gets({404}));
  more(sent("a request in the body of TRACE", request("TRACE /webhook HTTP/1.1", kHost + kAuth, smuggled())).gets({405}));
  more(sent("a request in the body of a HEAD", request("HEAD /healthz HTTP/1.1", kHost, smuggled()))
           .gets({405})
           .directly_gets({200})
           .without_bodies());
  more(sent("requests at each 4,096 bytes of a body over the limit", post(at_each_read))
           .gets({413})
           .never_directly("5: after its own 413 the library reads the rest as requests"));
  more(sent("requests at each 4,096 bytes of a chunked body over the limit", kPost + kTe + "\r\n" + chunked(at_each_read))
           .gets({413})
           .never_directly("5: after its own 413 the library reads the rest as requests"));
  more(sent("a request behind a length over the limit", kPost + "Content-Length: 5000000\r\n\r\n" + smuggled())
           .gets({413})
           .never_directly("5: after its own 413 the library reads the rest as requests"));
  more(sent("Upgrade to h2c with a request behind",
            kPost + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n" +
                length_of(kBody) + "\r\n" + kBody + "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
           .demands({.answers = {{200, 400}}, .stored = {kBody}})
           .directly_stores());
  more(sent("Upgrade to WebSocket with a request behind", "GET /webhook HTTP/1.1\r\n" + kHost + kAuth +
                                                              "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: "
                                                              "13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
           .gets({405}));
  more(sent("CONNECT with a request behind", "CONNECT 127.0.0.1:6379 HTTP/1.1\r\n" + kHost + "\r\n" + smuggled())
           .gets({400})
           .directly_gets({404}));
  more(sent("a request line with a request in it",
            "POST /webhook HTTP/1.1\r\nX: POST /webhook HTTP/1.1\r\n" + kHost + length_of("") + "\r\n")
           .gets({401}));
  more(sent("CRLF in the target, encoded",
            "POST /webhook?x=%0d%0aAuthorization:%20Bearer%20" + kToken + " HTTP/1.1\r\n" + kHost + "Content-Length: 0\r\n\r\n")
           .gets({401}));
  more(sent("a header of another in the token",
            "POST /webhook HTTP/1.1\r\n" + kHost + "Authorization: x\rAuthorization: Bearer " + kToken + "\r\nContent-Length: 0\r\n\r\n")
           .gets({400})
           .directly_gets({401}));
  return {"smuggling", std::move(cases)};
}

Group pipelining() {
  const std::string hazard = "medium: of requests in one packet the library drops the second";
  const std::string wrong = request("POST /webhook HTTP/1.1", kHost + "Authorization: Bearer wrong\r\n", "w");
  std::string many;
  Demand all_of_many{.answers = {{}}, .stored = {}};
  for (int i = 0; i < 50; ++i) {
    many += post(std::to_string(100 + i));
    all_of_many.answers[0].push_back(200);
    all_of_many.stored.push_back(std::to_string(100 + i));
  }
  return {
      "pipelining",
      {
          sent("two at once", post("1") + post("2")).demands({.answers = {{200, 200}}, .stored = {"1", "2"}}).never_directly(hazard),
          sent("fifty at once", many).demands(all_of_many).never_directly(hazard),
          sent("two, one after the other", {send(post("1")), answers(1), send(post("2"))})
              .demands({.answers = {{200, 200}}, .stored = {"1", "2"}}),
          sent("the second while the first is answered", {send(post("1")), taken(), send(post("2"))})
              .demands({.answers = {{200, 200}}, .stored = {"1", "2"}})
              .never_directly(hazard),
          sent("a refused one between two good", post("1") + wrong + post("2"))
              .demands({.answers = {{200, 401, 200}}, .stored = {"1", "2"}})
              .never_directly(hazard),
          sent("GET, POST, GET", "GET /healthz HTTP/1.1\r\n" + kHost + "\r\n" + post() + "GET /nothing HTTP/1.1\r\n" + kHost + "\r\n")
              .demands({.answers = {{200, 200, 404}}, .stored = {kBody}})
              .never_directly(hazard),
          sent("the token of the first doesn't hold for the second", post() + request("POST /webhook HTTP/1.1", kHost, kSmuggled))
              .demands({.answers = {{200, 401}}, .stored = {kBody}})
              .never_directly(hazard),
          sent("Connection: close, then one more", post(kBody, "Connection: close\r\n") + smuggled()).stores().never_directly(hazard),
          sent("HTTP/1.0, then one more", request("POST /webhook HTTP/1.0", kHost + kAuth, kBody) + smuggled())
              .stores()
              .never_directly(hazard),
          sent("garbage behind a request", post() + "garbage\r\n\r\n")
              .demands({.answers = {{200, 400}}, .stored = {kBody}})
              .never_directly(hazard),
          sent("a broken request, then a good one", "POST /webhook HTTP/1.1\r\n" + kHost + "Content-Length: x\r\n\r\n" + smuggled())
              .gets({400})
              .never_directly(hazard),
          sent("half of the second, the rest later", {send(post("1") + post("2").substr(0, 30)), answers(1), send(post("2").substr(30))})
              .demands({.answers = {{200, 200}}, .stored = {"1", "2"}})
              .never_directly(hazard),
          sent("chunked ones", kPost + kTe + "\r\n" + chunked("1") + kPost + kTe + "\r\n" + chunked("2"))
              .demands({.answers = {{200, 200}}, .stored = {"1", "2"}})
              .never_directly(hazard),
          sent("CRLFs between requests", post("1") + "\r\n\r\n" + post("2"))
              .demands({.answers = {{200, 200}}, .stored = {"1", "2"}})
              .never_directly(hazard),
          sent("an unknown method, then a good one", {send(request("BREW /webhook HTTP/1.1", kHost, "")), answers(1), send(post())})
              .demands({.answers = {{405, 200}}, .stored = {kBody}})
              .directly({.answers = {{400, 200}, {400}}, .stored = {kBody}}),
          sent("200 requests, one after the other",
               [] {
                 std::vector<Step> steps;
                 for (std::size_t i = 1; i <= 200; ++i) {
                   steps.push_back(send(request("POST /webhook HTTP/1.1", kHost, "x")));
                   steps.push_back(answers(i));
                 }
                 return steps;
               }())
              .demands({.answers = {std::vector<int>(200, 401)}, .stored = {}}),
      }};
}

}  // namespace hookfleet::front_door
