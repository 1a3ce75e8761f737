#include "cli/webhook_url.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "cli/text.hpp"
#include "common/base/ascii.hpp"
#include "common/web/url.hpp"
#include "ingress/accept/address.hpp"
#include "ingress/accept/path.hpp"

namespace hookfleet::cli {
namespace {

/// Of no use to a sender in the internet: this machine, private networks, links, groups, nothing (RFC 6890).
constexpr std::string_view kNotPublic[] = {"0.0.0.0/8",     "10.0.0.0/8",   "100.64.0.0/10",  "127.0.0.0/8", "169.254.0.0/16",
                                           "172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16", "224.0.0.0/3", "::/127",
                                           "fc00::/7",      "fe80::/10",    "ff00::/8"};
constexpr std::string_view kNotPublicNames[] = {".localhost", ".local", ".internal", ".lan", ".home.arpa"};

/// The host of scheme://host:port, without the brackets of an IPv6 address and the dot at the end of a name; small letters.
std::string host_of(const std::string& origin) {
  const std::size_t begin = origin.find("//") + 2;
  std::string host = origin.substr(begin, origin.rfind(':') - begin);
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  if (host.ends_with('.')) host.pop_back();
  return base::lower(host);
}

bool is_public(const std::string& host) {
  if (const auto address = accept::Address::parse(host)) {
    return std::none_of(std::begin(kNotPublic), std::end(kNotPublic), [&](std::string_view block) {
      return accept::Network::parse(block)->contains(*address);  // they are constants of ours
    });
  }
  return host.find('.') != std::string::npos &&
         std::none_of(std::begin(kNotPublicNames), std::end(kNotPublicNames), [&](std::string_view end) { return host.ends_with(end); });
}

}  // namespace

WebhookUrl WebhookUrl::judge(const std::string& url, std::uint64_t id_instance) {
  WebhookUrl judged;
  if (const auto problem = web::check_url(url)) {
    judged.refused = *problem;
    return judged;
  }
  const std::string origin = web::origin_of(url), path = web::path_of(url);
  if (const std::string host = host_of(origin); !is_public(host)) {
    judged.refused = fmt::format(
        "{} can't be reached by GREEN-API, which posts from the internet: name the host as it is seen from there, or let a poller fetch "
        "(--poll)",
        shown(host));
    return judged;
  }
  if (origin.starts_with("http://")) {
    judged.doubts.emplace_back("http:// sends the token and all notifications in clear: better https:// (docs/tls.md)");
  }
  const accept::Path at = accept::Path::parse(path);
  if (!at.known) {
    judged.doubts.push_back(
        fmt::format("the fleet takes /webhook and /webhook/{}, and answers 404 to {} unless a proxy before it changes the path",
                    id_instance, shown(path)));
  } else if (at.instance && *at.instance != id_instance) {
    judged.doubts.push_back(fmt::format("the path names instance {}, not {}", *at.instance, id_instance));
  }
  return judged;
}

}  // namespace hookfleet::cli
