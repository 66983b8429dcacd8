// One function a form of an evaluation. Private to the room.
#pragma once

#include <string>

#include "report/evaluation_format.hpp"

namespace dfa {

std::string evaluation_as_text(const EvaluationReport& report);
std::string evaluation_as_json(const EvaluationReport& report);
std::string evaluation_as_csv(const EvaluationReport& report);
std::string evaluation_as_markdown(const EvaluationReport& report);
std::string evaluation_as_latex(const EvaluationReport& report);

}  // namespace dfa
