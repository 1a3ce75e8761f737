#pragma once

#include <vector>

#include <prometheus/metric_family.h>

namespace hookfleet::metrics {

/// When the process started, in seconds since the Unix epoch; 0 when /proc doesn't say.
double process_start_time();

/// The standard process_* families of now (https://prometheus.io/docs/instrumenting/writing_clientlibs, "Process metrics").
std::vector<prometheus::MetricFamily> process_families(double start_time);

}  // namespace hookfleet::metrics
