#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hookfleet::stream {

/// What partitions of a key space is the same for all programs of a fleet; `hf:meta` holds it in Redis (check_layout).
enum class PartitionBy { kChat, kInstance };

inline constexpr unsigned kPartitionsMax = 1024;

struct Layout {
  std::string prefix = "hf";
  unsigned partitions = 32;  ///< 1 … kPartitionsMax; the upper bound of useful workers
  PartitionBy partition_by = PartitionBy::kChat;
};

/// What names of keys are made of, for whoever meets keys and must tell the fleet's from others: behind the prefix, whole or its beginning,
/// of those that belong to no partition, and behind the hash tag, whole or its beginning, of those of a partition.
inline constexpr std::array<std::string_view, 9> kFleetKeys{"meta",    "members", "pollers", "pollers:instances", "news",
                                                            "control", "audit",   "alerts",  "alerts:lease"};
inline constexpr std::array<std::string_view, 2> kFleetKeyBeginnings{"alert:", "poll:"};
inline constexpr std::array<std::string_view, 6> kPartitionKeys{"s", "ctl", "att", "dlq", "cnt", "inst"};
inline constexpr std::array<std::string_view, 2> kPartitionKeyBeginnings{"msg:", "chat:"};
inline constexpr std::string_view kMarkBeginning = "m:";  ///< the 16 bytes of an identity follow
inline constexpr std::size_t kMarkIdentitySize = 16;

/// Names of all Redis keys (what each holds: their types, in this folder and in common/lease). The hash tag of partition p is the smallest
/// `p.n` whose CRC16 slot lies in
/// [p·16384/K, (p+1)·16384/K), so that partitions spread evenly over the masters of a cluster. Immutable; any thread.
class Keys {
 public:
  explicit Keys(const Layout& layout);

  unsigned partitions() const { return static_cast<unsigned>(tagged_.size()); }
  std::string_view tag(unsigned partition) const;                           ///< "0.13"
  const std::string& stream(unsigned partition) const;                      ///< hf:{t}:s
  const std::string& ctl(unsigned partition) const;                         ///< hf:{t}:ctl
  const std::string& att(unsigned partition) const;                         ///< hf:{t}:att
  const std::string& dlq(unsigned partition) const;                         ///< hf:{t}:dlq
  const std::string& cnt(unsigned partition) const;                         ///< hf:{t}:cnt
  const std::string& inst(unsigned partition) const;                        ///< hf:{t}:inst
  std::string mark(unsigned partition, std::string_view identity16) const;  ///< hf:{t}:m:<16 bytes>
  /// hf:{t}:<suffix>: for keys with a part of their own (msg:, chat:).
  std::string of(unsigned partition, std::string_view suffix) const;

  const std::string& meta() const { return meta_; }        ///< hf:meta
  const std::string& members() const { return members_; }  ///< hf:members: the workers
  const std::string& pollers() const { return pollers_; }  ///< hf:pollers
  /// hf:pollers:instances: a sorted set, what the pollers are to fetch for by when one of them said so last (Unix ms by its clock)
  const std::string& polled() const { return polled_; }
  const std::string& news() const { return news_; }        ///< hf:news
  const std::string& control() const { return control_; }  ///< hf:control: run-time wishes of the operator
  const std::string& audit() const { return audit_; }      ///< hf:audit: a stream, what operators did

  const std::string& alerts() const { return alerts_; }              ///< hf:alerts: a stream, what operators are to be told
  const std::string& alerts_lease() const { return alerts_lease_; }  ///< hf:alerts:lease: who delivers them, and how far each sink is
  std::string poll(std::uint64_t id_instance) const;                 ///< hf:poll:<idInstance>: the lease of who fetches for it
  std::string alert(std::string_view digest16) const;                ///< hf:alert:<16 bytes>: told within the window

 private:
  struct Tagged {
    std::string tag, base, stream, ctl, att, dlq, cnt, inst;
  };
  std::vector<Tagged> tagged_;
  std::string prefix_, meta_, members_, pollers_, polled_, news_, control_, audit_, alerts_, alerts_lease_, alert_;
};

/// The partition of a notification: XXH3_64bits (seed 0) of decimal idInstance, NUL, order key; modulo the number of partitions.
unsigned partition_of(std::uint64_t id_instance, std::string_view order_key, unsigned partitions);

/// What keeps its order: the chat when the layout partitions by chat and there is one, otherwise the instance.
std::string order_key(const Layout& layout, std::uint64_t id_instance, std::string_view chat);

}  // namespace hookfleet::stream
