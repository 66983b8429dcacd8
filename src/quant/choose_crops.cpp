#include "quant/choose_crops.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "base/rng.hpp"

namespace dfa {
namespace {

constexpr int kUnlabelled = -1;

// Lists of which one element is taken in turn, until all are empty.
using Queue = std::vector<std::size_t>;

Queue in_turns(const std::vector<Queue>& queues) {
  Queue merged;
  std::size_t longest = 0;
  for (const Queue& queue : queues) longest = std::max(longest, queue.size());
  for (std::size_t i = 0; i < longest; ++i)
    for (const Queue& queue : queues)
      if (i < queue.size()) merged.push_back(queue[i]);
  return merged;
}

}  // namespace

Result<std::vector<std::size_t>> choose_crops(const Manifest& manifest, Role role, std::size_t count,
                                              std::int64_t seed) {
  std::map<int, std::map<std::pair<std::string, std::string>, Queue>> classes;
  for (std::size_t i = 0; i < manifest.entries.size(); ++i) {
    const ManifestEntry& entry = manifest.entries[i];
    if (entry.role == role) classes[entry.label.value_or(kUnlabelled)][{entry.set, entry.method}].push_back(i);
  }
  if (classes.empty())
    return fail(ErrorCode::manifest_invalid,
                "no crop has role {}\n  next step: name another role, or a manifest with one", role_name(role));
  RngStream rng(static_cast<std::uint64_t>(seed), "quant.crops");
  std::vector<Queue> by_class;
  for (auto& [label, sources] : classes) {
    std::vector<Queue> queues;
    for (auto& [source, entries] : sources) {
      rng.shuffle(std::span(entries));
      queues.push_back(std::move(entries));
    }
    by_class.push_back(in_turns(queues));
  }
  std::vector<std::size_t> chosen = in_turns(by_class);
  chosen.resize(std::min(chosen.size(), count));
  return chosen;
}

}  // namespace dfa
