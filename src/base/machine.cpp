#include "base/machine.hpp"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string_view>

namespace dfa {
namespace {

constexpr std::array<std::string_view, 8> kWanted = {"avx2",        "fma",         "avx512f",  "avx512bw",
                                                     "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8"};

std::string after_colon(const std::string& line) {
  const auto at = line.find(": ");
  return at == std::string::npos ? std::string() : line.substr(at + 2);
}

}  // namespace

MachineFacts machine_facts() {
  MachineFacts facts;
  facts.processors = usable_processors();
  facts.memory_mib = static_cast<long>(sysconf(_SC_PHYS_PAGES) / 1024 * (sysconf(_SC_PAGE_SIZE) / 1024));
  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line);) {
    if (line.starts_with("model name") && facts.cpu_model.empty()) facts.cpu_model = after_colon(line);
    if (line.starts_with("flags") && facts.isa.empty()) {
      std::istringstream flags(after_colon(line));
      for (std::string flag; flags >> flag;)
        if (std::find(kWanted.begin(), kWanted.end(), flag) != kWanted.end()) facts.isa.push_back(flag);
    }
  }
  return facts;
}

int usable_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

std::vector<int> usable_processor_numbers() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> numbers;
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return numbers;
  for (int number = 0; number < CPU_SETSIZE; ++number)
    if (CPU_ISSET(number, &set)) numbers.push_back(number);
  return numbers;
}

Status bind_thread(int processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (processor < 0 || processor >= CPU_SETSIZE)
    return fail(ErrorCode::internal, "there is no processor {}", processor);
  CPU_SET(processor, &set);
  if (sched_setaffinity(0, sizeof(set), &set) == 0) return {};
  return fail(ErrorCode::internal, "a thread could not be bound to processor {}: {}", processor, std::strerror(errno));
}

double peak_memory_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024.0;
}

}  // namespace dfa
