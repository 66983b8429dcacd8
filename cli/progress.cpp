#include "cli/progress.hpp"

#include <fmt/format.h>

#include <cmath>

namespace dfa::cli {
namespace {

constexpr double kSecondsBetweenDraws = 0.2;
constexpr double kSettled = 2;  // seconds before the pace says anything
constexpr const char* kWipe = "\r\x1b[K";

std::string clock_text(double seconds) {
  const long whole = std::lround(std::min(seconds, 360000.0));
  const long hours = whole / 3600, minutes = whole / 60 % 60;
  if (hours > 0) return fmt::format("{}:{:02}:{:02}", hours, minutes, whole % 60);
  return fmt::format("{}:{:02}", minutes, whole % 60);
}

}  // namespace

std::string progress_text(const Progress& progress) {
  std::string text = fmt::format("{} of {} {}, {:.0f} %", progress.items_done, progress.items_all,
                                 progress.items_all == 1 ? "file" : "files", 100 * progress.share);
  if (progress.seconds >= kSettled && progress.share > 0)
    text += fmt::format(", {} left", clock_text(progress.seconds_left));
  return text;
}

void ProgressLine::show(const Progress& progress) {
  if (terminal_ == Terminal::no || (last_seconds_ >= 0 && progress.seconds - last_seconds_ < kSecondsBetweenDraws))
    return;
  last_seconds_ = progress.seconds;
  drawn_ = true;
  err_ << kWipe << progress_text(progress) << std::flush;
}

void ProgressLine::show(std::string_view step) {
  if (terminal_ == Terminal::no) return;
  drawn_ = true;
  err_ << kWipe << step << std::flush;
}

void ProgressLine::wipe() {
  if (!drawn_) return;
  err_ << kWipe << std::flush;
  drawn_ = false;
  last_seconds_ = -1;
}

}  // namespace dfa::cli
