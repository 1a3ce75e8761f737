#include "common/lease/lease.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "common/lease/sources.hpp"

namespace hookfleet::lease {
namespace {

constexpr std::array<std::pair<std::string_view, How>, 3> kHows{
    {{"resumed", How::kResumed}, {"clean", How::kClean}, {"crash", How::kCrash}}};

/// Not of the shape that a script answers in.
tl::unexpected<redis::ReplyError> not_ours(redis::ReplyView reply) {
  return tl::unexpected(reply.is_error() ? reply.error() : redis::ReplyError::kOther);
}

}  // namespace

Scripts::Scripts()
    : acquire("acquire", kAcquireSource),
      renew("renew", kRenewSource),
      release("release", kReleaseSource),
      heartbeat("heartbeat", kHeartbeatSource) {}

std::string_view to_text(How how) {
  switch (how) {
    case How::kResumed: return "resumed";
    case How::kClean: return "clean";
    case How::kCrash: return "crash";
  }
  return "";
}

void acquire(redis::Command& command, const Scripts& scripts, const AcquireRequest& request) {
  const bool stream = !request.stream_key.empty();
  command.clear().evalsha(scripts.acquire, stream ? 2 : 1).borrow(request.key);
  if (stream) command.borrow(request.stream_key);
  command.borrow(request.owner).number(request.ttl.count()).borrow(request.known_epoch).borrow(request.unchanged);
}

tl::expected<std::variant<Held, Refused>, redis::ReplyError> decode_acquired(redis::ReplyView reply) {
  if (reply.size() != 4 || !reply[0].is_integer()) return not_ours(reply);
  if (reply[0].integer() == 0) {
    return Refused{std::string(reply[1].text()), std::chrono::milliseconds(reply[2].integer()), std::string(reply[3].text())};
  }
  const auto* how = std::find_if(kHows.begin(), kHows.end(), [&](const auto& named) { return named.first == reply[2].text(); });
  // `how` of a hash that something else wrote: what we don't know is a crash, the careful reading.
  return Held{std::string(reply[1].text()), how == kHows.end() ? How::kCrash : how->second, std::string(reply[3].text())};
}

void renew(redis::Command& command, const Scripts& scripts, std::string_view key, const Tenure& tenure, std::chrono::milliseconds ttl) {
  command.clear().evalsha(scripts.renew, 1).borrow(key).borrow(tenure.owner).borrow(tenure.epoch).number(ttl.count());
}

void release(redis::Command& command, const Scripts& scripts, std::string_view key, const Tenure& tenure) {
  command.clear().evalsha(scripts.release, 1).borrow(key).borrow(tenure.owner).borrow(tenure.epoch);
}

tl::expected<bool, redis::ReplyError> decode_held(redis::ReplyView reply) {
  if (!reply.is_integer() || (reply.integer() != 1 && reply.integer() != -1)) return not_ours(reply);
  return reply.integer() == 1;
}

void Sighting::saw(const Refused& refused, base::BootTime now) {
  if (state_ == refused.state) return;
  state_ = refused.state;
  since_ = now;
}

std::string_view Sighting::unchanged(std::chrono::milliseconds ttl, base::BootTime now) const {
  return !state_.empty() && now - since_ >= ttl ? std::string_view(state_) : std::string_view();
}

}  // namespace hookfleet::lease
