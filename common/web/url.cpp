#include "common/web/url.hpp"

#include <curl/curl.h>

#include <memory>
#include <utility>

namespace hookfleet::web {
namespace {

struct FreeUrl {
  void operator()(CURLU* url) const noexcept { curl_url_cleanup(url); }
};
using Url = std::unique_ptr<CURLU, FreeUrl>;

// Empty when the URL doesn't have that part.
std::string part(const Url& url, CURLUPart which, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url.get(), which, &text, flags) != CURLUE_OK) return {};
  std::string copy(text);
  curl_free(text);
  return copy;
}

std::optional<std::string> problem(const Url& url, const std::string& text) {
  if (const CURLUcode code = curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0); code != CURLUE_OK) {
    return "no URL like http://host:port/path (" + std::string(curl_url_strerror(code)) + ")";
  }
  const std::string scheme = part(url, CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") return "only http:// and https:// are taken";
  if (part(url, CURLUPART_HOST).empty()) return "no host";
  if (!part(url, CURLUPART_USER).empty() || !part(url, CURLUPART_PASSWORD).empty()) {
    return "a user or password in a URL would show in logs: send it in a header";
  }
  if (!part(url, CURLUPART_FRAGMENT).empty()) return "a fragment (#…) is never sent";
  return std::nullopt;
}

}  // namespace

std::optional<std::string> check_url(const std::string& url) { return problem(Url(curl_url()), url); }

std::string origin_of(const std::string& url) {
  const Url parsed(curl_url());
  if (problem(parsed, url)) return {};
  return part(parsed, CURLUPART_SCHEME) + "://" + part(parsed, CURLUPART_HOST) + ":" + part(parsed, CURLUPART_PORT, CURLU_DEFAULT_PORT);
}

std::string path_of(const std::string& url) {
  const Url parsed(curl_url());
  if (problem(parsed, url)) return {};
  return part(parsed, CURLUPART_PATH);
}

}  // namespace hookfleet::web
