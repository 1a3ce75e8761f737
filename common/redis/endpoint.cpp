#include "common/redis/endpoint.hpp"

#include <charconv>
#include <optional>

#include "common/base/ascii.hpp"

namespace hookfleet::redis {
namespace {

std::optional<unsigned> hex_digit(char c) {
  if (base::is_digit(c)) return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const auto high = hex_digit(text[i + 1]);
    const auto low = hex_digit(text[i + 2]);
    if (!high || !low) return std::nullopt;
    decoded += static_cast<char>(*high * 16 + *low);
    i += 2;
  }
  return decoded;
}

template <class Number>
bool parse_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

bool skip(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

tl::unexpected<std::string> wrong(std::string_view what) { return tl::unexpected(std::string(what)); }

/// `:password` or `user:password`.
tl::expected<void, std::string> read_credentials(std::string_view text, Endpoint& endpoint) {
  const std::size_t colon = text.find(':');
  auto user = percent_decode(text.substr(0, colon));
  auto password = colon == std::string_view::npos ? std::string() : percent_decode(text.substr(colon + 1));
  if (!user || !password) return wrong("holds a % in user or password that two hexadecimal digits don't follow (% itself is %25)");
  if (!user->empty() && password->empty()) {
    return wrong("names a user without a password: write redis://user:password@host, or redis://:password@host for the default user");
  }
  endpoint.user = *std::move(user);
  endpoint.password = *std::move(password);
  return {};
}

tl::expected<Endpoint, std::string> parse_unix(std::string_view rest) {
  Endpoint endpoint;
  if (rest.starts_with("//")) rest.remove_prefix(2);
  // Credentials stand before the path: unix://:password@/run/redis.sock
  if (const std::size_t slash = rest.find('/'); slash != 0 && slash != std::string_view::npos) {
    std::string_view authority = rest.substr(0, slash);
    if (!authority.ends_with('@')) return wrong("must give the socket's absolute path: unix:///run/redis.sock");
    authority.remove_suffix(1);
    if (const auto read = read_credentials(authority, endpoint); !read) return tl::unexpected(read.error());
    rest.remove_prefix(slash);
  }
  const std::size_t query = rest.find('?');
  auto path = percent_decode(rest.substr(0, query));
  if (!path || !path->starts_with('/') || path->size() < 2) return wrong("must give the socket's absolute path: unix:///run/redis.sock");
  if (path->size() > 107) return wrong("gives a socket path over 107 bytes, which Linux can't connect to");
  endpoint.unix_path = *std::move(path);
  if (query != std::string_view::npos) {
    std::string_view option = rest.substr(query + 1);
    if (!skip(option, "db=") || !parse_number(option, endpoint.database))
      return wrong("may have ?db=<number> after the path, nothing else");
  }
  return endpoint;
}

tl::expected<Endpoint, std::string> parse_tcp(std::string_view rest) {
  Endpoint endpoint;
  if (rest.find_first_of("?#") != std::string_view::npos) return wrong("takes no ? or # (in a password write %3F and %23)");
  // The last @ before the path: a password may hold one that nobody encoded.
  if (const std::size_t at = rest.rfind('@'); at != std::string_view::npos) {
    if (const auto read = read_credentials(rest.substr(0, at), endpoint); !read) return tl::unexpected(read.error());
    rest.remove_prefix(at + 1);
  }
  std::string_view database;
  if (const std::size_t slash = rest.find('/'); slash != std::string_view::npos) {
    database = rest.substr(slash + 1);
    rest = rest.substr(0, slash);
  }
  if (!database.empty() && !parse_number(database, endpoint.database)) return wrong("has a database that is no number after the last /");

  std::string_view port;
  if (rest.starts_with('[')) {
    const std::size_t end = rest.find(']');
    if (end == std::string_view::npos) return wrong("lacks the ] of an IPv6 address");
    endpoint.host = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
    if (!rest.empty() && !skip(rest, ":")) return wrong("has something between ] and the port");
    port = rest;
  } else {
    const std::size_t colon = rest.find(':');
    if (colon != std::string_view::npos && rest.find(':', colon + 1) != std::string_view::npos) {
      return wrong("has more than one : in host and port; an IPv6 address needs brackets: redis://[::1]:6379");
    }
    endpoint.host = rest.substr(0, colon);
    if (colon != std::string_view::npos) port = rest.substr(colon + 1);
  }
  if (endpoint.host.empty()) return wrong("names no host");
  if (!port.empty() && (!parse_number(port, endpoint.port) || endpoint.port == 0)) return wrong("has a port that isn't 1 to 65535");
  return endpoint;
}

}  // namespace

tl::expected<Endpoint, std::string> Endpoint::parse(std::string_view url) {
  if (skip(url, "unix:")) return parse_unix(url);
  if (skip(url, "redis://")) return parse_tcp(url);
  if (url.starts_with("rediss://")) {
    return wrong(
        "asks for TLS, which hiredis 0.14 can't: run a TLS tunnel (stunnel) beside this process and point redis:// at it, see "
        "docs/redis-tls.md");
  }
  return wrong("must begin with redis:// or unix://");
}

std::string Endpoint::display() const {
  const std::string as = user.empty() ? "" : user + "@";
  const std::string db = std::to_string(database);
  if (!unix_path.empty()) return "unix://" + as + unix_path + "?db=" + db;
  const std::string shown = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return "redis://" + as + shown + ":" + std::to_string(port) + "/" + db;
}

}  // namespace hookfleet::redis
