// Opens the first input while the rest of a job is made ready.
#pragma once

#include <future>
#include <memory>
#include <string>

#include "pipeline/media_source.hpp"

namespace dfa {

// Counting the packets of a long video takes longer than loading a small model: both at once shorten the wait for a
// single file. Destroying it waits for the opening to end.
class OpenAhead {
 public:
  // Opens `path` by `open` on a thread of its own, or, where there is none to be had, when it is asked for.
  OpenAhead(OpenMedia open, std::string path, IntakeOptions options);

  // As `open`, but the first call for that path takes what was opened ahead; the function outlives this object.
  // Requires that the options of that call equal those given here. Thread-safe.
  OpenMedia opener() const;

 private:
  struct Ahead;
  std::shared_ptr<Ahead> ahead_;
};

}  // namespace dfa
