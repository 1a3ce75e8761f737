#include "ingress/watch/watch.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "common/web/url.hpp"

namespace hookfleet::watch {
namespace {

constexpr std::string_view kAuthorized = "authorized";
constexpr std::string_view kStarting = "starting";

// What only a person can mend.
bool is_refusal(greenapi::FailureKind kind, Call call) {
  switch (kind) {
    case greenapi::FailureKind::kUnauthorized:
    case greenapi::FailureKind::kQuota:
    case greenapi::FailureKind::kRefused: return true;
    case greenapi::FailureKind::kNotReady: return call == Call::kState;  // the others say it of one whose state tells more
    case greenapi::FailureKind::kUnreadable:                             // of receive alone
    case greenapi::FailureKind::kWebhookSet:
    case greenapi::FailureKind::kThrottled:
    case greenapi::FailureKind::kRetry: return false;
  }
  return false;
}

// A URL may hold a secret, and somebody else's is no business of ours: only where it leads.
std::string place(const std::string& url) {
  if (url.empty()) return "(none)";
  const std::string origin = web::origin_of(url);
  return origin.empty() ? "no URL" : origin;
}

std::string url_text(const greenapi::Difference& url) {
  const std::string is = place(url.is), want = place(url.want);
  return is == want ? "webhookUrl has another path at " + is : "webhookUrl is at " + is + " instead of " + want;
}

std::string names_of(const std::vector<greenapi::Difference>& differences) {
  std::string names;
  for (const auto& one : differences) names += (names.empty() ? "" : ",") + one.name;
  return names;
}

std::string text_of(const std::vector<greenapi::Difference>& differences) {
  std::string text;
  for (const auto& one : differences) {
    text += text.empty() ? "" : "; ";
    if (one.name == "webhookUrl") {
      text += url_text(one);
    } else if (one.is_switch()) {
      text += one.name + " is off";
    } else {
      text += one.name + " is " + one.is_shown() + " instead of " + one.want_shown();
    }
  }
  return text;
}

}  // namespace

std::string_view to_text(Call call) {
  switch (call) {
    case Call::kCount: return "getWebhooksCount";
    case Call::kState: return "getStateInstance";
    case Call::kSettings: return "getSettings";
  }
  return "";
}

bool Watch::Lasting::is_news(const std::string& now_what, base::BootTime now, std::chrono::nanoseconds again) {
  if (told && what == now_what && now - *told < again) return false;
  what = now_what;
  told = now;
  return true;
}

Watch::Watch(const Options& options, Instance instance, base::BootTime now, double dice)
    : options_(options),
      instance_(std::move(instance)),
      slots_{Slot{.every = options.count_every, .next = {}}, Slot{.every = options.state_every, .next = {}},
             Slot{.every = options.settings_every, .next = {}}} {
  for (Slot& slot : slots_) {
    const std::chrono::nanoseconds spread = std::min<std::chrono::nanoseconds>(slot.every, kFirstLooks);
    slot.next = now + std::chrono::nanoseconds(static_cast<std::int64_t>(static_cast<double>(spread.count()) * dice));
  }
}

std::optional<Call> Watch::wish(base::BootTime now) const {
  if (under_way_) return std::nullopt;
  const auto first = std::min_element(slots_.begin(), slots_.end(), [](const Slot& a, const Slot& b) { return a.next < b.next; });
  if (first->next > now) return std::nullopt;
  return static_cast<Call>(first - slots_.begin());
}

base::BootTime Watch::due() const {
  if (under_way_) return base::BootTime::max();
  return std::min({slots_[0].next, slots_[1].next, slots_[2].next});
}

alert::Alert Watch::about(alert::Kind kind, std::string which, std::string text) const {
  alert::Alert alert;
  alert.kind = kind;
  alert.id_instance = instance_.account.id_instance;
  alert.which = std::move(which);
  alert.text = std::move(text);
  return alert;
}

std::optional<alert::Alert> Watch::ended(Call call, const greenapi::Failure* failure, base::BootTime now) {
  under_way_.reset();
  Slot& slot = slots_[static_cast<std::size_t>(call)];
  if (failure == nullptr) {
    slot.failures = 0;
    slot.next = now + slot.every;
    if (std::all_of(slots_.begin(), slots_.end(), [](const Slot& one) { return one.failures == 0; })) refused_.over();
    return std::nullopt;
  }
  slot.failures = std::min(slot.failures + 1, kSlowerMax);
  const std::chrono::milliseconds pause = slot.every * slot.failures;
  slot.next = now + std::max(pause, failure->retry_after.value_or(pause));
  if (instance_.fetched || slot.failures < 2 || !is_refusal(failure->kind, call)) return std::nullopt;
  const std::string kind(greenapi::to_text(failure->kind));
  if (!refused_.is_news(kind, now, kAgain)) return std::nullopt;
  return about(alert::Kind::kWatchRefused, kind,
               "GREEN-API doesn't tell of this instance (" + std::string(to_text(call)) + "): " + failure->message + "; " +
                   std::string(greenapi::advice(failure->kind)));
}

std::optional<alert::Alert> Watch::counted(const greenapi::Decoded<std::uint64_t>& answer, base::BootTime now) {
  const auto before = std::exchange(facts_.waiting, answer ? std::optional(*answer) : std::nullopt);
  if (!answer) return ended(Call::kCount, &answer.error(), now);
  ended(Call::kCount, nullptr, now);
  if (*answer < options_.queue_alert) queue_.over();
  const bool stays = before && *answer >= *before;
  if (*answer < options_.queue_alert || !stays || !queue_.is_news({}, now, kAgain)) return std::nullopt;
  return about(
      alert::Kind::kUpstreamQueue, {},
      std::to_string(*answer) + " notifications of this instance wait at GREEN-API and don't get fewer (" + std::to_string(*before) +
          " at the look before); what has waited for 24 h is lost. " +
          (instance_.fetched ? "Look at the pollers: hookfleet_poller_receives_total by outcome"
                             : "Look at what the webhook answers: hookfleet_ingress_deliveries_total by outcome, and nginx's access log"));
}

std::optional<alert::Alert> Watch::stated(const greenapi::Decoded<std::string>& answer, base::BootTime now) {
  facts_.authorized = answer ? std::optional(*answer == kAuthorized) : std::nullopt;
  if (!answer) return ended(Call::kState, &answer.error(), now);
  ended(Call::kState, nullptr, now);
  if (*facts_.authorized) {
    unauthorized_since_.reset();
    state_.over();
    return std::nullopt;
  }
  const bool first = !unauthorized_since_;
  if (first) unauthorized_since_ = now;
  if (first || (*answer == kStarting && now - *unauthorized_since_ < kStartingMax)) return std::nullopt;
  if (!state_.is_news(*answer, now, kAgain)) return std::nullopt;
  return about(alert::Kind::kInstanceState, {},
               "GREEN-API says that this instance is " + *answer + ", not authorized: look at it in its console");
}

std::optional<alert::Alert> Watch::set(const greenapi::Decoded<greenapi::Settings>& answer, base::BootTime now) {
  facts_.differences.reset();
  if (!answer) return ended(Call::kSettings, &answer.error(), now);
  ended(Call::kSettings, nullptr, now);
  auto differences = greenapi::differences(*answer, instance_.wanted);
  facts_.differences = differences.size();
  // One cause, one alert.
  if (instance_.fetched) std::erase_if(differences, [](const greenapi::Difference& one) { return one.name == "webhookUrl"; });
  if (differences.empty()) {
    if (*facts_.differences != 0 || !settings_.over()) return std::nullopt;
    return about(alert::Kind::kSettingsRestored, {}, "the settings of this instance at GREEN-API are what poller.instances says again");
  }
  const std::string names = names_of(differences);
  if (!settings_.is_news(names, now, kSettingsAgain)) return std::nullopt;
  return about(alert::Kind::kSettingsDrift, names,
               "the settings of this instance at GREEN-API aren't what poller.instances says: " + text_of(differences) +
                   ". hookfleet connect mends it");
}

}  // namespace hookfleet::watch
