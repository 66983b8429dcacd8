// What every engine asks of the arguments of forward.
#pragma once

#include <span>

#include "base/result.hpp"
#include "nn/network.hpp"

namespace dfa {

// Errors: usage, with what was got and expected.
Status check_forward(const NetworkConfig& config, std::span<const float> images, int n, const ForwardOutput& output);

}  // namespace dfa
