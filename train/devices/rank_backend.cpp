#include "train/devices/rank_backend.hpp"

#include <unistd.h>

#include <cstdlib>
#include <map>
#include <vector>

#include "train/devices/nccl_sums.hpp"

namespace dfa::train {

namespace {

constexpr std::size_t kMostReason = 1000;

// Names a GPU among all machines. What CUDA shows a process may have been chosen for it by its launcher, so that the
// same number means another GPU.
std::string place_of(const Device& device) {
  char host[256] = {};
  gethostname(host, sizeof host - 1);
  const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
  return fmt::format("{} of {} (CUDA_VISIBLE_DEVICES {})", device_name(device), host,
                     visible == nullptr ? "unset" : visible);
}

// Why these ranks cannot use NCCL, in words that are the same on every rank; nothing where they can. A meeting.
Result<std::optional<std::string>> find_obstacle(RankGroup& group, const Device& device, const NcclProbe& probe) {
  DFA_ASSIGN_OR_RETURN(const std::vector<std::string> places, group.gather(place_of(device)));
  DFA_ASSIGN_OR_RETURN(const std::vector<std::string> reasons,
                       group.gather(probe().value_or("").substr(0, kMostReason)));
  std::map<std::string, std::size_t> owners;
  for (std::size_t rank = 0; rank < places.size(); ++rank) {
    const auto [owner, is_new] = owners.try_emplace(places[rank], rank);
    if (!is_new)
      return std::optional(fmt::format("ranks {} and {} both have {}, and NCCL wants a GPU for each rank",
                                       owner->second, rank, places[rank]));
  }
  for (std::size_t rank = 0; rank < reasons.size(); ++rank)
    if (!reasons[rank].empty()) return std::optional(fmt::format("rank {}: {}", rank, reasons[rank]));
  return std::optional<std::string>();
}

}  // namespace

std::optional<std::string> why_no_nccl() {
  const auto make = load_nccl();
  return make ? std::nullopt : std::optional(make.error().message);
}

Result<std::string> choose_rank_backend(RankGroup& group, const Device& device, RankBackend wish,
                                        const NcclProbe& probe) {
  if (device.kind == DeviceKind::cpu) {
    if (wish != RankBackend::nccl) return std::string();
    return fail(ErrorCode::usage,
                "configuration: \"rank_backend\" is \"nccl\", which joins GPUs, and the device is cpu\n  next step: "
                "\"rank_backend\" gloo or auto, or \"device\" cuda");
  }
  if (group.is_alone()) return std::string();
  if (wish == RankBackend::gloo) return std::string("ranks meet over gloo, through host memory");
  DFA_ASSIGN_OR_RETURN(const std::optional<std::string> obstacle, find_obstacle(group, device, probe));
  if (!obstacle) {
    DFA_TRY(group.meet_on_device(device));
    return std::string("ranks meet over nccl");
  }
  if (wish == RankBackend::automatic)
    return fmt::format("ranks meet over gloo, through host memory; no nccl: {}", *obstacle);
  return fail(ErrorCode::usage, "\"rank_backend\" nccl cannot be had: {}", *obstacle);
}

}  // namespace dfa::train
