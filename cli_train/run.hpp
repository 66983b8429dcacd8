// dfa-train as a function: tests call it in their own process.
#pragma once

#include <ostream>
#include <span>
#include <string>

#include "base/cancel.hpp"

namespace dfa::cli_train {

struct Streams {
  std::ostream& out;             // results
  std::ostream& err;             // everything else
  bool err_is_terminal = false;  // progress is drawn only there
};

// argv without the program's name. Returns the exit status: 0 done, 1 a proof failed or our own mistake, 2 usage, 3
// data unreadable, 5 model or checkpoint missing or incompatible, 6 some cells of a study failed, 7 another rank
// died, hangs or never came, 128 + n after signal n. Never throws.
int run(std::span<const std::string> argv, Streams streams, const CancelFlag& cancel);

}  // namespace dfa::cli_train
