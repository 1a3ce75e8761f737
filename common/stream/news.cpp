#include "common/stream/news.hpp"

#include <array>
#include <utility>

#include "common/digest/digest.hpp"
#include "common/stream/netstring.hpp"

namespace hookfleet::stream {
namespace {

constexpr std::array kWhats{Kind::What::kTypeWebhook, Kind::What::kTypeMessage, Kind::What::kField};

}  // namespace

std::string_view to_text(Kind::What what) {
  switch (what) {
    case Kind::What::kTypeWebhook: return "typeWebhook";
    case Kind::What::kTypeMessage: return "typeMessage";
    case Kind::What::kField: return "field";
  }
  return "";
}

Kind Kind::of(What what, std::string_view name) {
  if (name.size() <= kNewsNameMax) return {what, std::string(name)};
  const auto hash = digest::sha256(name);
  const std::string tail = "#" + digest::to_hex(digest::as_bytes(hash).substr(0, 8));
  return {what, std::string(name.substr(0, kNewsNameMax - tail.size())) + tail};
}

std::string Kind::field() const { return std::string(to_text(what)) + ':' + name; }

std::optional<Kind> Kind::parse(std::string_view field) {
  for (const What what : kWhats) {
    const std::string_view text = to_text(what);
    if (field.starts_with(text) && field.substr(text.size()).starts_with(':'))
      return Kind{what, std::string(field.substr(text.size() + 1))};
  }
  return std::nullopt;
}

std::string News::text() const {
  std::string out = "1";
  put(out, first_ms);
  put(out, worker);
  put(out, id);
  put(out, id_instance);
  put(out, type_webhook);
  put(out, body_bytes);
  put(out, sample);
  return out;
}

std::optional<News> News::parse(std::string_view text) {
  if (!text.starts_with('1')) return std::nullopt;
  NetstringReader in(text.substr(1));
  News news;
  news.first_ms = in.number<std::int64_t>();
  news.worker = in.text();
  news.id = in.text();
  news.id_instance = in.number<std::uint64_t>();
  news.type_webhook = in.text();
  news.body_bytes = in.number<std::size_t>();
  news.sample = in.text();
  return in.ok() ? std::optional(std::move(news)) : std::nullopt;
}

void claim_news(redis::Command& command, const Scripts& scripts, const Keys& keys, const Kind& kind, std::string_view news) {
  command.clear().evalsha(scripts.news, 1).borrow(keys.news()).copy(kind.field()).copy(news).copy(std::to_string(kNewsMax));
}

std::optional<NewsAnswer> decode_claimed(redis::ReplyView reply) {
  if (!reply.is_array() || reply.size() != 2 || !reply[0].is_integer() || !reply[1].is_integer()) return std::nullopt;
  const auto claimed = reply[0].integer() == 1   ? NewsAnswer::Claimed::kFirst
                       : reply[0].integer() == 0 ? NewsAnswer::Claimed::kKnown
                                                 : NewsAnswer::Claimed::kFull;
  return NewsAnswer{claimed, static_cast<std::size_t>(reply[1].integer())};
}

}  // namespace hookfleet::stream
