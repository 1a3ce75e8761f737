#include "ingress/accept/path.hpp"

#include <charconv>

namespace hookfleet::accept {

Path Path::parse(std::string_view path) {
  constexpr std::string_view kWebhook = "/webhook";
  path = path.substr(0, path.find('?'));
  if (!path.starts_with(kWebhook)) return {};
  path.remove_prefix(kWebhook.size());
  if (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  if (path.empty() || path == "/") return {.known = true, .instance = std::nullopt};
  if (path.front() != '/') return {};
  path.remove_prefix(1);
  std::int64_t id = 0;
  const auto [end, error] = std::from_chars(path.data(), path.data() + path.size(), id);
  if (error != std::errc() || end != path.data() + path.size() || id <= 0) return {};
  return {.known = true, .instance = static_cast<std::uint64_t>(id)};
}

}  // namespace hookfleet::accept
