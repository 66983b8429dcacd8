#include "train/data/pairing.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

namespace dfa::train {

namespace {

// Real crops by the names that a fake's `source` may use.
class RealNames {
 public:
  explicit RealNames(const std::vector<Sample>& samples) {
    for (std::uint32_t i = 0; i < samples.size(); ++i) {
      if (samples[i].label != 0) continue;
      paths_.emplace(samples[i].path, i);
      if (samples[i].frame) frames_.emplace(std::pair(samples[i].video, *samples[i].frame), i);
    }
  }
  std::optional<std::uint32_t> of(const Sample& fake) const {
    if (const auto found = paths_.find(fake.source); found != paths_.end()) return found->second;
    if (!fake.frame) return std::nullopt;
    const auto found = frames_.find(std::pair(fake.source, *fake.frame));
    return found == frames_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  std::unordered_map<std::string, std::uint32_t> paths_;
  std::map<std::pair<std::string, std::int64_t>, std::uint32_t> frames_;
};

// What is dealt out as one: a group, or a single crop where `fakes` is empty.
using Block = PairGroup;

class Packer {
 public:
  Packer(std::vector<Block> blocks, std::size_t batch) : blocks_(std::move(blocks)), batch_(batch), room_(batch) {
    for (std::size_t i = 0; i < blocks_.size(); ++i)
      if (blocks_[i].fakes.empty()) singles_.push_back(i);
  }

  std::vector<std::uint32_t> pack() {
    used_.assign(blocks_.size(), false);
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      if (used_[i]) continue;
      used_[i] = true;
      if (blocks_[i].fakes.empty())
        put(blocks_[i].real);
      else
        put_group(blocks_[i]);
    }
    return std::move(order_);
  }

 private:
  void put(std::uint32_t sample) {
    order_.push_back(sample);
    room_ = room_ == 1 ? batch_ : room_ - 1;
  }
  void put_group(const Block& group) {
    for (std::size_t done = 0; done < group.fakes.size();) {
      if (room_ == 1) put(next_single().value_or(group.real));
      const std::size_t count = std::min(room_ - 1, group.fakes.size() - done);
      put(group.real);
      for (std::size_t k = 0; k < count; ++k) put(group.fakes[done++]);
    }
  }
  // The next single crop that has not had its turn.
  std::optional<std::uint32_t> next_single() {
    while (next_ < singles_.size() && used_[singles_[next_]]) ++next_;
    if (next_ == singles_.size()) return std::nullopt;
    used_[singles_[next_]] = true;
    return blocks_[singles_[next_]].real;
  }

  std::vector<Block> blocks_;
  std::size_t batch_, room_;
  std::vector<bool> used_;
  std::vector<std::size_t> singles_;
  std::size_t next_ = 0;
  std::vector<std::uint32_t> order_;
};

}  // namespace

Pairing find_pairs(const std::vector<Sample>& samples) {
  const RealNames reals(samples);
  std::map<std::uint32_t, std::vector<std::uint32_t>> fakes;
  std::vector<std::optional<std::uint32_t>> real_of(samples.size());
  for (std::uint32_t i = 0; i < samples.size(); ++i)
    if (samples[i].label == 1 && !samples[i].source.empty())
      if ((real_of[i] = reals.of(samples[i]))) fakes[*real_of[i]].push_back(i);
  Pairing pairing;
  for (std::uint32_t i = 0; i < samples.size(); ++i) {
    if (real_of[i] || fakes.contains(i)) continue;
    pairing.unpaired.push_back(i);
    pairing.unpaired_fakes += samples[i].label == 1 ? 1 : 0;
  }
  for (auto& [real, list] : fakes) pairing.groups.push_back({real, std::move(list)});
  return pairing;
}

Result<std::vector<std::uint32_t>> paired_order(const std::vector<Sample>& samples, std::size_t batch,
                                                RngStream stream) {
  Pairing pairing = find_pairs(samples);
  if (pairing.groups.empty())
    return fail(ErrorCode::usage,
                "data.sampling is paired, but no fake of role train belongs to a real crop\n  next step: the manifest "
                "must name each fake's source (the real video's name or the real crop's path) and both frames");
  if (batch < 2)
    return fail(ErrorCode::usage, "data.sampling is paired, but a batch has room for {} crop beside self-blended pairs",
                batch);
  std::vector<Block> blocks = std::move(pairing.groups);
  for (const std::uint32_t single : pairing.unpaired) blocks.push_back({single, {}});
  for (Block& block : blocks) stream.shuffle(std::span(block.fakes));
  stream.shuffle(std::span(blocks));
  return Packer(std::move(blocks), batch).pack();
}

}  // namespace dfa::train
