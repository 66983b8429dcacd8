// An examination in words and as JSON.
#pragma once

#include <string>

#include "dataset/source_list.hpp"
#include "doctor/examine.hpp"

namespace dfa {

// All findings, each kind with its rule.
std::string examination_text(const Examination& examination, const ExamineOptions& options);
// {"schema":"dfa.doctor/1","layout","title","root","extent","opened","items","notes":[..],"counts":[{"what","found",
// "expected"}],"findings":[{"kind","subject","others":[..],"message","rule"}],"summary":{"<kind>":n},"clean":bool}
std::string examination_json(const Examination& examination, const ExamineOptions& options);
// What `dfa doctor --explain` prints.
std::string explanation_text(const LayoutInfo& info);

}  // namespace dfa
