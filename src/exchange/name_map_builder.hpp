// Fills a NameMap for a trunk: shapes of ours come from the network's own list. Private to the room.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "exchange/name_map.hpp"
#include "nn/network_config.hpp"

namespace dfa {

// A name of ours that the configuration has not (a patch bias that --set took away) is left out: their tensor is then
// reported as unexpected.
class NameMapBuilder {
 public:
  explicit NameMapBuilder(const NetworkConfig& config);

  // All of `ours` is their tensor `theirs`, of our shape, or of `shape` with the same values.
  void one(const std::string& ours, const std::string& theirs, std::vector<std::int64_t> shape = {});
  // Weight and bias.
  void pair(const std::string& ours, const std::string& theirs);
  // Our rows are theirs, one tensor below the other, all of the same height. An empty name: they have none.
  void rows(const std::string& ours, const std::vector<std::string>& theirs);

  NameMap take() { return std::move(map_); }

 private:
  std::map<std::string, std::vector<std::int64_t>, std::less<>> shapes_;
  NameMap map_;
};

}  // namespace dfa
