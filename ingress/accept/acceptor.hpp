#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "common/digest/digest.hpp"
#include "common/greenapi/authorization.hpp"
#include "ingress/accept/address.hpp"
#include "ingress/accept/options.hpp"

namespace hookfleet::accept {

/// Values of X-Hookfleet-Refused. 413: nginx has left out a body that is over the limit. 100: it asks, by a HEAD, how the POST would be
/// judged whose body it holds back meanwhile, since large ones cost much. HEAD, so that who doesn't believe the header stores nothing.
inline constexpr std::string_view kTooLargeForNginx = "413", kUntilJudged = "100";

/// One HTTP request as far as its admission goes. Views are borrowed for the call.
struct Delivery {
  std::string_view method;         ///< "POST"
  std::string_view path;           ///< a query is ignored
  std::string_view peer;           ///< address of the TCP peer
  std::string_view authorization;  ///< raw header value; empty: none
  std::string_view forwarded_for;  ///< X-Forwarded-For, raw
  std::string_view refused;        ///< X-Hookfleet-Refused: 413, believed of all; 100, of trusted proxies only
};

enum class Refusal : std::uint8_t {
  kNotFound,
  kMethod,
  kAddress,       ///< not listed, and the mode is enforce
  kUnauthorized,  ///< no or wrong token
  kInstance,      ///< right token, but the body names an instance that it isn't for
  kTooLarge,      ///< right token, but nginx refused the body
};

/// What is known of a delivery before its body was looked at. Each fact stands for itself, also when the delivery is refused.
struct Verdict {
  std::optional<Refusal> refusal;              ///< nothing: go on with admit()
  bool only_asked = false;                     ///< nginx asks; there is nothing to be stored
  bool right_token = false;                    ///< or none is needed
  bool listed = true;                          ///< false: there is an allowlist and the client's address isn't in it, whatever the mode
  bool on_list = false;                        ///< the client's address is in the allowlist
  std::optional<Address> client;               ///< the address the request came from, as far as it can be told
  std::optional<std::size_t> token_index;      ///< the token's place in its list; none when no token is needed
  bool holds_for_all = false;                  ///< for every instance without tokens of its own
  std::vector<std::uint64_t> instances;        ///< whose own token it is
  std::optional<std::uint64_t> path_instance;  ///< of /webhook/{idInstance}
};

using greenapi::token_of;

/// Decides who may store what. A value without I/O or clock: made from the settings as a whole and swapped as a whole.
/// Threads: const members any.
class Acceptor {
 public:
  explicit Acceptor(const Options& options);

  /// Refuses by path, method, address, token, size, the first of these. A token is compared with every configured one, in a time that
  /// tells nothing; whether it is right doesn't show in what a refused address is told.
  Verdict judge(const Delivery& delivery) const;

  /// The instance that the notification is stored for: the body's, else the path's, else the token's only one, else 0 (unknown). kInstance
  /// when the token isn't for it. The path is a hint: where the body names another instance, the body counts.
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
