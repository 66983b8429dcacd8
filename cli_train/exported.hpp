// What export and merge say about the model file they wrote.
#pragma once

#include <string>

#include "model/model.hpp"

namespace dfa::cli_train {

// One line of JSON, with its line feed.
std::string exported_line(const std::string& file, const Model& model);

}  // namespace dfa::cli_train
