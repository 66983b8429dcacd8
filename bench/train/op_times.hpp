// Where a training step spends its time, by torch operator.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace dfa::bench {

struct OpTime {
  std::string name;    // with the sizes of its first input
  double seconds = 0;  // of its own, without the operators that it called
  std::size_t calls = 0;
};

// Counts the operators of all threads from now on; once a process.
void start_op_times();
// Those counted so far, the longest first.
std::vector<OpTime> op_times();

}  // namespace dfa::bench
