#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "common/web/client.hpp"

namespace hookfleet::greenapi {

/// What a call came to that brought nothing, by what is to be done about it.
enum class FailureKind : std::uint8_t {
  kRetry,         ///< 5xx, 408, 499, no answer, or one that can't be read: again after a pause
  kThrottled,     ///< 429: again, more slowly
  kUnauthorized,  ///< 401, 403: wrong token, instance or address; only a person can help
  kWebhookSet,    ///< receive, remove, count: webhookUrl is set, so the service pushes
  kQuota,         ///< 466: quota of the free plan
  kUnreadable,    ///< receive: a notification without a receiptId that can be read, or too large: it can't be deleted, and holds back the
                  ///< rest
  kNotReady,      ///< 400: the instance is starting, not authorized, expired or deleted
  kRefused,       ///< another status below 500 that isn't 2xx
};
inline constexpr std::size_t kFailureKinds = static_cast<std::size_t>(FailureKind::kRefused) + 1;
/// As metrics and logs name it: "retry", "throttled" …
std::string_view to_text(FailureKind kind);
/// The kind so named; nothing for another text.
std::optional<FailureKind> failure_kind(std::string_view text);
/// True where trying again is all that is to be done; else a person is needed.
bool passes_by_itself(FailureKind kind);
/// What a person should do about it; one sentence.
std::string_view advice(FailureKind kind);

struct Failure {
  FailureKind kind;
  int status = 0;       ///< 0: no answer
  std::string message;  ///< for people, at most some 300 bytes. Partly the service's words, without what may be a token: still input
  std::optional<std::chrono::milliseconds> retry_after;  ///< the answer's Retry-After in seconds, at most an hour
  bool operator==(const Failure&) const = default;
};
template <class T>
using Decoded = tl::expected<T, Failure>;

struct Received {
  std::int64_t receipt_id;
  std::string body;  ///< the bytes of the answer's `body` member as they came, whatever they are: for the envelope to judge
  bool operator==(const Received&) const = default;
};

struct Removed {
  bool removed;        ///< false: it was deleted before, or there is no such receipt
  std::string reason;  ///< of the service; often empty
  bool operator==(const Removed&) const = default;
};

/// The settings of an instance: texts as they are, numbers and booleans as in JSON, null as nothing. Others (objects, lists) are left out.
using Settings = std::map<std::string, std::string>;

/// Nothing: the queue is empty (`null`, or no body). The answer is looked through for its two members without any tree: no input costs more
/// than its length, and what the body holds, be it no JSON that anyone takes, can't block the queue, if only its strings and brackets end.
Decoded<std::optional<Received>> decode_received(const web::Result& result);
Decoded<Removed> decode_removed(const web::Result& result);
/// How many notifications wait at the service.
Decoded<std::uint64_t> decode_count(const web::Result& result);
/// stateInstance: an open list (`authorized`, `notAuthorized`, `blocked`, `starting`, …), 1 to 64 letters.
Decoded<std::string> decode_state(const web::Result& result);
Decoded<Settings> decode_settings(const web::Result& result);
/// That setSettings was taken.
Decoded<void> decode_set(const web::Result& result);

}  // namespace hookfleet::greenapi
