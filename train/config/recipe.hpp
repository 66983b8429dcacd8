// Training recipes: where the defaults of a configuration come from, and in which points a run is not what an honest
// one should be (spec method.md 3.1 and 3.2).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace dfa::train {

struct RunConfig;

//   standard ("default")  selection on role val, no weight decay on norms, biases and scales, standard augmentation
//   official              the published recipe, with what is wrong with it; what that is, deviations_of() says
enum class Recipe { standard, official };

std::string_view recipe_name(Recipe recipe);
// Errors: usage, listing the known names.
Result<Recipe> recipe_by_name(std::string_view name);

// A configuration in which nothing is said but the recipe.
RunConfig recipe_defaults(Recipe recipe);

// What a reader of this run's numbers must be told, a sentence each: judged by the values, not by the recipe's name.
// Empty for the default recipe.
std::vector<std::string> deviations_of(const RunConfig& config);

}  // namespace dfa::train
