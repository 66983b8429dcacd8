// What the program tells the shell. Scripts rely on these numbers (docs/cli.md).
#pragma once

#include "base/result.hpp"

namespace dfa::cli {

enum class ExitStatus : int {
  success = 0,        // every input analysed; a picture without a face beside a scored one is no failure
  internal = 1,       // a mistake of ours, a machine that said no, results that could not be written
  usage = 2,          // options, values or arguments not understood
  no_input = 3,       // not one input could be read
  no_face = 4,        // inputs were read, none had a usable face
  model = 5,          // model missing, damaged or incompatible
  some_failed = 6,    // some inputs could not be read, others were analysed
  fake_found = 10,    // only with --exit-on-fake
  signal_base = 128,  // 130: interrupted (SIGINT), 143: terminated (SIGTERM)
};

// The status of a command that ended with `error` and nothing else to say.
ExitStatus exit_status_for(const Error& error);

}  // namespace dfa::cli
