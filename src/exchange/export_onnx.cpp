#include "exchange/export_onnx.hpp"

#include <set>

#include "exchange/onnx_file.hpp"
#include "exchange/onnx_network.hpp"
#include "model/calibration_json.hpp"
#include "model/config_json.hpp"

namespace dfa {
namespace {

// Where there are two classes, as in every detector that this program scores with (score/operating_point).
constexpr std::string_view kClassNames = R"(["real","fake"])";

std::map<std::string, std::string> metadata_of(const Model& model, onnx::Head head) {
  const bool detector = head == onnx::Head::present;
  std::map<std::string, std::string> metadata = {
      {"dfa.name", model.name},
      {"dfa.kind", model.kind},
      {"dfa.sha256", model.sha256},
      {"dfa.config", config_text(model.config, detector ? ConfigHead::present : ConfigHead::absent)},
      {"dfa.opset", std::to_string(onnx::kOpset)},
      {"dfa.license", model.license},
      {"dfa.card", model.card}};
  if (detector) metadata["dfa.crop"] = crop_recipe_json(model.crop);
  if (detector && model.config.classes == 2) metadata["dfa.classes"] = kClassNames;
  if (model.calibration) metadata["dfa.calibration"] = calibration_json(*model.calibration);
  return metadata;
}

std::vector<std::string> left_out(const Model& model, const onnx::Graph& graph) {
  std::set<std::string, std::less<>> held;
  for (const onnx::Initializer& tensor : graph.initializers) held.insert(tensor.name);
  std::vector<std::string> names;
  for (const auto& [name, tensor] : model.weights)
    if (!held.contains(name)) names.push_back(name + ": no output needs it");
  return names;
}

}  // namespace

Result<Exported> export_onnx(const ExportSettings& settings) {
  DFA_TRY(check_taken(settings, "onnx", TakesBase::no, TakesDtype::no));
  DFA_ASSIGN_OR_RETURN(const Model model, model_to_export(settings));
  const onnx::Head head = model.kind == "backbone" ? onnx::Head::absent : onnx::Head::present;
  const onnx::Graph graph = onnx::network_graph(model.config, model.weights, head);
  onnx::FileOptions options;
  options.opset = onnx::kOpset;
  options.metadata = metadata_of(model, head);
  DFA_ASSIGN_OR_RETURN(const auto paths, onnx::write_graph(graph, options, settings.out));

  Exported exported;
  exported.name = model.name;
  exported.left_out = left_out(model, graph);
  exported.tensors = model.weights.size() - exported.left_out.size();
  leave_out_scales(model, exported);
  exported.facts = {
      fmt::format("ONNX, opset {}, {} nodes", onnx::kOpset, graph.nodes.size()),
      fmt::format("input: images (N, 3, {0}, {0}) f32, normalised as metadata dfa.crop says", model.config.image),
      head == onnx::Head::present ? "outputs: logits, probs (their softmax, without temperature), feature"
                                  : "output: feature, the class token (a backbone has no head)"};
  for (const std::filesystem::path& path : paths) {
    DFA_ASSIGN_OR_RETURN(exported.files.emplace_back(), exported_file(path));
  }
  return exported;
}

}  // namespace dfa
