// An import in words: as text for people (lines, trailing newline) and as JSON for scripts (one object, no newline).
#pragma once

#include <string>

#include "exchange/import.hpp"

namespace dfa {

// `dfa import`: what was read, the four lists, what was assumed and what was left alone. JSON: schema dfa.import/1.
std::string import_text(const Imported& imported);
std::string import_json(const Imported& imported);

}  // namespace dfa
