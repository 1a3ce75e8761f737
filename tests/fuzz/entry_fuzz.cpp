// Any bytes as what Redis holds: an entry, a dead letter, a mark, attempts. Nothing of it may be believed, and what is understood is
// understood the same when we write it. Input: the reply to XRANGE of one entry's fields, as an array; also taken as a text.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "common/base/check.hpp"
#include "common/base/uuid.hpp"
#include "common/redis/reply.hpp"
#include "common/stream/attempts.hpp"
#include "common/stream/dead_letter.hpp"
#include "common/stream/entry.hpp"
#include "common/stream/mark.hpp"

namespace {

using namespace hookfleet;

std::string resp(std::span<const std::string_view> texts) {
  std::string bytes = "*" + std::to_string(texts.size()) + "\r\n";
  for (const std::string_view text : texts) bytes.append("$" + std::to_string(text.size()) + "\r\n").append(text).append("\r\n");
  return bytes;
}

void check_entry(const stream::Entry& entry) {
  HOOKFLEET_CHECK(base::is_uuid(entry.id) && entry.received_ms >= 0);
  const std::string key = "s";
  const stream::XaddCommand command(key, entry);
  const auto written = redis::Reply::parse(resp(command.argv().subspan(3)));  // behind XADD, key and *
  HOOKFLEET_CHECK(written.has_value());
  const auto again = stream::decode(written->view());
  HOOKFLEET_CHECK(again && *again == entry);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto exact = std::make_unique<char[]>(size);  // on the heap and of this size: a read behind the end is seen
  std::copy_n(data, size, exact.get());
  const std::string_view bytes(exact.get(), size);

  if (const auto reply = redis::Reply::parse(bytes)) {
    const auto entry = stream::decode(reply->view());
    if (entry) check_entry(*entry);
    HOOKFLEET_CHECK(entry || !entry.error().empty());
    const auto letter = stream::decode_dead_letter(reply->view());
    HOOKFLEET_CHECK(letter || !letter.error().empty());
    if (letter) HOOKFLEET_CHECK(letter->entry.has_value() == entry.has_value() && (!entry || *letter->entry == *entry));
  }

  if (const auto mark = stream::Mark::parse(bytes)) {
    HOOKFLEET_CHECK(mark->received_ms >= 0 && !mark->digests.empty() && mark->digests.size() <= stream::Mark::kDigestsMax);
    HOOKFLEET_CHECK(stream::Mark::parse(mark->text()) == mark);
  }
  if (const auto attempts = stream::Attempts::parse(bytes)) HOOKFLEET_CHECK(stream::Attempts::parse(attempts->text()) == attempts);
  if (const auto id = stream::StreamId::parse(bytes)) HOOKFLEET_CHECK(stream::StreamId::parse(id->text()) == id);
  return 0;
}
