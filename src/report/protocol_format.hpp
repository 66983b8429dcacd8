// A protocol's cells with our figures and what others published for them, side by side and never mixed: text, JSON,
// CSV, Markdown, LaTeX. A cell that was not run is a gap with its reason, in every form.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "eval/protocol_run.hpp"
#include "score/result.hpp"

namespace dfa {

inline constexpr std::string_view kProtocolSchema = "dfa.protocol/1";

struct ProtocolReport {
  ToolRecord tool;
  ProtocolResult result;
  std::vector<std::string> data;    // manifests
  std::string precision;            // of the engine; empty where nothing was scored here
  std::vector<std::string> stamps;  // what a reader must not miss: "--force-crop"
};

enum class ProtocolForm { text, json, csv, markdown, latex };
struct ProtocolFormInfo {
  ProtocolForm form;
  std::string_view name;  // as --format has it
  std::string_view file;  // name below --out
};
std::span<const ProtocolFormInfo> protocol_forms();
// Errors: usage, listing the known names.
Result<ProtocolForm> protocol_form_by_name(std::string_view name);

// Newline at the end. Figures in percent, but for JSON, where ours are shares of 1 like in `dfa.evaluation/1` and
// published ones stand under "percent".
std::string protocol_text(const ProtocolReport& report, ProtocolForm form);

// What a protocol needs and prints, for `dfa evaluate --protocol NAME --explain`.
std::string protocol_explanation(const Protocol& protocol);
// A line a protocol, for `dfa evaluate --list-protocols`.
std::string protocol_list(const std::vector<Protocol>& protocols);

}  // namespace dfa
