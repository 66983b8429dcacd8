// Valid network configurations drawn by chance: engine and training are compared on the same ones.
#pragma once

#include <cstdint>
#include <string>

#include "nn/network_config.hpp"

namespace dfa::test {

// The seed and number of configurations that all comparisons use.
inline constexpr std::uint64_t kRandomConfigSeed = 2023;
inline constexpr int kRandomConfigs = 20;

// Configuration `index` of `seed`: small enough for the reference loops, odd enough to find what is hard-wired. Stages
// 1 to 4, heads that differ between trunk and interactions, widths that fill no vector, patches of 8 and 16, with and
// without each adapter, every read-out, every field that tells kinds of trunks apart. The first three of any seed have
// GBA and LSA and read token0, cls and level_mean; those from 6 to 13 force what the kinds of trunks differ in.
NetworkConfig random_config(std::uint64_t seed, int index);

// In one line, for messages.
std::string describe(const NetworkConfig& config);

}  // namespace dfa::test
