#include "common/metrics/registry.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <variant>

#include "common/base/check.hpp"
#include "common/base/mutex.hpp"
#include "common/metrics/process.hpp"

namespace hookfleet::metrics {
namespace {

using CounterFamily = prometheus::Family<prometheus::Counter>;
using GaugeFamily = prometheus::Family<prometheus::Gauge>;
using HistogramFamily = prometheus::Family<prometheus::Histogram>;

struct Metric {
  std::variant<CounterFamily*, GaugeFamily*, HistogramFamily*> family;
  std::vector<std::string> labels;  ///< sorted
  std::vector<double> buckets;
};

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::kCounter: return "counter";
    case Kind::kGauge: return "gauge";
    case Kind::kHistogram: return "histogram";
  }
  return "";
}

Metric make(prometheus::Registry& registry, const Spec& spec) {
  const std::string name(spec.name), help(spec.help);
  Metric metric;
  metric.labels.assign(spec.labels.begin(), spec.labels.end());
  metric.buckets.assign(spec.buckets.begin(), spec.buckets.end());
  std::sort(metric.labels.begin(), metric.labels.end());
  HOOKFLEET_CHECK(std::adjacent_find(metric.labels.begin(), metric.labels.end()) == metric.labels.end());
  HOOKFLEET_CHECK((spec.kind == Kind::kHistogram) == !metric.buckets.empty());
  HOOKFLEET_CHECK(std::is_sorted(metric.buckets.begin(), metric.buckets.end(), std::less_equal<>()));
  switch (spec.kind) {
    case Kind::kCounter: metric.family = &prometheus::BuildCounter().Name(name).Help(help).Register(registry); break;
    case Kind::kGauge: metric.family = &prometheus::BuildGauge().Name(name).Help(help).Register(registry); break;
    case Kind::kHistogram: metric.family = &prometheus::BuildHistogram().Name(name).Help(help).Register(registry); break;
  }
  return metric;
}

}  // namespace

void Counter::add(double amount) const noexcept {
  if (counter_ != nullptr) static_cast<prometheus::Counter*>(counter_)->Increment(amount);
}
void Gauge::set(double value) const noexcept {
  if (gauge_ != nullptr) static_cast<prometheus::Gauge*>(gauge_)->Set(value);
}
void Gauge::add(double amount) const noexcept {
  if (gauge_ != nullptr) static_cast<prometheus::Gauge*>(gauge_)->Increment(amount);
}
void Histogram::observe(double value) const noexcept {
  if (histogram_ != nullptr) static_cast<prometheus::Histogram*>(histogram_)->Observe(value);
}

struct Registry::State {
  /// The family of `name` if it is a Family and has just these labels; a bug otherwise.
  template <class Family>
  std::pair<Family*, const Metric*> find(std::string_view name, Labels labels) const {
    const auto metric = metrics.find(name);
    HOOKFLEET_CHECK(metric != metrics.end());
    Family* const* family = std::get_if<Family*>(&metric->second.family);
    HOOKFLEET_CHECK(family != nullptr);
    std::vector<std::string_view> names;
    for (const auto& label : labels) names.push_back(label.first);
    std::sort(names.begin(), names.end());
    HOOKFLEET_CHECK(std::equal(names.begin(), names.end(), metric->second.labels.begin(), metric->second.labels.end()));
    return {*family, &metric->second};
  }

  static prometheus::Labels values(Labels labels) {
    prometheus::Labels result;
    for (const auto& [name, value] : labels) result.emplace(name, value);
    return result;
  }

  prometheus::Registry registry;
  std::map<std::string, Metric, std::less<>> metrics;  // filled by the constructor
  double start_time = process_start_time();
  base::Mutex scrape_mutex;  // one scrape at a time: refreshes need not lock against each other
  std::vector<std::function<void()>> refreshes HOOKFLEET_GUARDED_BY(scrape_mutex);
};

Registry::Registry(std::span<const Spec> table, std::string program) : state_(std::make_unique<State>()) {
  for (const Spec& spec : table) HOOKFLEET_CHECK(state_->metrics.emplace(spec.name, make(state_->registry, spec)).second);
  prometheus::BuildGauge()
      .Name("hookfleet_build_info")
      .Help("What runs here; always 1")
      .Register(state_->registry)
      .Add({{"program", program}, {"version", HOOKFLEET_VERSION}, {"compiler", HOOKFLEET_COMPILER}})
      .Set(1);
}

Registry::~Registry() = default;

Counter Registry::counter(std::string_view name, Labels labels) {
  Counter handle;
  handle.counter_ = &state_->find<CounterFamily>(name, labels).first->Add(State::values(labels));
  return handle;
}

Gauge Registry::gauge(std::string_view name, Labels labels) {
  Gauge handle;
  handle.gauge_ = &state_->find<GaugeFamily>(name, labels).first->Add(State::values(labels));
  return handle;
}

Histogram Registry::histogram(std::string_view name, Labels labels) {
  const auto [family, metric] = state_->find<HistogramFamily>(name, labels);
  Histogram handle;
  handle.histogram_ = &family->Add(State::values(labels), metric->buckets);
  return handle;
}

void Registry::before_scrape(std::function<void()> refresh) {
  base::MutexLock lock(state_->scrape_mutex);
  state_->refreshes.push_back(std::move(refresh));
}

std::string Registry::text() const {
  base::MutexLock lock(state_->scrape_mutex);
  for (const auto& refresh : state_->refreshes) refresh();
  std::vector<prometheus::MetricFamily> families = state_->registry.Collect();
  for (auto& family : process_families(state_->start_time)) families.push_back(std::move(family));
  // prometheus-cpp keeps series in a hash map; in order, two scrapes can be compared.
  std::sort(families.begin(), families.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  for (auto& family : families) {
    for (auto& metric : family.metric) std::sort(metric.label.begin(), metric.label.end());
    std::sort(family.metric.begin(), family.metric.end(), [](const auto& a, const auto& b) { return a.label < b.label; });
  }
  return prometheus::TextSerializer().Serialize(families);
}

std::string describe(std::span<const Spec> table) {
  std::vector<const Spec*> specs;
  for (const Spec& spec : table) specs.push_back(&spec);
  std::sort(specs.begin(), specs.end(), [](const Spec* a, const Spec* b) { return a->name < b->name; });
  std::string text;
  for (const Spec* spec : specs) {
    text.append(spec->name).append(" ").append(name_of(spec->kind));
    std::vector<std::string_view> labels(spec->labels.begin(), spec->labels.end());
    std::sort(labels.begin(), labels.end());
    text += " {";
    for (const std::string_view label : labels) text.append(label == labels.front() ? "" : ",").append(label);
    text += '}';
    for (const double bound : spec->buckets) {
      char digits[32];
      text += bound == spec->buckets.front() ? " [" : " ";
      text.append(digits, std::to_chars(digits, digits + sizeof digits, bound).ptr);
    }
    if (!spec->buckets.empty()) text += ']';
    text.append("\n  ").append(spec->help).append("\n");
  }
  return text;
}

}  // namespace hookfleet::metrics
