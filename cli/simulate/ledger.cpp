#include "cli/simulate/ledger.hpp"

namespace hookfleet::simulate {
namespace {

constexpr std::uint8_t kAcknowledged = 1, kReceived = 2, kDead = 4, kOfNoOrder = 8, kSent = 16;

bool is_missing(std::uint8_t marks) { return (marks & kAcknowledged) != 0 && (marks & (kReceived | kDead)) == 0; }

}  // namespace

void Ledger::change(std::uint8_t& marks, std::uint8_t with) {
  missing_ -= is_missing(marks) ? 1U : 0U;
  marks |= with;
  missing_ += is_missing(marks) ? 1U : 0U;
}

void Ledger::sent(const Token& token, Kind kind) {
  std::vector<std::uint8_t>& marks = chats_[{token.instance, token.chat}].marks;
  if (marks.size() <= token.sequence) marks.resize(token.sequence + 1);
  marks[token.sequence] |= kSent;
  if (is_broken(kind)) marks[token.sequence] |= kOfNoOrder;
  ++sent_;
}

/// Null: nothing that we have sent.
std::uint8_t* Ledger::marks_of(const Token& token) {
  const auto chat = chats_.find({token.instance, token.chat});
  if (token.run != run_ || chat == chats_.end() || token.sequence >= chat->second.marks.size()) return nullptr;
  std::uint8_t& marks = chat->second.marks[token.sequence];
  return (marks & kSent) != 0 ? &marks : nullptr;
}

void Ledger::acknowledged(const Token& token) {
  std::uint8_t* marks = marks_of(token);
  if (marks == nullptr || (*marks & kAcknowledged) != 0) return;
  ++acknowledged_;
  change(*marks, kAcknowledged);
}

void Ledger::received(const Token& token) {
  std::uint8_t* marks = marks_of(token);
  if (marks == nullptr) {
    ++foreign_;
    return;
  }
  if ((*marks & kReceived) != 0) {
    ++again_;
    return;
  }
  ++received_;
  change(*marks, kReceived);
  if ((*marks & kOfNoOrder) != 0) return;
  std::uint64_t& next = chats_.at({token.instance, token.chat}).next;
  if (token.sequence >= next) {
    next = token.sequence + 1;
    return;
  }
  ++out_of_order_;
  if (overtaken_.size() < kListMax) overtaken_.push_back({token, next - 1});
}

void Ledger::dead(const Token& token) {
  std::uint8_t* marks = marks_of(token);
  if (marks == nullptr || (*marks & kDead) != 0) return;
  ++dead_;
  change(*marks, kDead);
}

Ledger::Verdict Ledger::verdict() const {
  Verdict verdict{.sent = sent_,
                  .acknowledged = acknowledged_,
                  .received = received_,
                  .dead = dead_,
                  .received_again = again_,
                  .foreign = foreign_,
                  .lost = missing_,
                  .out_of_order = out_of_order_};
  verdict.out_of_order_first = overtaken_;
  for (const auto& [key, chat] : chats_) {
    for (std::size_t i = 0; i < chat.marks.size() && verdict.lost_first.size() < kListMax; ++i) {
      if (is_missing(chat.marks[i])) verdict.lost_first.push_back({run_, key.first, key.second, i});
    }
  }
  return verdict;
}

}  // namespace hookfleet::simulate
