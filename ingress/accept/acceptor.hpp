#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "common/digest/digest.hpp"
#include "ingress/accept/address.hpp"
#include "ingress/accept/options.hpp"

namespace hookfleet::accept {

/// One HTTP request as far as its admission goes. Views are borrowed for the call.
struct Delivery {
  std::string_view method;         ///< "POST"
  std::string_view path;           ///< without the query
  std::string_view peer;           ///< address of the TCP peer
  std::string_view authorization;  ///< raw header value; empty: none
  std::string_view forwarded_for;  ///< X-Forwarded-For, raw
  std::string_view refused;        ///< X-Hookfleet-Refused: a status that nginx has refused the body with
};

enum class Refusal : std::uint8_t { kNotFound, kMethod, kUnauthorized, kAddress, kInstance, kTooLarge };

/// A right token's rights, before the body was looked at.
struct Verdict {
  std::optional<std::uint64_t> path_instance;  ///< of /webhook/{idInstance}
  bool holds_for_all = false;                  ///< for every instance without tokens of its own
  std::vector<std::uint64_t> instances;        ///< whose own tokens it is
  std::optional<std::size_t> token_index;      ///< its place in its list; none when no token is needed
  bool listed = true;                          ///< false: its address isn't in the allowlist (mode monitor)
};

/// The secret of an Authorization header: `Bearer T`, `Basic T` (undecoded) or bare `T`; the scheme in any case. Empty for one with control
/// characters or without a secret.
std::string_view token_of(std::string_view authorization);

/// Decides who may store what. A value without I/O or clock: made from the settings as a whole and swapped as a whole.
/// Threads: const members any.
class Acceptor {
 public:
  explicit Acceptor(const Options& options);

  /// Path, method, token, address, in this order. The token is compared with every configured one, in a time that tells nothing.
  tl::expected<Verdict, Refusal> judge(const Delivery& delivery) const;

  /// The instance that the notification is stored for: the body's, else the path's, else the token's only one, else 0 (unknown). Refused
  /// (kInstance) when the token isn't for it, or path and body name different ones.
  tl::expected<std::uint64_t, Refusal> admit(const Verdict& verdict, std::optional<std::uint64_t> body_instance) const;

 private:
  struct Token {
    digest::Sha256 digest;
    std::optional<std::uint64_t> instance;  ///< none: for every instance without its own
    std::size_t index;                      ///< within its list
  };
  std::vector<Token> tokens_;
  std::vector<std::uint64_t> with_own_tokens_;  ///< sorted
  AllowlistMode mode_;
  std::vector<Network> allowlist_, trusted_;
};

}  // namespace hookfleet::accept
