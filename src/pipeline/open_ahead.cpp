#include "pipeline/open_ahead.hpp"

#include <atomic>
#include <utility>

namespace dfa {

struct OpenAhead::Ahead {
  OpenMedia open;
  std::string path;
  std::future<Intake> intake;
  std::atomic<bool> taken{false};
};

OpenAhead::OpenAhead(OpenMedia open, std::string path, IntakeOptions options) : ahead_(std::make_shared<Ahead>()) {
  ahead_->open = std::move(open);
  ahead_->path = std::move(path);
  ahead_->intake = std::async(
      [open = ahead_->open, path = ahead_->path, options = std::move(options)] { return open(path, options); });
}

OpenMedia OpenAhead::opener() const {
  return [ahead = ahead_](const std::string& path, const IntakeOptions& options) {
    if (path == ahead->path && !ahead->taken.exchange(true)) return ahead->intake.get();
    return ahead->open(path, options);
  };
}

}  // namespace dfa
