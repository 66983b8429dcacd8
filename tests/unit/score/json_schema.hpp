// The part of JSON Schema 2020-12 that docs/*.schema.json use. A keyword that is not understood is an error, so
// that a schema cannot pass by saying something nobody checks.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace dfa::test {

// Every place where `value` breaks `schema`, as "/items/0/p_fake: ...". Empty when it fits.
std::vector<std::string> schema_violations(const nlohmann::json& schema, const nlohmann::json& value);

// docs/result.schema.json of the repository.
nlohmann::json result_schema();
// docs/evaluation.schema.json.
nlohmann::json evaluation_schema();

}  // namespace dfa::test
