#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/alert/alert.hpp"
#include "common/base/clock.hpp"
#include "common/greenapi/answer.hpp"
#include "ingress/watch/options.hpp"

namespace hookfleet::watch {

enum class Call : std::uint8_t { kCount, kState, kSettings };
inline constexpr std::size_t kCalls = 3;
/// GREEN-API's name: "getWebhooksCount" …
std::string_view to_text(Call call);

/// What is known of an instance; nothing before the first answer, and while the service doesn't tell.
struct Facts {
  std::optional<std::uint64_t> waiting;  ///< notifications at the service
  std::optional<bool> authorized;
  std::optional<std::size_t> differences;  ///< settings that are otherwise than wanted
  bool operator==(const Facts&) const = default;
};

/// One instance as we watch it: when to ask what, and which answers the operator has to know. Pure: time and answers come in. One call at a
/// time.
///
/// Told are: a queue of `queue_alert` or more that isn't smaller than at the look before; a state other than authorized at two looks in a
/// row (starting: after 10 min); settings other than wanted, and that they are right again, but where
/// somebody fetches not webhookUrl: that the service refuses it is told by who fetches; that the service refuses to tell, twice in a row,
/// where nobody fetches. Each at once when it is news, then every kAgain (settings: kSettingsAgain) as long as it lasts. Threads: one.
/// `options` outlives the object.
class Watch {
 public:
  static constexpr std::chrono::hours kAgain{1};
  static constexpr std::chrono::hours kSettingsAgain{24};
  static constexpr std::chrono::minutes kStartingMax{10};
  static constexpr std::chrono::seconds kFirstLooks{30};  ///< the first calls are spread over so long, or their interval
  static constexpr unsigned kSlowerMax = 8;               ///< failures in a row stretch a call's interval up to so much

  /// `dice`: from 0 to 1, so that a thousand instances aren't asked in step.
  Watch(const Options& options, Instance instance, base::BootTime now, double dice);

  const Instance& instance() const { return instance_; }
  const Facts& facts() const { return facts_; }
  /// The call to make now. Nothing while one is under way.
  std::optional<Call> wish(base::BootTime now) const;
  /// When wish() may change by time alone.
  base::BootTime due() const;

  void sent(Call call) { under_way_ = call; }
  /// The answers, and what to tell because of them.
  std::optional<alert::Alert> counted(const greenapi::Decoded<std::uint64_t>& answer, base::BootTime now);
  std::optional<alert::Alert> stated(const greenapi::Decoded<std::string>& answer, base::BootTime now);
  std::optional<alert::Alert> set(const greenapi::Decoded<greenapi::Settings>& answer, base::BootTime now);

 private:
  struct Slot {
    std::chrono::milliseconds every;
    base::BootTime next;
    unsigned failures = 0;  // in a row
  };
  // Something that lasts: told at once when it is news, then again and again.
  struct Lasting {
    std::string what;
    std::optional<base::BootTime> told;
    bool is_news(const std::string& now_what, base::BootTime now, std::chrono::nanoseconds again);
    bool over() { return std::exchange(told, std::nullopt).has_value(); }  // true: it was told
  };

  // `failure`: null, it succeeded.
  std::optional<alert::Alert> ended(Call call, const greenapi::Failure* failure, base::BootTime now);
  alert::Alert about(alert::Kind kind, std::string which, std::string text) const;

  const Options& options_;
  const Instance instance_;
  std::array<Slot, kCalls> slots_;
  std::optional<Call> under_way_;
  Facts facts_;
  std::optional<base::BootTime> unauthorized_since_;
  Lasting queue_, state_, settings_, refused_;
};

}  // namespace hookfleet::watch
