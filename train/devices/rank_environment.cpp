#include "train/devices/rank_environment.hpp"

#include <charconv>
#include <cstdlib>
#include <string_view>

namespace dfa::train {

namespace {

constexpr int kMostRanks = 4096, kMostPort = 65535;
constexpr const char* kNeeded[] = {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"};
constexpr const char* kAdded[] = {"LOCAL_RANK", "LOCAL_WORLD_SIZE"};

Result<int> whole_number(const char* name, const std::string& text, int low, int high) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < low || value > high)
    return fail(ErrorCode::usage, "environment: {} is \"{}\", expected a whole number from {} to {}", name,
                text.substr(0, 60), low, high);
  return value;
}

// Names of the list that are set, or that are not, with commas.
template <std::size_t count>
std::string names(const char* const (&list)[count], const EnvironmentReader& read, bool set) {
  std::string text;
  for (const char* name : list)
    if (read(name).has_value() == set) text += (text.empty() ? "" : ", ") + std::string(name);
  return text;
}

Result<int> number_of(const char* name, const EnvironmentReader& read, int low, int high) {
  return whole_number(name, *read(name), low, high);
}

// What a launcher adds. Errors: usage.
Status read_local(const EnvironmentReader& read, RankEnvironment& to) {
  to.local_rank = to.rank;
  if (read("LOCAL_RANK")) {
    DFA_ASSIGN_OR_RETURN(to.local_rank, number_of("LOCAL_RANK", read, 0, kMostRanks - 1));
    if (to.local_rank > to.rank)
      return fail(ErrorCode::usage, "environment: LOCAL_RANK is {} and RANK {}: a rank has no higher number at home",
                  to.local_rank, to.rank);
  }
  if (!read("LOCAL_WORLD_SIZE")) return {};
  DFA_ASSIGN_OR_RETURN(const int local_size, number_of("LOCAL_WORLD_SIZE", read, 1, kMostRanks));
  if (local_size > to.size || to.local_rank >= local_size)
    return fail(ErrorCode::usage,
                "environment: LOCAL_RANK is {}, LOCAL_WORLD_SIZE {} and WORLD_SIZE {}, expected LOCAL_RANK < "
                "LOCAL_WORLD_SIZE <= WORLD_SIZE",
                to.local_rank, local_size, to.size);
  return {};
}

}  // namespace

std::optional<std::string> process_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

Result<RankEnvironment> read_rank_environment(const EnvironmentReader& read) {
  const std::string missing = names(kNeeded, read, false), set = names(kNeeded, read, true);
  const std::string added = names(kAdded, read, true);
  if (set.empty() && added.empty()) return RankEnvironment{};
  if (!missing.empty())
    return fail(ErrorCode::usage,
                "environment: {} set, but not {}\n  next step: start every rank with RANK, WORLD_SIZE, MASTER_ADDR "
                "and MASTER_PORT (torchrun sets them), or unset all of them for one process",
                set.empty() ? added : set, missing);
  RankEnvironment to;
  DFA_ASSIGN_OR_RETURN(to.size, number_of("WORLD_SIZE", read, 1, kMostRanks));
  DFA_ASSIGN_OR_RETURN(to.rank, number_of("RANK", read, 0, kMostRanks - 1));
  if (to.rank >= to.size)
    return fail(ErrorCode::usage, "environment: RANK is {} and WORLD_SIZE {}, expected RANK from 0 to {}", to.rank,
                to.size, to.size - 1);
  DFA_ASSIGN_OR_RETURN(to.port, number_of("MASTER_PORT", read, 1, kMostPort));
  to.address = *read("MASTER_ADDR");
  if (to.address.empty())
    return fail(ErrorCode::usage, "environment: MASTER_ADDR is empty, expected the address of rank 0's machine");
  DFA_TRY(read_local(read, to));
  if (read("TORCHELASTIC_USE_AGENT_STORE") == "True") {
    to.store_host = StoreHost::launcher;
    to.store_prefix = "/worker/attempt_" + read("TORCHELASTIC_RESTART_COUNT").value_or("0");
  }
  return to;
}

}  // namespace dfa::train
