// `dfa evaluate --protocol NAME|FILE`: our figures beside what others published, with gaps where models or data are
// missing; --explain and --list-protocols say what there is and what it needs.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/file.hpp"
#include "cli/commands/evaluate_parts.hpp"
#include "cli/commands/evaluate_protocol_gather.hpp"
#include "cli/commands/page_origin.hpp"
#include "prepare/output_names.hpp"
#include "report/protocol_format.hpp"
#include "report/protocol_page.hpp"
#include "version.hpp"

namespace dfa::cli {
namespace {

namespace fs = std::filesystem;

// Options of a plain run that say nothing about a protocol: what would have no effect is a mistake.
constexpr const char* kOfPlainRuns[] = {"--role", "--threshold", "--by", "--legacy", "--scores"};

// Manifests of the prepared folders below `root`, and its own.
Result<std::vector<std::string>> manifests_below(const std::string& root) {
  std::vector<std::string> found;
  std::error_code error;
  const fs::path own = fs::path(root) / kManifestName;
  if (fs::exists(own, error)) found.push_back(own.string());
  for (fs::directory_iterator at(root, error), end; !error && at != end; at.increment(error))
    if (const fs::path manifest = at->path() / kManifestName; fs::exists(manifest)) found.push_back(manifest.string());
  if (error) return fail(ErrorCode::file_not_found, "{}: {}", root, error.message());
  if (found.empty())
    return fail(ErrorCode::manifest_invalid, "{}: neither it nor a folder in it has a {}\n  next step: dfa prepare",
                root, kManifestName);
  std::sort(found.begin(), found.end());
  return found;
}

ExitStatus status_of(const ProtocolResult& result) {
  if (result.cells_run() == 0) return ExitStatus::no_input;
  return result.cells_run() < result.cells.size() ? ExitStatus::some_failed : ExitStatus::success;
}

class ProtocolPart : public EvaluatePart {
 public:
  void add_options(CLI::App& command) override {
    CLI::Option* protocol =
        command
            .add_option("--protocol", protocol_,
                        "Run a protocol: one of --list-protocols, or a file; with --data or --data-root and "
                        "--model ROW=FILE, or with --from ROW=FILE.csv")
            ->type_name("NAME");
    command
        .add_flag_callback(
            "--explain", [this] { explain_ = Explain::yes; }, "Only say what data and models the protocol needs")
        ->needs(protocol);
    command.add_option("--data-root", data_root_, "Folder of folders that dfa prepare wrote, instead of --data")
        ->type_name("DIR")
        ->needs(protocol)
        ->excludes(command.get_option("--data"))
        ->excludes(command.get_option("--from"));
    command.add_flag_callback(
        "--list-protocols", [this] { list_ = List::yes; }, "Names of the protocols inside the program");
    for (const char* option : kOfPlainRuns) protocol->excludes(command.get_option(option));
  }
  bool replaces_run() const override { return list_ == List::yes || !protocol_.empty(); }

  Result<ExitStatus> run(const EvaluateOptions& options, CommandContext& context) override {
    if (list_ == List::yes) return list(context);
    DFA_ASSIGN_OR_RETURN(const Protocol protocol, find_protocol(protocol_));
    if (explain_ == Explain::yes) {
      context.out << protocol_explanation(protocol);
      return ExitStatus::success;
    }
    DFA_ASSIGN_OR_RETURN(const Measured measured, measure(protocol, options, context));
    DFA_TRY(put_out(measured.report, options, context));
    DFA_TRY(write_page(measured, options));
    return status_of(measured.report.result);
  }

 private:
  enum class Explain { no, yes };
  enum class List { no, yes };
  struct Measured {
    ProtocolReport report;
    std::vector<CellScores> scores;
    std::vector<std::string> files;  // that were read
  };

  static Result<ExitStatus> list(CommandContext& context) {
    std::vector<Protocol> protocols;
    for (const std::string& name : protocol_names()) {
      DFA_ASSIGN_OR_RETURN(Protocol protocol, find_protocol(name));
      protocols.push_back(std::move(protocol));
    }
    context.out << protocol_list(protocols);
    return ExitStatus::success;
  }

  Result<Measured> measure(const Protocol& protocol, const EvaluateOptions& options, CommandContext& context) {
    Measured measured;
    ProtocolReport& report = measured.report;
    report.tool = {kVersion, kBuildId};
    report.data = options.data;
    if (!data_root_.empty()) {
      DFA_ASSIGN_OR_RETURN(report.data, manifests_below(data_root_));
    }
    DFA_ASSIGN_OR_RETURN(const std::vector<RowFile> models, row_files(protocol, context.options.models, "--model"));
    DFA_ASSIGN_OR_RETURN(const std::vector<RowFile> files, row_files(protocol, options.from, "--from"));
    measured.files = report.data;
    for (const RowFile& file : files) measured.files.push_back(file.file);
    CellGatherer gatherer(protocol, options, context);
    DFA_TRY(gatherer.add_manifests(report.data));
    for (const RowFile& model : models) DFA_TRY(gatherer.run_model(model));
    for (const RowFile& file : files) DFA_TRY(gatherer.read_scores(file));
    measured.scores = gatherer.finish(files.empty() ? "--model" : "--from");
    DFA_ASSIGN_OR_RETURN(report.result, run_protocol(protocol, measured.scores, options.evaluation_options()));
    report.result.sources = gatherer.sources();
    report.precision = gatherer.precision();
    for (const RowSource& source : report.result.sources)
      for (const std::string& stamp : source.card.stamps)
        report.stamps.push_back(fmt::format("row {}: {}", source.row, stamp));
    return measured;
  }

  static Status put_out(const ProtocolReport& report, const EvaluateOptions& options, CommandContext& context) {
    DFA_ASSIGN_OR_RETURN(const ProtocolForm form, protocol_form_by_name(context.options.format));
    context.out << protocol_text(report, form);
    if (options.out.empty()) return {};
    std::error_code error;
    fs::create_directories(options.out, error);
    if (error) return fail(ErrorCode::file_unwritable, "{}: {}", options.out, error.message());
    for (const ProtocolFormInfo& info : protocol_forms())
      DFA_TRY(write_file_atomically(fs::path(options.out) / info.file, protocol_text(report, info.form)));
    return {};
  }

  static Status write_page(const Measured& measured, const EvaluateOptions& options) {
    if (options.page.empty()) return {};
    DFA_ASSIGN_OR_RETURN(PageOrigin origin, page_origin({measured.files}));
    const ProtocolPage page{measured.report, measured.scores, std::move(origin.command_line), std::move(origin.items)};
    return write_file_atomically(options.page, protocol_page_html(page));
  }

  std::string protocol_, data_root_;
  Explain explain_ = Explain::no;
  List list_ = List::no;
};

}  // namespace

std::unique_ptr<EvaluatePart> make_protocol_part() {
  return std::make_unique<ProtocolPart>();
}

}  // namespace dfa::cli
