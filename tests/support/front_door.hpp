#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/support/fleet.hpp"
#include "tests/support/raw_client.hpp"

/// What is thrown at the webhook port byte by byte, and what has to come of it: a table of cases, and the one way to run them.
namespace hookfleet::support::front_door {

/// The token of every fleet that cases are run against.
inline const std::string kToken = "e2e-token";
/// Bytes of a small authentic notification, of one that must never get in, and of the good request that follows each case.
inline const std::string kBody = R"({"typeWebhook":"frontDoor","instanceData":{"idInstance":7},"n":1})";
inline const std::string kSmuggled = R"({"typeWebhook":"smuggled","instanceData":{"idInstance":7}})";
inline const std::string kGood = R"({"typeWebhook":"goodRequest","instanceData":{"idInstance":7}})";

inline const std::string kHost = "Host: door\r\n";
inline const std::string kAuth = "Authorization: Bearer " + kToken + "\r\n";
/// An authentic request up to the line where headers of the case's own begin; it still needs its length and the empty line.
inline const std::string kPost = "POST /webhook HTTP/1.1\r\n" + kHost + kAuth;

/// `Content-Length: N` and line end.
std::string length_of(std::string_view body);
/// The header of a chunked body.
inline const std::string kTe = "Transfer-Encoding: chunked\r\n";

/// A whole authentic request; `headers` are whole lines.
std::string post(const std::string& body = kBody, const std::string& headers = {}, const std::string& target = "/webhook");
/// A whole request with exactly these lines before its body (of the right length).
std::string request(const std::string& line, const std::string& headers, const std::string& body = {});
/// `text` as one chunk with the chunk that ends the body.
std::string chunked(const std::string& text);
/// A chunk.
std::string chunk(const std::string& text);
/// The request that must never be executed: authentic, with the body kSmuggled.
std::string smuggled();

struct Step {
  enum class Kind {
    kSend,
    kTaken,      ///< until the server has read all that was sent
    kAnswers,    ///< until `count` answers have come in all
    kAskOthers,  ///< a good request on another connection is answered meanwhile
    kHalfClose,
    kReset,
    kClosed,  ///< until the server has closed
  };
  Kind kind;
  std::string bytes = {};
  std::size_t count = 0;
};
Step send(std::string bytes);
Step taken();
Step answers(std::size_t count);
Step ask_others();
Step half_close();
Step reset();
Step until_closed();
/// The bytes one by one, each read by the server before the next is sent.
std::vector<Step> dripped(std::string_view bytes);

struct Demand {
  /// Any of these sequences of answers, 1xx too, and nothing else on that connection; an empty one: closed without a word.
  std::vector<std::vector<int>> answers;
  std::vector<std::string> stored;  ///< bodies of what is stored of it: exactly these, byte for byte
  bool silent = false;              ///< the server says nothing and keeps the connection for as long as we look
};

/// One case. Made by sent() and completed by its members.
struct Case {
  std::string name;  ///< what is sent
  std::vector<Step> steps;
  Demand nginx;                    ///< through nginx
  std::optional<Demand> direct;    ///< to the ingress's own port, where it differs
  std::string not_direct;          ///< why it must not be tried there: the hazard (docs/reliability.md)
  std::string from = "127.0.0.1";  ///< the client's address
  bool head = false;               ///< answers have no bodies
  bool bare = false;               ///< what comes has no HTTP/1.x around it

  /// Refused with one of these, or closed without a word (0); nothing is stored.
  Case gets(std::vector<int> any_of) &&;
  /// 200, and exactly `body` is stored.
  Case stores(const std::string& body = kBody) &&;
  /// Anything else.
  Case demands(Demand demand) &&;
  Case directly(Demand demand) &&;
  Case directly_gets(std::vector<int> any_of) &&;
  Case directly_stores(const std::string& body = kBody) &&;
  Case directly_silent() &&;
  Case never_directly(std::string hazard) &&;
  Case sent_from(std::string address) &&;
  Case without_bodies() &&;
  Case answered_barely() &&;
};
Case sent(std::string name, std::string bytes);
Case sent(std::string name, std::vector<Step> steps);

struct Group {
  std::string name;  ///< for the name of a test
  std::vector<Case> cases;
};

/// Where cases are sent: a fleet without workers, so that what is stored stays in the streams.
struct Door {
  Fleet& fleet;
  int port;                              ///< nginx's or an ingress's
  bool direct;                           ///< the latter
  std::chrono::milliseconds slowest{0};  ///< of the good requests so far
};

/// Runs one case and adds a failure for everything that isn't as demanded. Afterwards a good request on a new connection has to get its 200
/// within a second. A machine that is busy is late too, but not each time: a case that was late is run again, and is too late when it is
/// three times running; without an answer after 20 s it fails at once.
void run(Door& door, const Case& one);

/// All bodies in the fleet's streams, sorted; they are taken out.
std::vector<std::string> take_stored(Fleet& fleet);

}  // namespace hookfleet::support::front_door
