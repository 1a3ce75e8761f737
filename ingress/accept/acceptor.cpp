#include "ingress/accept/acceptor.hpp"

#include <algorithm>

#include "ingress/accept/path.hpp"

namespace hookfleet::accept {
namespace {

std::vector<Network> networks(const std::vector<std::string>& texts) {
  std::vector<Network> parsed;
  for (const auto& text : texts) {
    if (const auto network = Network::parse(text)) parsed.push_back(*network);  // the settings were checked
  }
  return parsed;
}

}  // namespace

Acceptor::Acceptor(const Options& options)
    : mode_(options.allowlist), allowlist_(networks(options.addresses)), trusted_(networks(options.trusted_proxies)) {
  const auto add = [this](const std::vector<config::Secret>& tokens, std::optional<std::uint64_t> instance) {
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      tokens_.push_back({digest::sha256(token_of(tokens[i].reveal())), instance, i});
    }
  };
  add(options.tokens, std::nullopt);
  for (const auto& instance : options.instances) {
    add(instance.tokens, instance.id);
    with_own_tokens_.push_back(instance.id);
  }
  std::sort(with_own_tokens_.begin(), with_own_tokens_.end());
}

Verdict Acceptor::judge(const Delivery& delivery) const {
  Verdict verdict;
  if (tokens_.empty()) {
    verdict.right_token = verdict.holds_for_all = true;  // auth.allow_unauthenticated: the settings' rule made sure
  } else {
    const std::string_view token = token_of(delivery.authorization);
    const digest::Sha256 given = digest::sha256(token);
    for (const Token& candidate : tokens_) {  // all of them: where it matches must not show in the time
      if (!digest::equal_in_constant_time(given, candidate.digest) || token.empty()) continue;
      verdict.right_token = true;
      if (!verdict.token_index) verdict.token_index = candidate.index;
      if (candidate.instance) {
        verdict.instances.push_back(*candidate.instance);
      } else {
        verdict.holds_for_all = true;
      }
    }
  }

  const auto peer = Address::parse(delivery.peer);
  verdict.client = client_address(peer, delivery.forwarded_for, trusted_);
  verdict.on_list = verdict.client && contains(allowlist_, *verdict.client);
  verdict.listed = allowlist_.empty() || verdict.on_list;

  const Path path = Path::parse(delivery.path);
  verdict.path_instance = path.instance;
  verdict.only_asked = delivery.refused == kUntilJudged && delivery.method == "HEAD" && peer && contains(trusted_, *peer);
  verdict.refusal = [&]() -> std::optional<Refusal> {
    if (!path.known) return Refusal::kNotFound;
    if (delivery.method != "POST" && !verdict.only_asked) return Refusal::kMethod;
    if (!verdict.listed && mode_ == AllowlistMode::kEnforce) return Refusal::kAddress;
    if (!verdict.right_token) return Refusal::kUnauthorized;
    if (delivery.refused == kTooLargeForNginx) return Refusal::kTooLarge;
    return std::nullopt;
  }();
  return verdict;
}

tl::expected<std::uint64_t, Refusal> Acceptor::admit(const Verdict& verdict, std::optional<std::uint64_t> body_instance) const {
  const auto named = body_instance ? body_instance : verdict.path_instance;
  if (!named) return !verdict.holds_for_all && verdict.instances.size() == 1 ? verdict.instances.front() : 0;
  const bool has_own = std::binary_search(with_own_tokens_.begin(), with_own_tokens_.end(), *named);
  const bool may =
      has_own ? std::find(verdict.instances.begin(), verdict.instances.end(), *named) != verdict.instances.end() : verdict.holds_for_all;
  if (!may) return tl::unexpected(Refusal::kInstance);
  return *named;
}

}  // namespace hookfleet::accept
