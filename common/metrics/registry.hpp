#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Metric tables and the listener that serves them. Only user of prometheus-cpp.
namespace hookfleet::metrics {

enum class Kind { kCounter, kGauge, kHistogram };

/// Upper bounds of a histogram's buckets.
using Buckets = std::span<const double>;

/// Label names of a family, at most 4. (A std::initializer_list can't stand in a constexpr table with gcc 12.)
class LabelNames {
 public:
  constexpr LabelNames(std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names) names_[count_++] = name;
  }
  constexpr const std::string_view* begin() const { return names_.data(); }
  constexpr const std::string_view* end() const { return names_.data() + count_; }
  constexpr std::size_t size() const { return count_; }

 private:
  std::array<std::string_view, 4> names_{};
  std::size_t count_ = 0;
};

/// One metric family. A process's metrics.hpp holds a constexpr table of these: the whole truth about what it exports.
struct Spec {
  Kind kind;
  std::string_view name;  ///< hookfleet_<part>_<what>_<unit>
  std::string_view help;
  LabelNames labels = {};  ///< label names; values come from closed sets
  Buckets buckets = {};    ///< histograms only
};

/// Several tables as one: a process's own rows and those of its parts.
template <std::size_t... Sizes>
constexpr std::array<Spec, (Sizes + ...)> join(const Spec (&... tables)[Sizes]) {
  std::array<Spec, (Sizes + ...)> all{};
  auto* end = all.data();
  ((end = std::copy(std::begin(tables), std::end(tables), end)), ...);
  return all;
}

/// Handles write into the registry; they are cheap to copy, valid as long as the Registry lives, and may be used from any thread.
/// A handle made by itself writes nowhere. A counter ignores negative amounts.
class Counter {
 public:
  void add(double amount = 1) const noexcept;

 private:
  friend class Registry;
  void* counter_ = nullptr;
};
class Gauge {
 public:
  void set(double value) const noexcept;
  void add(double amount) const noexcept;

 private:
  friend class Registry;
  void* gauge_ = nullptr;
};
class Histogram {
 public:
  void observe(double value) const noexcept;

 private:
  friend class Registry;
  void* histogram_ = nullptr;
};

using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

/// Owns a process's metrics: those of its table, `hookfleet_build_info` and `process_*`.
/// Asking for a name that the table lacks, of another kind or with other label names, is a bug (HOOKFLEET_CHECK).
/// Ask at construction time for every label value, so that each series exists from the start with 0. Any thread.
class Registry {
 public:
  Registry(std::span<const Spec> table, std::string program);
  ~Registry();

  Counter counter(std::string_view name, Labels labels = {});
  Gauge gauge(std::string_view name, Labels labels = {});
  Histogram histogram(std::string_view name, Labels labels = {});

  /// Run before each scrape, one scrape at a time, to refresh gauges that are cheaper asked than kept. Must not block, throw or scrape;
  /// what it captures outlives the last scrape.
  void before_scrape(std::function<void()> refresh);
  /// Prometheus text format 0.0.4, sorted by name and labels.
  std::string text() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// A table as text, sorted by name: name, kind, labels, buckets, help. Golden files pin it (tests/support/golden.hpp), so that a rename is
/// a visible change.
std::string describe(std::span<const Spec> table);

}  // namespace hookfleet::metrics
