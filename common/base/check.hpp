#pragma once

namespace hookfleet::base {
/// Prints the broken invariant to stderr and aborts: a bug of ours, never an answer to odd input.
[[noreturn]] void check_failed(const char* condition, const char* file, int line) noexcept;
}  // namespace hookfleet::base

/// Aborts when `condition` is false. Restarts are cheap and the stream keeps the work.
#define HOOKFLEET_CHECK(condition) \
  (static_cast<bool>(condition) ? static_cast<void>(0) : ::hookfleet::base::check_failed(#condition, __FILE__, __LINE__))
