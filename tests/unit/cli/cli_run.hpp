// The program called in this process.
#pragma once

#include <sstream>
#include <string>
#include <vector>

#include "cli/run.hpp"

namespace dfa::test {

struct Ran {
  int status = 0;
  std::string out;
  std::string err;
};

inline Ran run_dfa(const std::vector<std::string>& arguments, const std::string& input = "",
                   const CancelFlag& cancel = {}) {
  std::istringstream in(input);
  std::ostringstream out, err;
  const int status = cli::run(arguments, {in, out, err, cli::Terminal::no}, cancel);
  return {status, out.str(), err.str()};
}

}  // namespace dfa::test
