#include "train/devices/shares.hpp"

#include <sched.h>
#include <unistd.h>

#include <algorithm>

#include "base/hash.hpp"
#include "base/machine.hpp"

namespace dfa::train {

namespace {

// Host name and the processors this process may use.
std::string place_of_process() {
  char host[256] = {};
  gethostname(host, sizeof host - 1);
  std::string text = std::string(host) + " ";
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return text;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) text += CPU_ISSET(cpu, &set) ? '1' : '0';
  return text;
}

}  // namespace

Result<int> micro_batch_size(const RunConfig& config, int ranks) {
  const std::int64_t parts = static_cast<std::int64_t>(ranks) * config.accumulate;
  if (config.batch % parts != 0)
    return fail(ErrorCode::usage,
                "configuration: \"batch\" is {}, expected a multiple of {} (ranks {} x accumulate {})\n  next step: "
                "\"batch\" {} or {}",
                config.batch, parts, ranks, config.accumulate, std::max(config.batch / parts, std::int64_t{1}) * parts,
                (config.batch / parts + 1) * parts);
  const int size = static_cast<int>(config.batch / parts);
  const int together = config.head_statistics == HeadStatistics::whole ? size * ranks : size;
  if (together < 2)
    return fail(
        ErrorCode::usage,
        "configuration: \"batch\" {} in {} parts leaves one crop for the head's statistics, expected at least 2",
        config.batch, parts);
  return size;
}

std::vector<Slot> slots_of_rank(const std::vector<Slot>& slots, int batch, int micro_batch, const RankGroup& group) {
  const std::size_t size = static_cast<std::size_t>(micro_batch);
  const std::size_t whole = slots.size() - slots.size() % static_cast<std::size_t>(batch);
  const std::size_t block = size * static_cast<std::size_t>(group.size());
  std::vector<Slot> mine;
  for (std::size_t begin = size * static_cast<std::size_t>(group.rank()); begin + size <= whole; begin += block)
    mine.insert(mine.end(), slots.begin() + static_cast<std::ptrdiff_t>(begin),
                slots.begin() + static_cast<std::ptrdiff_t>(begin + size));
  return mine;
}

std::vector<std::uint32_t> blocks_of_rank(std::size_t count, int block, const RankGroup& group) {
  std::vector<std::uint32_t> mine;
  const std::size_t size = static_cast<std::size_t>(block);
  const std::size_t round = size * static_cast<std::size_t>(group.size());
  for (std::size_t begin = size * static_cast<std::size_t>(group.rank()); begin < count; begin += round)
    for (std::size_t place = begin; place < std::min(begin + size, count); ++place)
      mine.push_back(static_cast<std::uint32_t>(place));
  return mine;
}

Result<std::vector<Batch>> next_parts(BatchLoader& loader, int accumulate) {
  std::vector<Batch> parts;
  for (int i = 0; i < accumulate; ++i) {
    DFA_ASSIGN_OR_RETURN(std::optional<Batch> part, loader.next());
    if (!part) break;
    parts.push_back(std::move(*part));
  }
  return parts;
}

Result<bool> agree_any(RankGroup& group, bool here) {
  double count = here ? 1 : 0;
  DFA_TRY(group.sum(std::span(&count, 1)));
  return count > 0;
}

Status agree_equal(RankGroup& group, std::string_view what, const std::string& text) {
  if (group.is_alone()) return {};
  DFA_ASSIGN_OR_RETURN(const std::vector<std::string> hashes, group.gather(sha256_hex(text)));
  for (std::size_t rank = 1; rank < hashes.size(); ++rank)
    if (hashes[rank] != hashes.front())
      return fail(
          ErrorCode::usage,
          "rank {} has another {} than rank 0\n  next step: start all ranks with the same program, configuration "
          "and files",
          rank, what);
  return {};
}

Result<int> threads_of_rank(RankGroup& group, int threads) {
  if (threads > 0 || group.is_alone()) return threads;
  DFA_ASSIGN_OR_RETURN(const std::vector<std::string> places, group.gather(place_of_process()));
  const std::string& mine = places[static_cast<std::size_t>(group.rank())];
  const int sharing = static_cast<int>(std::count(places.begin(), places.end(), mine));
  return std::max(1, usable_processors() / sharing);
}

}  // namespace dfa::train
