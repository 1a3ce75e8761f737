#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hookfleet::simulate {

/// What names a simulated notification: the `sequence`-th of a chat of an instance in a run. Every body carries it as the text of its first
/// field, `"simulated":"<run>.<instance>.<chat>.<sequence>"` (hexadecimal, then decimal numbers), so that it is found in what is cut off
/// behind it, too.
struct Token {
  std::uint32_t run = 0;
  std::uint64_t instance = 0;  ///< idInstance
  std::uint32_t chat = 0;      ///< counts the chats of the instance; notifications of no chat have one in common
  std::uint64_t sequence = 0;  ///< from 0

  auto operator<=>(const Token&) const = default;
  std::string text() const;
  /// The token in a body: the text behind the first `"simulated":"`. Nothing: there is none. Linear; of any bytes.
  static std::optional<Token> find(std::string_view body);
};

}  // namespace hookfleet::simulate
