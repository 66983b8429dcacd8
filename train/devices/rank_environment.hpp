// Which process of a training this is: torchrun's environment, read once and checked.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/result.hpp"

namespace dfa::train {

// Who holds the store in which the ranks meet: rank 0, or torchrun's agent (TORCHELASTIC_USE_AGENT_STORE).
enum class StoreHost { rank_zero, launcher };

struct RankEnvironment {
  int rank = 0;
  int size = 1;        // ranks; 1 = a process alone, the rest means nothing then
  int local_rank = 0;  // among those of this machine: which device it takes
  std::string address;
  int port = 0;
  StoreHost store_host = StoreHost::rank_zero;
  std::string store_prefix;  // of the launcher's store: one a restart
};

// A variable's value, or nothing.
using EnvironmentReader = std::function<std::optional<std::string>(const char*)>;
std::optional<std::string> process_environment(const char* name);

// RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT, all or none; LOCAL_RANK and LOCAL_WORLD_SIZE where a launcher gives
// them (without LOCAL_RANK the ranks are taken to be on one machine). None of them: one process. Errors: usage, naming
// every variable that is missing, unreadable or contradicts another.
Result<RankEnvironment> read_rank_environment(const EnvironmentReader& read = process_environment);

}  // namespace dfa::train
