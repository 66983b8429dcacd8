#include "cli/commands/evaluate_page.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/machine.hpp"
#include "dataset/manifest.hpp"
#include "report/evaluation_page.hpp"
#include "report/thumbnail.hpp"

namespace dfa::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostCommandBytes = 1 << 20;
constexpr std::size_t kMostHeaderBytes = 1 << 20;

// As a shell would take it.
std::string shell_word(const std::string& word) {
  constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./=:,+@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

// This process's own, as the kernel has it; empty where it does not say.
std::string command_line() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::string line, word;
  for (std::size_t count = 0; count < kMostCommandBytes && std::getline(file, word, '\0'); count += word.size() + 1)
    line += (line.empty() ? "" : " ") + shell_word(word);
  return line;
}

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

// "avx2, fma; 2 processors".
std::string machine_words() {
  const MachineFacts facts = machine_facts();
  return fmt::format("{}, {} processors, {}", facts.cpu_model, facts.processors, fmt::join(facts.isa, " "));
}

class PagePart : public EvaluatePart {
 public:
  void add_options(CLI::App& command) override {
    CLI::Option* report =
        command.add_option("--report", file_, "Write the evaluation as one HTML file that needs nothing else");
    // These do the whole run themselves and have no scores of one detector to draw.
    for (const char* other : {"--compare", "--protocol"})
      if (CLI::Option* option = command.get_option_no_throw(other)) report->excludes(option);
    command
        .add_flag_callback(
            "--no-thumbnails", [this] { thumbnails_ = Thumbnails::leave_out; },
            "Leave the pictures of the worst errors out of --report")
        ->needs(report);
  }

  Status write(const EvaluateRun& run, CommandContext& context) override {
    if (file_.empty()) return {};
    EvaluationPage page{run.report, run.scores, command_line(), {{"machine", machine_words()}}, {}};
    DFA_TRY(add_hashes(run.options.data, page.versions));
    DFA_TRY(add_hashes(run.options.from, page.versions));
    DFA_ASSIGN_OR_RETURN(const CropFinder finder, CropFinder::of(run));
    if (thumbnails_ == Thumbnails::show)
      page.thumbnail = [&](std::size_t row) { return picture_of(finder.find(run.scores.row(row)), context); };
    return write_file_atomically(file_, evaluation_page_html(page));
  }

 private:
  enum class Thumbnails { show, leave_out };

  static Status add_hashes(const std::vector<std::string>& files, std::vector<CardItem>& items) {
    for (const std::string& file : files) {
      if (!is_regular(file)) continue;  // standard input has been read
      DFA_ASSIGN_OR_RETURN(const std::string sha256, sha256_file(file));
      items.push_back({"SHA-256 of " + file, sha256});
    }
    return {};
  }

  // A crop that cannot be shown is no reason to lose the report.
  static std::string picture_of(const fs::path& crop, CommandContext& context) {
    if (crop.empty()) return "";
    const Result<std::string> uri = thumbnail_uri(crop);
    if (uri) return *uri;
    log_to(*context.log, LogLevel::warning, "no thumbnail: {}", uri.error().message);
    return "";
  }

  std::string file_;
  Thumbnails thumbnails_ = Thumbnails::show;
};

}  // namespace

std::unique_ptr<EvaluatePart> make_page_part() {
  return std::make_unique<PagePart>();
}

}  // namespace dfa::cli
