// What stands beside every timing of `dfa bench`: program, machine, engine, and the quartiles of a list of seconds.
#pragma once

#include <array>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "nn/network.hpp"

namespace dfa::cli {

// The value below which `share` (0 to 1) of the sorted values lie, linearly interpolated. Requires at least one value.
double quantile(std::vector<double> values, double share);
// Lower quartile, median, upper quartile.
std::array<double, 3> quartiles(const std::vector<double>& values);

// The keys that every form of the report begins with: schema, tool, machine (with its load average now), engine.
nlohmann::json bench_facts_json(Precision precision, int threads);
// "Xeon ..., 2 processors (avx2 ...), load average 0.12": one line without newline.
std::string machine_line();

}  // namespace dfa::cli
