// One line on a terminal that says how far a long job is and how long it will take.
#pragma once

#include <ostream>
#include <string>
#include <string_view>

#include "cli/command.hpp"
#include "pipeline/detect_job.hpp"

namespace dfa::cli {

// "12 of 1000 files, 34 %, 2:10 left".
std::string progress_text(const Progress& progress);

// Draws over itself, a few times a second; draws nothing where standard error is no terminal.
class ProgressLine {
 public:
  ProgressLine(std::ostream& err, Terminal terminal) : err_(err), terminal_(terminal) {}
  ~ProgressLine() { wipe(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void show(const Progress& progress);
  // A job of few long steps: the step that begins.
  void show(std::string_view step);
  // Before anything else is written to the terminal; the next show() draws anew.
  void wipe();

 private:
  std::ostream& err_;
  const Terminal terminal_;
  double last_seconds_ = -1;
  bool drawn_ = false;
};

}  // namespace dfa::cli
