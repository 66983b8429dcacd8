#include "cli/commands/evaluate_page.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/file.hpp"
#include "cli/commands/page_origin.hpp"
#include "dataset/manifest.hpp"
#include "report/evaluation_page.hpp"
#include "report/thumbnail.hpp"

namespace dfa::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostHeaderBytes = 1 << 20;

// The folder of a manifest's crops, from its first line alone.
Result<fs::path> root_of(const fs::path& manifest) {
  std::ifstream file(manifest, std::ios::binary);
  std::string header;
  for (char c = 0; header.size() < kMostHeaderBytes && file.get(c) && c != '\n';) header += c;
  DFA_ASSIGN_OR_RETURN(const Manifest empty, parse_manifest(header + "\n", manifest.string()));
  return manifest_root(empty, manifest);
}

bool is_regular(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

// Where the crops of rows lie: below the root of the manifest that a row's video names, or, of scores from files, where
// their paths say.
class CropFinder {
 public:
  static Result<CropFinder> of(const EvaluateRun& run) {
    CropFinder finder;
    for (const std::string& manifest : run.options.data) {
      DFA_ASSIGN_OR_RETURN(fs::path root, root_of(manifest));
      finder.roots_.push_back(std::move(root));
    }
    return finder;
  }

  fs::path find(const ScoreRow& row) const {
    if (roots_.empty()) return is_regular(row.path) ? fs::path(row.path) : fs::path();
    for (const fs::path& root : roots_) {
      const std::string prefix = root.lexically_normal().generic_string();
      const bool is_its = roots_.size() == 1 || row.video.starts_with(prefix);
      if (is_its && is_regular(root / row.path)) return root / row.path;
    }
    return {};
  }

 private:
  std::vector<fs::path> roots_;
};

class PagePart : public EvaluatePart {
 public:
  void add_options(CLI::App& command) override {
    CLI::Option* report = command.get_option("--report");
    // It does the whole run itself and has no scores of one detector to draw.
    report->excludes(command.get_option("--compare"));
    command
        .add_flag_callback(
            "--no-thumbnails", [this] { thumbnails_ = Thumbnails::leave_out; },
            "Leave the pictures of the worst errors out of --report")
        ->needs(report)
        ->excludes(command.get_option("--protocol"));  // whose page has no pictures
  }

  Status write(const EvaluateRun& run, CommandContext& context) override {
    if (run.options.page.empty()) return {};
    DFA_ASSIGN_OR_RETURN(PageOrigin origin, page_origin({run.options.data, run.options.from}));
    EvaluationPage page{run.report, run.scores, std::move(origin.command_line), std::move(origin.items), {}};
    DFA_ASSIGN_OR_RETURN(const CropFinder finder, CropFinder::of(run));
    if (thumbnails_ == Thumbnails::show)
      page.thumbnail = [&](std::size_t row) { return picture_of(finder.find(run.scores.row(row)), context); };
    return write_file_atomically(run.options.page, evaluation_page_html(page));
  }

 private:
  enum class Thumbnails { show, leave_out };

  // A crop that cannot be shown is no reason to lose the report.
  static std::string picture_of(const fs::path& crop, CommandContext& context) {
    if (crop.empty()) return "";
    const Result<std::string> uri = thumbnail_uri(crop);
    if (uri) return *uri;
    log_to(*context.log, LogLevel::warning, "no thumbnail: {}", uri.error().message);
    return "";
  }

  Thumbnails thumbnails_ = Thumbnails::show;
};

}  // namespace

std::unique_ptr<EvaluatePart> make_page_part() {
  return std::make_unique<PagePart>();
}

}  // namespace dfa::cli
