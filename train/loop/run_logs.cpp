#include "train/loop/run_logs.hpp"

#include <chrono>
#include <nlohmann/json.hpp>
#include <vector>

#include "train/report/event_records.hpp"

namespace dfa::train {

namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::filesystem::path event_file(const std::filesystem::path& folder, std::int64_t number) {
  return folder / kEventFolder / fmt::format("events.out.tfevents.{:06}.dfa-train", number);
}

// Files after the marked one go, the marked one is cut to its length.
Status cut_events(const std::filesystem::path& folder, const LogMarks& marks) {
  for (std::int64_t number = marks.events_file + 1; std::filesystem::exists(event_file(folder, number)); ++number) {
    std::error_code error;
    std::filesystem::remove(event_file(folder, number), error);
    if (error) return fail(ErrorCode::file_unwritable, "{}: {}", event_file(folder, number).string(), error.message());
  }
  if (!std::filesystem::exists(event_file(folder, marks.events_file))) return {};
  return AppendFile::open(event_file(folder, marks.events_file), marks.events_bytes).map([](const AppendFile&) {});
}

}  // namespace

Result<RunLogs> RunLogs::open(const std::filesystem::path& folder, const LogMarks& marks, std::int64_t first_step) {
  std::error_code error;
  std::filesystem::create_directories(folder / kEventFolder, error);
  if (error) return fail(ErrorCode::file_unwritable, "{}: {}", (folder / kEventFolder).string(), error.message());
  DFA_TRY(cut_events(folder, marks));
  const std::int64_t number = marks.events_file + 1;
  DFA_ASSIGN_OR_RETURN(AppendFile steps, AppendFile::open(folder / kStepLog, marks.steps_bytes));
  DFA_ASSIGN_OR_RETURN(AppendFile events, AppendFile::open(event_file(folder, number), 0));
  DFA_TRY(events.append(version_record(now())));
  if (number > 1) DFA_TRY(events.append(restart_record(now(), first_step)));
  return RunLogs(std::move(steps), std::move(events), number);
}

Status RunLogs::write_step(const StepPlace& place, const StepValues& values, int batch, double seconds) {
  const std::int64_t global = place.epoch * place.steps + place.step + 1;
  const double speed = batch / seconds;
  nlohmann::ordered_json terms = nlohmann::ordered_json::object();
  for (const LossTerm& term : values.terms) terms[term.name] = term.value;
  nlohmann::ordered_json line = {{"step", global},      {"epoch", place.epoch + 1},      {"epoch_step", place.step + 1},
                                 {"loss", values.loss}, {"grad_norm", values.grad_norm}, {"lr", values.learning_rate},
                                 {"terms", terms},      {"crops_per_second", speed}};
  const bool skipped = values.kind == StepKind::skipped;
  if (values.loss_scale) {
    line["loss_scale"] = *values.loss_scale;
    line["skipped"] = skipped;
  }
  DFA_TRY(steps_.append(line.dump() + "\n"));
  std::vector<Scalar> scalars = {
      {"train/loss", values.loss}, {"train/lr", values.learning_rate}, {"speed/crops_per_second", speed}};
  if (!skipped) scalars.push_back({"train/grad_norm", values.grad_norm});
  if (values.loss_scale) scalars.push_back({"train/loss_scale", *values.loss_scale});
  for (const LossTerm& term : values.terms) scalars.push_back({std::string("train/terms/") + term.name, term.value});
  return events_.append(scalars_record(now(), global, scalars));
}

Status RunLogs::write_epoch(const EpochMetrics& metrics) {
  std::vector<Scalar> scalars = {{"epoch/train_loss", metrics.train_loss},
                                 {"epoch/val_loss", metrics.validation.loss},
                                 {"epoch/val_auc", metrics.validation.auc},
                                 {"epoch/peak_memory_mib", metrics.peak_memory_mib}};
  for (const auto& [method, auc] : metrics.validation.auc_by_method)
    scalars.push_back({"epoch/val_auc_by_method/" + method, auc});
  return events_.append(scalars_record(now(), metrics.epoch * metrics.steps, scalars));
}

Result<LogMarks> RunLogs::mark() {
  DFA_TRY(steps_.sync());
  DFA_TRY(events_.sync());
  return LogMarks{steps_.bytes(), number_, events_.bytes()};
}

}  // namespace dfa::train
