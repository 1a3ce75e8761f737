#include "common/redis/reply.hpp"

#include <array>
#include <charconv>
#include <utility>

#include "common/redis/node.hpp"
#include "common/redis/parser.hpp"

namespace hookfleet::redis {
namespace {

constexpr Node kNil{Node::Type::kNil, 0, {0}};

constexpr std::array<std::pair<std::string_view, ReplyError>, 17> kWords{{
    {"OOM", ReplyError::kOom},
    {"MISCONF", ReplyError::kMisconf},
    {"READONLY", ReplyError::kReadonly},
    {"NOREPLICAS", ReplyError::kNoReplicas},
    {"LOADING", ReplyError::kLoading},
    {"MASTERDOWN", ReplyError::kMasterDown},
    {"BUSY", ReplyError::kBusy},
    {"NOSCRIPT", ReplyError::kNoScript},
    {"NOAUTH", ReplyError::kNoAuth},
    {"NOPERM", ReplyError::kNoPerm},
    {"WRONGPASS", ReplyError::kWrongPass},
    {"WRONGTYPE", ReplyError::kWrongType},
    {"UNBLOCKED", ReplyError::kUnblocked},
    {"MOVED", ReplyError::kMoved},
    {"ASK", ReplyError::kAsk},
    {"TRYAGAIN", ReplyError::kTryAgain},
    {"CLUSTERDOWN", ReplyError::kClusterDown},
}};

}  // namespace

bool ReplyView::is_nil() const { return node_->type == Node::Type::kNil; }
bool ReplyView::is_integer() const { return node_->type == Node::Type::kInteger; }
bool ReplyView::is_text() const { return node_->type == Node::Type::kBulk || node_->type == Node::Type::kStatus; }
bool ReplyView::is_array() const { return node_->type == Node::Type::kArray; }

ReplyError ReplyView::error() const {
  if (node_->type != Node::Type::kError) return ReplyError::kNone;
  const std::string_view word = text().substr(0, text().find(' '));
  for (const auto& [name, error] : kWords) {
    if (word == name) return error;
  }
  return ReplyError::kOther;
}

std::string_view ReplyView::text() const {
  const bool has_text = is_text() || node_->type == Node::Type::kError;
  return has_text ? std::string_view(node_->text, node_->size) : std::string_view();
}

std::int64_t ReplyView::integer() const {
  if (is_integer()) return node_->integer;
  if (!is_text()) return 0;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(node_->text, node_->text + node_->size, value);
  return error == std::errc() && end == node_->text + node_->size ? value : 0;
}

std::size_t ReplyView::size() const { return is_array() ? node_->size : 0; }

ReplyView ReplyView::operator[](std::size_t index) const { return ReplyView(index < size() ? node_->elements + index : &kNil); }

ReplyView ReplyView::field(std::string_view name) const {
  std::size_t at = 0;
  while (at + 1 < size() && (*this)[at].text() != name) at += 2;
  return (*this)[at + 1];
}

tl::expected<Reply, Error> Reply::parse(std::string_view resp) {
  Parser parser;
  if (!parser.feed(resp)) return tl::unexpected(Error{ErrorKind::kProtocol, "too long"});
  auto reply = parser.next();
  if (!reply) return tl::unexpected(std::move(reply).error());
  if (!*reply || !parser.empty()) return tl::unexpected(Error{ErrorKind::kProtocol, "not exactly one reply"});
  return **std::move(reply);
}

}  // namespace hookfleet::redis
