#include <CLI/CLI.hpp>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "cli_train/command.hpp"
#include "tensorfile/safetensors.hpp"
#include "tensorfile/state_dict.hpp"
#include "train/parity/parity.hpp"

namespace dfa::cli_train {

namespace {

struct ParityArguments {
  std::string weights;
  std::string golden;
  std::vector<std::string> groups;
  std::string attention = "published";
  int threads = 1;
};

Result<std::set<std::string>> required_groups(const std::vector<std::string>& asked) {
  const std::set<std::string> known = train::parity_group_names();
  if (asked.empty()) return known;
  std::set<std::string> required;
  for (const std::string& name : asked) {
    if (!known.contains(name))
      return fail(ErrorCode::usage, "--groups: got \"{}\", expected logits, loss, grad, stats or sgd3", name);
    required.insert(name);
  }
  return required;
}

Result<bool> compare(const ParityArguments& arguments, std::ostream& out) {
  DFA_ASSIGN_OR_RETURN(const std::set<std::string> required, required_groups(arguments.groups));
  DFA_ASSIGN_OR_RETURN(const train::AttentionPath attention, train::attention_by_name(arguments.attention));
  train::set_torch_threads(arguments.threads);
  DFA_ASSIGN_OR_RETURN(const StateDict weights, read_state_dict(arguments.weights));
  DFA_ASSIGN_OR_RETURN(const TensorFile golden, read_safetensors(arguments.golden));
  DFA_ASSIGN_OR_RETURN(const train::ParityReport report,
                       train::run_parity(weights.tensors, golden, required, attention));
  out << train::parity_json(report, arguments.weights, arguments.golden) << "\n";
  return report.ok();
}

}  // namespace

void add_parity_command(CLI::App& app, Context& context) {
  auto arguments = std::make_shared<ParityArguments>();
  CLI::App* command = app.add_subcommand(
      "parity", "Compares the torch network with a golden file: logits, loss, gradients, statistics, SGD steps");
  command->add_option("WEIGHTS", arguments->weights, "Weights: .safetensors, or .pt of either container")->required();
  command
      ->add_option("GOLDEN", arguments->golden,
                   "Golden tensors with the network's configuration in the metadata (.safetensors)")
      ->required();
  command
      ->add_option("--groups", arguments->groups,
                   "Groups that must be there: logits,loss,grad,stats,sgd3 (default: all)")
      ->delimiter(',')
      ->allow_extra_args(false);
  command
      ->add_option(
          "--attention", arguments->attention,
          "How the trunk attends: published (rounds as the published model), fused or matrices (as in training)")
      ->capture_default_str();
  command
      ->add_option("--threads", arguments->threads,
                   "Threads of torch; 1 by default, so that the figures do not depend on the machine's cores; 0 = all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->callback([arguments, &context] {
    const auto agreed = compare(*arguments, context.streams.out);
    if (!agreed) return context.fail_with(agreed.error());
    context.finish(*agreed ? Exit::success : Exit::failed);
  });
}

}  // namespace dfa::cli_train
