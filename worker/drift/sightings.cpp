#include "worker/drift/sightings.hpp"

#include <algorithm>
#include <utility>

namespace hookfleet::drift {

void Sightings::see(const std::shared_ptr<const dispatch::Content>& content, base::BootTime now) {
  for (const stream::Kind& kind : content->unknown) {
    if (now < quiet_until_ || claims_.size() >= kClaimsMax || known_.contains(kind.field())) continue;
    if (std::any_of(claims_.begin(), claims_.end(), [&](const Claim& claim) { return claim.kind == kind; })) continue;
    const notification::Notification& notification = content->notification;
    stream::News news;
    news.first_ms = base::unix_ms(notification.received);
    news.worker = worker_;
    news.id = notification.id;
    news.id_instance = notification.id_instance;
    news.type_webhook = stream::Kind::of(stream::Kind::What::kTypeWebhook, notification.type_webhook).name;
    news.body_bytes = notification.body->size();
    news.sample = notification.body->substr(0, stream::kNewsSampleMax);
    claims_.push_back({++numbers_, kind, news.text(), content});
  }
}

const Claim* Sightings::next() { return asked_ < claims_.size() ? &claims_[asked_++] : nullptr; }

std::optional<Claim> Sightings::take(std::uint64_t number) {
  const auto claim = std::find_if(claims_.begin(), claims_.end(), [&](const Claim& one) { return one.number == number; });
  if (claim == claims_.end()) return std::nullopt;
  if (claim - claims_.begin() < static_cast<std::ptrdiff_t>(asked_)) --asked_;
  Claim taken = std::move(*claim);
  claims_.erase(claim);
  return taken;
}

std::optional<Claim> Sightings::answered(std::uint64_t number, stream::NewsAnswer::Claimed claimed, base::BootTime now) {
  auto claim = take(number);
  if (!claim) return std::nullopt;
  if (claimed == stream::NewsAnswer::Claimed::kFull) {
    quiet_until_ = now + kPauseWhenFull;
    return std::nullopt;
  }
  if (known_.size() >= kKnownMax) known_.clear();  // Redis knows them
  known_.insert(claim->kind.field());
  if (claimed == stream::NewsAnswer::Claimed::kKnown) return std::nullopt;
  return claim;
}

void Sightings::refused(std::uint64_t number, base::BootTime now) {
  take(number);
  quiet_until_ = now + kPauseWhenRefused;
}

}  // namespace hookfleet::drift
