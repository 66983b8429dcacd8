// Why a figure has no value, in words. Internal to eval.
#pragma once

#include <cstddef>
#include <string>

#include "eval/metric.hpp"

namespace dfa {

// For a metric that is undefined on a sample of so many reals and fakes.
std::string why_undefined(Metric metric, std::size_t reals, std::size_t fakes);

}  // namespace dfa
