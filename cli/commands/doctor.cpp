#include "cli/commands/doctor.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>
#include <string>

#include "base/file.hpp"
#include "cli/options.hpp"
#include "cli/progress.hpp"
#include "dataset/dfb_json.hpp"
#include "doctor/examine.hpp"
#include "doctor/report.hpp"

namespace dfa::cli {
namespace {

struct DoctorOptions {
  std::string layout, root;
  std::string explain;
  std::string ffpp_root, real = "authors", compression, fake_is;
  std::string checksums, emit, emit_to;
  bool subset = false, quick = false, json = false;
};

Result<ExamineOptions> examine_options(const DoctorOptions& options, const CommandContext& context) {
  ExamineOptions examine;
  DFA_ASSIGN_OR_RETURN(examine.layout.real_class, real_class_by_name(options.real));
  examine.layout.ffpp_root = options.ffpp_root;
  examine.layout.compression = options.compression;
  if (!options.fake_is.empty()) examine.layout.fake_is = options.fake_is == "1" ? 1 : 0;
  examine.look.threads = context.options.threads;
  examine.extent = options.subset ? Extent::part : Extent::whole;
  examine.open_files = options.quick ? OpenFiles::no : OpenFiles::yes;
  if (options.quick && !options.checksums.empty())
    return fail(ErrorCode::usage, "--checksums needs the files opened: leave out --quick");
  return examine;
}

void explain(const std::string& layout, CommandContext& context) {
  const LayoutInfo* info = layout_info(layout);
  if (info == nullptr)
    return context.fail_with({ErrorCode::usage, fmt::format("unknown layout \"{}\", expected one of {}", layout,
                                                            fmt::join(layout_names(), ", "))});
  context.out << explanation_text(*info);
  context.finish(ExitStatus::success);
}

// Files done so far, with the time left, where standard error is a terminal.
class Counter {
 public:
  explicit Counter(const CommandContext& context)
      : line_(context.err, context.options.talk == Talk::quiet ? Terminal::no : context.err_terminal) {}

  void show(std::size_t done, std::size_t all) {
    Progress progress;
    progress.items_done = done;
    progress.items_all = all;
    progress.share = all == 0 ? 1 : static_cast<double>(done) / static_cast<double>(all);
    progress.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    progress.seconds_left = progress.share > 0 ? progress.seconds * (1 - progress.share) / progress.share : 0;
    line_.show(progress);
  }

 private:
  ProgressLine line_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// The list for the other program takes the place of the report; what was found is then told in one line.
Status emit(const Examination& examination, const DoctorOptions& options, CommandContext& context) {
  DFA_ASSIGN_OR_RETURN(const std::string text, dfb_json_text(examination.list));
  if (!options.emit_to.empty()) return write_file_atomically(options.emit_to, text);
  context.out << text;
  if (!examination.clean())
    log_to(*context.log, LogLevel::warning, "{} findings; without --emit they are listed", examination.findings.size());
  return {};
}

Status write_results(const Examination& examination, const ExamineOptions& examine, const DoctorOptions& options,
                     CommandContext& context) {
  if (!options.checksums.empty()) DFA_TRY(write_file_atomically(options.checksums, checksum_text(examination.hashes)));
  if (!options.emit.empty()) DFA_TRY(emit(examination, options, context));
  if (options.emit.empty() || !options.emit_to.empty())
    context.out << (options.json || context.options.format == "json" ? examination_json(examination, examine)
                                                                     : examination_text(examination, examine));
  return {};
}

void run_command(const DoctorOptions& options, CommandContext& context) {
  if (!options.explain.empty()) return explain(options.explain, context);
  if (options.layout.empty() || options.root.empty())
    return context.fail_with({ErrorCode::usage, "doctor needs LAYOUT and ROOT, or --explain LAYOUT"});
  auto examine = examine_options(options, context);
  if (!examine) return context.fail_with(examine.error());
  Result<Examination> examination = tl::unexpected<Error>(Error{});
  {
    Counter counter(context);
    examine->look.progress = [&](std::size_t done, std::size_t all) { counter.show(done, all); };
    examination = dfa::examine(options.layout, options.root, *examine, *context.cancel);
  }
  if (!examination) return context.fail_with(examination.error());
  if (const Status written = write_results(*examination, *examine, options, context); !written)
    return context.fail_with(written.error());
  context.finish(examination->clean() ? ExitStatus::success : ExitStatus::some_failed);
}

}  // namespace

void add_doctor_command(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<DoctorOptions>();
  CLI::App* command =
      app.add_subcommand("doctor", "Examines a data set on disk: counts, lists, labels, files, overlap");
  command->add_option("layout", options->layout,
                      fmt::format("What the folder holds: {}", fmt::join(layout_names(), ", ")));
  command->add_option("root", options->root, "Folder of the data set; for folders also a CSV or JSON list");
  command->add_option("--explain", options->explain, "Print what a layout should look like, and stop");
  command->add_flag("--subset", options->subset, "A part of the set on purpose: counts are told, not judged");
  command->add_flag("--quick", options->quick, "Names and lists only: open no file, look for no damage or duplicates");
  command->add_option("--real", options->real, "Real class of deeperforensics: authors or source-videos")
      ->capture_default_str();
  command->add_option("--ffpp-root", options->ffpp_root, "FaceForensics++, for the real class of deeperforensics");
  command->add_option("--compression", options->compression, "Only this level: raw, c23 or c40")
      ->check(CLI::IsMember({"raw", "c23", "c40"}));
  command->add_option("--fake-is", options->fake_is, "Which of the folders 0 and 1 holds fakes")
      ->check(CLI::IsMember({"0", "1"}));
  command->add_option("--checksums", options->checksums, "Write SHA-256 and path of every item's files, a line each");
  command->add_option("--emit", options->emit, "Print the set as a list of another program instead: dfb-json")
      ->check(CLI::IsMember({"dfb-json"}));
  command->add_option("--emit-to", options->emit_to, "Write the list of --emit to a file, and print the report")
      ->needs("--emit");
  command->add_flag("--json", options->json, "The same as --format json");
  add_threads_option(*command, context);
  add_format_option(*command, context, {"text", "json"});
  command->footer("Exit status: 0 nothing found, 6 something found.\nExample:\n  dfa doctor auto data/FaceForensics++");
  command->callback([options, &context] { run_command(*options, context); });
}

}  // namespace dfa::cli
