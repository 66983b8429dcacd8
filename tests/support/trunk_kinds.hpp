// A small network for every kind of trunk that NetworkConfig can say: each field alone, and the kinds that people have.
#pragma once

#include <string>
#include <vector>

#include "nn/network_config.hpp"

namespace dfa::test {

struct TrunkKind {
  std::string name;
  NetworkConfig config;  // readout cls, no adapters, linear head
};
std::vector<TrunkKind> trunk_kinds();

// The kind with GBA and LSA, read at token 0, for images of another side; `grid` patches a side.
NetworkConfig with_adapters(NetworkConfig config);
NetworkConfig with_grid(NetworkConfig config, int grid);

}  // namespace dfa::test
