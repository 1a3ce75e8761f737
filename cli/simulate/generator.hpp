#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "cli/simulate/random.hpp"
#include "cli/simulate/token.hpp"

namespace hookfleet::simulate {

/// What a simulated notification is to the fleet.
enum class Kind : std::uint8_t {
  kPlain,      ///< a documented one, with ids, time and chat of its own
  kRepeat,     ///< the bytes of one before it: the fleet drops it
  kChanged,    ///< one before it with another byte: same identity, other content
  kUnknown,    ///< of a typeWebhook that nobody has described
  kInvalid,    ///< JSON that breaks its type's schema
  kMalformed,  ///< cut off: no JSON
};
inline constexpr std::size_t kKinds = 6;
std::string_view to_text(Kind kind);
/// A notification that is to become a dead letter by the shipped settings.
constexpr bool is_broken(Kind kind) { return kind == Kind::kInvalid || kind == Kind::kMalformed; }

/// Makes the notifications of many instances from the documented bodies (samples.hpp). What an instance sends is a matter of the seed, of
/// its number and of how often it was asked, never of time or of the other instances; only `timestamp` is the time given.
///
/// Every notification has a Token. `timestamp` is the present second; where it is the identity (states, blocks) at least one more than the
/// last one's of the instance. idMessage is new for each, from the token.
/// Pure. Threads: one.
class Generator {
 public:
  struct Options {
    std::uint64_t seed = 1;  ///< also names the run: the same seed makes the same ids, which a fleet knows as repeats for 25 h
    std::uint64_t first_instance = 1'101'000'001;
    unsigned instances = 10;
    unsigned chats = 5;  ///< of an instance, each private, a group … as its example is
    /// Which examples, by weight: a typeWebhook, a typeMessage or a path below samples/ without ".json". Empty: all alike.
    std::vector<std::pair<std::string, unsigned>> types = {};
    // Shares, 0 … 1. Of the rest a notification is plain.
    double repeats = 0;
    double changed = 0;
    double unknown = 0;
    double invalid = 0;
    double malformed = 0;
    double big = 0;        ///< of those that aren't malformed: a text of big_bytes
    double non_ascii = 0;  ///< … a text of other scripts and emoji
    std::size_t big_bytes = 256UL << 10;
  };

  struct Made {
    Token token;
    Kind kind = Kind::kPlain;
    std::string_view sample;  ///< its path
    std::string body;
  };

  /// The error names what `types` has that there is no example of. Sums of shares above 1 are the caller's to refuse.
  static tl::expected<Generator, std::string> make(const Options& options);

  unsigned instances() const { return static_cast<unsigned>(instances_.size()); }
  std::uint64_t id_of(unsigned instance) const { return options_.first_instance + instance; }
  std::uint32_t run() const { return run_; }
  /// The chat that a token's number stands for; empty: none.
  std::string chat_of(std::uint64_t id_instance, std::uint32_t chat) const;
  /// The idMessage of those with this token that have one.
  static std::string id_message(const Token& token);

  /// The next one of an instance, 0 … instances() - 1.
  Made next(unsigned instance, std::int64_t unix_seconds);

 private:
  /// Where something of ours comes into a sample.
  enum class Slot : std::uint8_t { kNone, kToken, kType, kInstance, kTimestamp, kIdMessage, kChat, kText };
  struct Piece {
    std::string text;  // in front of the slot
    Slot slot;
  };
  struct Template {
    std::string_view path, type;
    bool of_a_chat = false;
    bool call = false;        // its chat is in `from`, which is read as such in calls only
    std::string chat_domain;  // "@c.us", "@g.us", "@lid"; empty: its chats are numbers
    std::string chat_device;  // ":12"
    bool timed = false;       // timestamp is what tells it from others
    std::vector<Piece> plain, invalid;
    std::string type_message;
    std::string text;  // of its text slot, as JSON; empty: it has none
  };
  /// All that a body is made of, so that it can be made again.
  struct Recipe {
    std::size_t from = 0;  // its template
    Token token;
    Kind kind = Kind::kPlain;
    std::string chat;
    std::int64_t timestamp = 0;
    unsigned unknown = 0;       // number of the unknown type
    std::uint64_t cut = 0;      // malformed: where, by a number of any size
    std::uint64_t edition = 0;  // changed: which version
    bool big = false, non_ascii = false;
  };
  struct Chat {
    std::uint32_t number;
    std::uint64_t sent = 0;
  };
  struct Instance {
    Random random;
    std::map<std::string, Chat> chats = {};
    std::vector<std::string> names = {};  // of chats, by number
    std::deque<Recipe> last = {};         // that may be repeated
    std::int64_t last_timed = 0;
  };

  explicit Generator(const Options& options);
  static Template compile(std::string_view path, std::string_view text);
  static const std::vector<Template>& all_templates();
  static bool is_named(const Template& from, std::string_view name);
  void append_text(std::string& body, const Recipe& recipe) const;
  std::string build(const Recipe& recipe) const;

  Options options_;
  std::uint32_t run_ = 0;
  std::vector<Template> templates_;   // those with a weight
  std::vector<std::uint64_t> up_to_;  // sums of weights
  std::vector<Instance> instances_;
};

}  // namespace hookfleet::simulate
