#include "report/evaluation_format.hpp"

#include "report/evaluation_forms.hpp"

namespace dfa {

std::vector<EvaluationFormInfo> evaluation_forms() {
  return {{EvaluationForm::text, "text", "evaluation.txt"},
          {EvaluationForm::json, "json", "evaluation.json"},
          {EvaluationForm::csv, "csv", "evaluation.csv"},
          {EvaluationForm::markdown, "markdown", "evaluation.md"},
          {EvaluationForm::latex, "latex", "evaluation.tex"}};
}

Result<EvaluationForm> evaluation_form_by_name(std::string_view name) {
  std::string known;
  for (const EvaluationFormInfo& info : evaluation_forms()) {
    if (info.name == name) return info.form;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", info.name);
  }
  return fail(ErrorCode::usage, "form \"{}\" is not known; expected {}", name, known);
}

std::string evaluation_text(const EvaluationReport& report, EvaluationForm form) {
  switch (form) {
    case EvaluationForm::text:
      return evaluation_as_text(report);
    case EvaluationForm::json:
      return evaluation_as_json(report);
    case EvaluationForm::csv:
      return evaluation_as_csv(report);
    case EvaluationForm::markdown:
      return evaluation_as_markdown(report);
    case EvaluationForm::latex:
      return evaluation_as_latex(report);
  }
  return {};
}

}  // namespace dfa
