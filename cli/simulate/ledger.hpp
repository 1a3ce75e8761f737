#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "cli/simulate/generator.hpp"
#include "cli/simulate/token.hpp"

namespace hookfleet::simulate {

/// What was acknowledged to the sender, held against what the receiver got and what lies in the dead letters: was anything lost, was the
/// order of a chat kept? Some bytes a notification.
///
/// Of one chat a notification is out of order when a later one was received for the first time before it was. What comes again is a repeat,
/// whenever it comes: forwards are at least once. Broken ones (Kind) are no matter of order: a malformed one has no chat, and a redriven
/// one comes when it comes. Pure. Threads: one.
class Ledger {
 public:
  /// Tokens of other runs are foreign.
  explicit Ledger(std::uint32_t run) : run_(run) {}

  /// It is sent for the first time; a repeat or a changed one has its token and isn't told again.
  void sent(const Token& token, Kind kind);
  void acknowledged(const Token& token);
  /// The receiver got it.
  void received(const Token& token);
  /// It lies in the dead letters. Told of the same one as often as one likes.
  void dead(const Token& token);
  /// The receiver got something without a token.
  void foreign() { ++foreign_; }

  struct Verdict {
    std::uint64_t sent = 0;
    std::uint64_t acknowledged = 0;
    std::uint64_t received = 0;  ///< of all sent, at least once
    std::uint64_t dead = 0;
    std::uint64_t received_again = 0;
    std::uint64_t foreign = 0;
    std::uint64_t lost = 0;  ///< acknowledged, and neither received nor dead
    std::uint64_t out_of_order = 0;
    std::vector<Token> lost_first{};  ///< at most kListMax, by instance, chat and sequence
    struct Overtaken {
      Token token;
      std::uint64_t by = 0;  ///< the sequence of one that was received before
    };
    std::vector<Overtaken> out_of_order_first{};  ///< at most kListMax, as they came

    bool kept() const { return lost == 0 && out_of_order == 0; }
  };
  static constexpr std::size_t kListMax = 20;
  Verdict verdict() const;
  /// Acknowledged, and neither received nor dead so far.
  std::uint64_t missing() const { return missing_; }
  std::uint64_t received_count() const { return received_; }

 private:
  struct Chat {
    std::vector<std::uint8_t> marks;  // by sequence
    std::uint64_t next = 0;           // one more than the highest sequence received
  };
  std::uint8_t* marks_of(const Token& token);
  void change(std::uint8_t& marks, std::uint8_t with);

  const std::uint32_t run_;
  std::map<std::pair<std::uint64_t, std::uint32_t>, Chat> chats_;  // by instance and chat
  std::uint64_t sent_ = 0, acknowledged_ = 0, received_ = 0, dead_ = 0, again_ = 0, foreign_ = 0, missing_ = 0, out_of_order_ = 0;
  std::vector<Verdict::Overtaken> overtaken_;
};

}  // namespace hookfleet::simulate
