#include "exchange/name_map_builder.hpp"

#include <utility>

namespace dfa {

NameMapBuilder::NameMapBuilder(const NetworkConfig& config) {
  for (ParameterSpec& spec : trunk_parameters(config)) shapes_.emplace(std::move(spec.name), std::move(spec.shape));
}

void NameMapBuilder::one(const std::string& ours, const std::string& theirs, std::vector<std::int64_t> shape) {
  const auto own = shapes_.find(ours);
  if (own == shapes_.end()) return;
  map_.push_back({ours, own->second, {{theirs, shape.empty() ? own->second : std::move(shape)}}});
}

void NameMapBuilder::pair(const std::string& ours, const std::string& theirs) {
  one(ours + ".weight", theirs + ".weight");
  one(ours + ".bias", theirs + ".bias");
}

void NameMapBuilder::rows(const std::string& ours, const std::vector<std::string>& theirs) {
  const auto own = shapes_.find(ours);
  if (own == shapes_.end()) return;
  std::vector<std::int64_t> part = own->second;
  part.front() /= static_cast<std::int64_t>(theirs.size());
  MappedTensor mapped{ours, own->second, {}};
  for (const std::string& name : theirs) mapped.parts.push_back({name, part});
  map_.push_back(std::move(mapped));
}

}  // namespace dfa
