// dfa-train study: a grid of trainings and the table of what they came to.
#include <CLI/CLI.hpp>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "cli_train/command.hpp"
#include "train/study/cell_work.hpp"
#include "train/study/study_run.hpp"
#include "train/study/study_table.hpp"
#include "train/study/study_walls.hpp"

namespace dfa::cli_train {

namespace {

constexpr int kMostJobs = 1024, kMostThreads = 4096;
constexpr const char* kThisProgram = "/proc/self/exe";

struct StudyArguments {
  std::string study, cell;
  std::string form = "text";
  std::vector<std::string> set;
  int jobs = 1, threads = 0;
};

// Notes and epochs into the log of the cell, which is this process's stderr.
class CellLog : public train::RunObserver {
 public:
  explicit CellLog(std::ostream& err) : err_(err) {}
  void note(LogLevel level, const std::string& message) override {
    err_ << (level == LogLevel::warning ? "warning: " : "") << message << std::endl;
  }
  void on_step(const train::StepReport&) override {}
  void on_epoch(const std::string& metrics_line) override { err_ << metrics_line << std::endl; }

 private:
  std::ostream& err_;
};

Status do_one_cell(const StudyArguments& arguments, const train::Study& study, const train::StudyGrid& grid,
                   Context& context) {
  for (const train::StudyCell& cell : grid.cells)
    if (cell.name == arguments.cell) {
      CellLog log(context.streams.err);
      return train::do_cell(study, cell, arguments.threads, log, context.cancel);
    }
  return fail(ErrorCode::usage, "--cell: \"{}\" is no cell of {}", arguments.cell, arguments.study);
}

// This program again, for one cell.
std::vector<std::string> cell_command(const StudyArguments& arguments, const std::string& program,
                                      const std::string& cell, int threads) {
  std::vector<std::string> argv = {program, "study",     arguments.study,        "--cell",
                                   cell,    "--threads", std::to_string(threads)};
  for (const std::string& setting : arguments.set) argv.insert(argv.end(), {"--set", setting});
  return argv;
}

Status write_tables(const train::Study& study, const train::StudyTable& table) {
  for (const train::StudyFormInfo& info : train::kStudyForms)
    DFA_TRY(write_file_atomically(study.out / info.file, train::study_table_text(table, info.form)));
  return {};
}

Status do_all_cells(const StudyArguments& arguments, const train::Study& study, const train::StudyGrid& grid,
                    std::vector<std::string> stamps, Context& context) {
  std::error_code error;
  const std::string program = std::filesystem::read_symlink(kThisProgram, error).string();
  if (error) return fail(ErrorCode::internal, "{}: {}", kThisProgram, error.message());
  train::StudyRunOptions options;
  options.jobs = arguments.jobs;
  options.threads = arguments.threads;
  options.command = [&](const std::string& cell, int threads) {
    return cell_command(arguments, program, cell, threads);
  };
  options.note = [&](const std::string& message) { context.streams.err << message << std::endl; };
  DFA_ASSIGN_OR_RETURN(std::vector<train::CellFailure> failures,
                       train::run_study(study, grid, options, context.cancel));
  DFA_ASSIGN_OR_RETURN(const train::StudyTable table,
                       train::study_table(study, grid, std::move(failures), std::move(stamps)));
  DFA_TRY(write_tables(study, table));
  for (const train::StudyFormInfo& info : train::kStudyForms)
    if (arguments.form == info.name) context.streams.out << train::study_table_text(table, info.form);
  context.finish(table.failures.empty() ? Exit::success : Exit::some_failed);
  return {};
}

Status run_command(const StudyArguments& arguments, Context& context) {
  if (std::getenv("RANK") != nullptr)
    return fail(ErrorCode::usage,
                "study: RANK is set, but a study starts its processes itself\n  next step: without torchrun");
  DFA_ASSIGN_OR_RETURN(const train::Study study, train::read_study(arguments.study, arguments.set));
  DFA_ASSIGN_OR_RETURN(const train::StudyGrid grid, train::study_grid(study));
  DFA_ASSIGN_OR_RETURN(std::vector<std::string> stamps, train::study_stamps(study, grid));
  for (const std::string& stamp : stamps) context.streams.err << "ATTENTION: " << stamp << std::endl;
  return arguments.cell.empty() ? do_all_cells(arguments, study, grid, std::move(stamps), context)
                                : do_one_cell(arguments, study, grid, context);
}

}  // namespace

void add_study_command(CLI::App& app, Context& context) {
  auto arguments = std::make_shared<StudyArguments>();
  CLI::App* command = app.add_subcommand(
      "study", "Trains and evaluates a grid of configurations, seeds and methods left out; begun again, it goes on");
  command->add_option("STUDY", arguments->study, "Study (JSON)")->required();
  command->add_option("--set", arguments->set, "key=value for every cell, over the study's own (may be given again)")
      ->allow_extra_args(false);
  command->add_option("--jobs", arguments->jobs, "Cells at a time, each in a process of its own")
      ->check(CLI::Range(1, kMostJobs))
      ->capture_default_str();
  command->add_option("--threads", arguments->threads, "Of all cells together (default: every processor)")
      ->check(CLI::Range(1, kMostThreads));
  command->add_option("--cell", arguments->cell, "Do this one cell here and make no table");
  command
      ->add_option("--format", arguments->form,
                   "Of the table on stdout; all of them are written into the study's folder")
      ->check(CLI::IsMember({"text", "csv", "json", "markdown", "latex"}))
      ->capture_default_str();
  command->callback([arguments, &context] {
    context.finish(Exit::success);
    if (const Status done = run_command(*arguments, context); !done) context.fail_with(done.error());
  });
}

}  // namespace dfa::cli_train
