#include "cli/commands/selftest.hpp"

#include <CLI/CLI.hpp>

#include <nlohmann/json.hpp>

#include "cli/options.hpp"
#include "face/detector.hpp"
#include "model/describe.hpp"
#include "model/verify.hpp"

namespace dfa::cli {
namespace {

// Of the weights as they are embedded from the pinned wheel (cmake/MtcnnWeights.cmake).
constexpr std::string_view kMtcnnSha256 = "b2d8ad924af1409a3e243d9eaef0e68c842346cd35b7575902554b4a6b04c297";

struct DetectorCheck {
  std::string name;
  std::string sha256;
  std::string problem;  // empty when all is well
};

DetectorCheck check_detector(const Model& model) {
  DetectorCheck check{"mtcnn", "", ""};
  const auto detector = make_detector(check.name, {.threads = 1, .min_face_px = 0, .trace = nullptr});
  if (!detector) {
    check.problem = detector.error().message;
    return check;
  }
  check.sha256 = (*detector)->weights_sha256();
  if (check.sha256 != kMtcnnSha256)
    check.problem = fmt::format("weights are {}, expected {}", check.sha256, kMtcnnSha256);
  const std::string& wanted = model.crop.detector_sha256;
  if (check.problem.empty() && model.crop.detector == check.name && !wanted.empty() && wanted != check.sha256)
    check.problem = fmt::format("the model's crops were made with weights {}", wanted);
  return check;
}

void print(CommandContext& context, const Model& model, const VerifyReport& report, const DetectorCheck& detector) {
  const bool ok = report.ok() && detector.problem.empty();
  if (context.options.format == "json") {
    const nlohmann::ordered_json json = {{"schema", "dfa.selftest/1"},
                                         {"ok", ok},
                                         {"model", nlohmann::ordered_json::parse(verify_json(report, model))},
                                         {"detector",
                                          {{"name", detector.name},
                                           {"sha256", detector.sha256},
                                           {"ok", detector.problem.empty()},
                                           {"problem", detector.problem}}}};
    context.out << json.dump(1) << '\n';
    return;
  }
  context.out << fmt::format("model {} ({})\n", model.name, model.sha256) << verify_text(report);
  context.out << fmt::format("detector {} ({}): {}\n", detector.name, detector.sha256,
                             detector.problem.empty() ? "ok" : detector.problem);
  context.out << (ok ? "selftest passed\n"
                     : "selftest FAILED: scores of this program and model are not to be trusted\n");
}

void run_command(CommandContext& context) {
  const Result<Model> model = load_selected_model(context.options);
  if (!model) return context.fail_with(model.error(), ExitStatus::model);
  const Result<VerifyReport> report = verify_model(*model, {Precision::ref, Precision::f32}, context.options.threads);
  if (!report) return context.fail_with(report.error(), ExitStatus::model);
  const DetectorCheck detector = check_detector(*model);
  print(context, *model, *report, detector);
  context.finish(report->ok() && detector.problem.empty() ? ExitStatus::success : ExitStatus::model);
}

}  // namespace

void add_selftest_command(CLI::App& app, CommandContext& context) {
  CLI::App* command = app.add_subcommand(
      "selftest", "Recompute the model's own golden vectors with every engine, check the detector's weights");
  command->footer("Exit status: 0 everything as promised, 5 not.");
  add_model_option(*command, context);
  add_threads_option(*command, context);
  add_format_option(*command, context, {"text", "json"});
  command->callback([&context] { run_command(context); });
}

}  // namespace dfa::cli
