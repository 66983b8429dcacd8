#include "cli/commands/bench_facts.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include <version.hpp>  // the generated one, not the command beside this file
#include "base/machine.hpp"
#include "base/quantile.hpp"
#include "nn/isa.hpp"

namespace dfa::cli {
namespace {

// Runnable processes on average over 1, 5 and 15 minutes; empty where the kernel does not say.
std::vector<double> load_average() {
  std::vector<double> loads(3);
  const int known = getloadavg(loads.data(), static_cast<int>(loads.size()));
  loads.resize(static_cast<std::size_t>(std::max(known, 0)));
  return loads;
}

}  // namespace

double quantile(std::vector<double> values, double share) {
  std::ranges::sort(values);
  return quantile_of_sorted(values, share);
}

std::array<double, 3> quartiles(const std::vector<double>& values) {
  return {quantile(values, 0.25), quantile(values, 0.5), quantile(values, 0.75)};
}

nlohmann::json bench_facts_json(Precision precision, int threads) {
  const MachineFacts machine = machine_facts();
  return {
      {"schema", "dfa.bench/1"},
      {"tool", {{"version", kVersion}, {"build", kBuildId}}},
      {"machine",
       {{"cpu", machine.cpu_model},
        {"processors", machine.processors},
        {"isa", machine.isa},
        {"memory_mib", machine.memory_mib},
        {"load_average", load_average()}}},
      {"engine",
       {{"precision", precision_name(precision)},
        {"isa", effective_isa()},
        {"threads", threads > 0 ? threads : usable_processors()}}},
  };
}

std::string machine_line() {
  const MachineFacts machine = machine_facts();
  return fmt::format("{}, {} processors ({}), load average {:.2f}", machine.cpu_model, machine.processors,
                     fmt::join(machine.isa, " "), fmt::join(load_average(), ", "));
}

}  // namespace dfa::cli
