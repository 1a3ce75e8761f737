#include "common/stream/keys.hpp"

#include <array>
#include <charconv>

#include "common/base/check.hpp"
#include "common/digest/digest.hpp"

namespace hookfleet::stream {
namespace {

constexpr unsigned kSlots = 16384;

/// CRC-16/XMODEM: what Redis Cluster hashes a tag with.
unsigned crc16(std::string_view bytes) {
  unsigned crc = 0;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned>(static_cast<unsigned char>(byte)) << 8U;
    for (int bit = 0; bit < 8; ++bit) crc = ((crc & 0x8000U) != 0 ? (crc << 1U) ^ 0x1021U : crc << 1U) & 0xFFFFU;
  }
  return crc;
}

std::string balanced_tag(unsigned partition, unsigned partitions) {
  const unsigned first = partition * kSlots / partitions;
  const unsigned end = (partition + 1) * kSlots / partitions;
  for (unsigned n = 0;; ++n) {
    std::string tag = std::to_string(partition) + "." + std::to_string(n);
    if (const unsigned slot = crc16(tag) % kSlots; slot >= first && slot < end) return tag;
  }
}

}  // namespace

Keys::Keys(const Layout& layout)
    : prefix_(layout.prefix + ':'),
      meta_(layout.prefix + ":meta"),
      members_(layout.prefix + ":members"),
      pollers_(layout.prefix + ":pollers"),
      polled_(layout.prefix + ":pollers:instances"),
      news_(layout.prefix + ":news"),
      control_(layout.prefix + ":control"),
      audit_(layout.prefix + ":audit"),
      alerts_(layout.prefix + ":alerts"),
      alerts_lease_(layout.prefix + ":alerts:lease"),
      alert_(layout.prefix + ":alert:") {
  HOOKFLEET_CHECK(layout.partitions >= 1 && layout.partitions <= kPartitionsMax);
  tagged_.reserve(layout.partitions);
  for (unsigned partition = 0; partition < layout.partitions; ++partition) {
    std::string tag = balanced_tag(partition, layout.partitions);
    const std::string base = layout.prefix + ":{" + tag + "}:";
    tagged_.push_back({std::move(tag), base, base + "s", base + "ctl", base + "att", base + "dlq", base + "cnt", base + "inst"});
  }
}

std::string_view Keys::tag(unsigned partition) const { return tagged_.at(partition).tag; }
const std::string& Keys::stream(unsigned partition) const { return tagged_.at(partition).stream; }
const std::string& Keys::ctl(unsigned partition) const { return tagged_.at(partition).ctl; }
const std::string& Keys::att(unsigned partition) const { return tagged_.at(partition).att; }
const std::string& Keys::dlq(unsigned partition) const { return tagged_.at(partition).dlq; }
const std::string& Keys::cnt(unsigned partition) const { return tagged_.at(partition).cnt; }
const std::string& Keys::inst(unsigned partition) const { return tagged_.at(partition).inst; }

std::string Keys::poll(std::uint64_t id_instance) const { return prefix_ + "poll:" + std::to_string(id_instance); }

std::string Keys::alert(std::string_view digest16) const {
  std::string key;
  key.reserve(alert_.size() + digest16.size());
  return key.append(alert_).append(digest16);
}

std::string Keys::mark(unsigned partition, std::string_view identity16) const {
  const std::string& base = tagged_.at(partition).base;
  std::string key;
  key.reserve(base.size() + kMarkBeginning.size() + identity16.size());
  return key.append(base).append(kMarkBeginning).append(identity16);
}

std::string Keys::of(unsigned partition, std::string_view suffix) const { return tagged_.at(partition).base + std::string(suffix); }

unsigned partition_of(std::uint64_t id_instance, std::string_view order_key, unsigned partitions) {
  std::array<char, 320> bytes;
  char* end = std::to_chars(bytes.data(), bytes.data() + 20, id_instance).ptr;
  *end++ = '\0';
  const auto room = static_cast<std::size_t>(bytes.data() + bytes.size() - end);
  std::uint64_t hash = 0;
  if (order_key.size() <= room) {
    end += order_key.copy(end, order_key.size());
    hash = digest::xxh3_64({bytes.data(), static_cast<std::size_t>(end - bytes.data())});
  } else {
    hash = digest::xxh3_64(std::string(bytes.data(), end).append(order_key));
  }
  return static_cast<unsigned>(hash % partitions);
}

std::string order_key(const Layout& layout, std::uint64_t id_instance, std::string_view chat) {
  if (layout.partition_by == PartitionBy::kChat && !chat.empty()) return std::string(chat);
  return std::to_string(id_instance);
}

}  // namespace hookfleet::stream
