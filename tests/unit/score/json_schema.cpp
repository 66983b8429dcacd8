#include "json_schema.hpp"

#include <fstream>
#include <functional>
#include <map>
#include <regex>

#include "support/shared.hpp"

namespace dfa::test {
namespace {

using nlohmann::json;

class Checker {
 public:
  explicit Checker(const json& root) : root_(root) {}

  // Appends to `found` what is wrong with `value` at `place`.
  void check(const json& schema, const json& value, const std::string& place, std::vector<std::string>& found) const {
    for (const auto& [keyword, argument] : schema.items()) {
      const auto rule = kRules.find(keyword);
      if (rule == kRules.end()) {
        found.push_back(place + ": the checker does not know the keyword " + keyword);
      } else if (rule->second) {
        (this->*rule->second)(schema, value, place, found);
      }
    }
  }

 private:
  using Found = std::vector<std::string>;
  using Rule = void (Checker::*)(const json&, const json&, const std::string&, Found&) const;
  static const std::map<std::string, Rule> kRules;

  static bool has_type(const json& value, const std::string& type) {
    if (type == "integer") return value.is_number_integer();
    if (type == "number") return value.is_number();
    if (type == "string") return value.is_string();
    if (type == "boolean") return value.is_boolean();
    if (type == "array") return value.is_array();
    if (type == "object") return value.is_object();
    return type == "null" && value.is_null();
  }

  void type(const json& schema, const json& value, const std::string& place, Found& found) const {
    const json types = schema["type"].is_array() ? schema["type"] : json::array({schema["type"]});
    for (const json& one : types)
      if (has_type(value, one.get<std::string>())) return;
    found.push_back(place + ": is " + value.dump() + ", expected " + types.dump());
  }
  void constant(const json& schema, const json& value, const std::string& place, Found& found) const {
    if (value != schema["const"])
      found.push_back(place + ": is " + value.dump() + ", expected " + schema["const"].dump());
  }
  void enumeration(const json& schema, const json& value, const std::string& place, Found& found) const {
    for (const json& one : schema["enum"])
      if (value == one) return;
    found.push_back(place + ": is " + value.dump() + ", expected one of " + schema["enum"].dump());
  }
  void properties(const json& schema, const json& value, const std::string& place, Found& found) const {
    if (!value.is_object()) return;
    for (const auto& [name, below] : schema["properties"].items())
      if (value.contains(name)) check(below, value[name], place + "/" + name, found);
  }
  void required(const json& schema, const json& value, const std::string& place, Found& found) const {
    if (!value.is_object()) return;
    for (const json& name : schema["required"])
      if (!value.contains(name.get<std::string>())) found.push_back(place + ": lacks " + name.dump());
  }
  // false: nothing besides the properties; a schema: what everything besides them must fit.
  void additional(const json& schema, const json& value, const std::string& place, Found& found) const {
    const json& rule = schema["additionalProperties"];
    if (!value.is_object() || rule == true) return;
    for (const auto& [name, below] : value.items()) {
      if (schema.contains("properties") && schema["properties"].contains(name)) continue;
      if (rule == false)
        found.push_back(place + ": unexpected " + name);
      else
        check(rule, below, place + "/" + name, found);
    }
  }
  void items(const json& schema, const json& value, const std::string& place, Found& found) const {
    if (!value.is_array()) return;
    for (std::size_t i = 0; i < value.size(); ++i)
      check(schema["items"], value[i], place + "/" + std::to_string(i), found);
  }
  void min_items(const json& schema, const json& value, const std::string& place, Found& found) const {
    if (value.is_array() && value.size() < schema["minItems"]) found.push_back(place + ": too few items");
  }
  void max_items(const json& schema, const json& value, const std::string& place, Found& found) const {
    if (value.is_array() && value.size() > schema["maxItems"]) found.push_back(place + ": too many items");
  }
  void minimum(const json& schema, const json& value, const std::string& place, Found& found) const {
    if (value.is_number() && value < schema["minimum"]) found.push_back(place + ": too small");
  }
  void maximum(const json& schema, const json& value, const std::string& place, Found& found) const {
    if (value.is_number() && value > schema["maximum"]) found.push_back(place + ": too large");
  }
  void min_length(const json& schema, const json& value, const std::string& place, Found& found) const {
    if (value.is_string() && value.get<std::string>().size() < schema["minLength"])
      found.push_back(place + ": too short");
  }
  void pattern(const json& schema, const json& value, const std::string& place, Found& found) const {
    if (!value.is_string()) return;
    if (!std::regex_search(value.get<std::string>(), std::regex(schema["pattern"].get<std::string>())))
      found.push_back(place + ": " + value.dump() + " does not match " + schema["pattern"].dump());
  }
  void reference(const json& schema, const json& value, const std::string& place, Found& found) const {
    check(root_.at(json::json_pointer(schema["$ref"].get<std::string>().substr(1))), value, place, found);
  }
  void condition(const json& schema, const json& value, const std::string& place, Found& found) const {
    Found broken;
    check(schema["if"], value, place, broken);
    const char* branch = broken.empty() ? "then" : "else";
    if (schema.contains(branch)) check(schema[branch], value, place, found);
  }

  const json& root_;
};

const std::map<std::string, Checker::Rule> Checker::kRules = {{"type", &Checker::type},
                                                              {"const", &Checker::constant},
                                                              {"enum", &Checker::enumeration},
                                                              {"properties", &Checker::properties},
                                                              {"required", &Checker::required},
                                                              {"additionalProperties", &Checker::additional},
                                                              {"items", &Checker::items},
                                                              {"minItems", &Checker::min_items},
                                                              {"maxItems", &Checker::max_items},
                                                              {"minimum", &Checker::minimum},
                                                              {"maximum", &Checker::maximum},
                                                              {"minLength", &Checker::min_length},
                                                              {"pattern", &Checker::pattern},
                                                              {"$ref", &Checker::reference},
                                                              {"if", &Checker::condition},
                                                              // Read by `if`, or says nothing about a value.
                                                              {"then", nullptr},
                                                              {"else", nullptr},
                                                              {"description", nullptr},
                                                              {"title", nullptr},
                                                              {"$schema", nullptr},
                                                              {"$id", nullptr},
                                                              {"$defs", nullptr}};

}  // namespace

std::vector<std::string> schema_violations(const json& schema, const json& value) {
  std::vector<std::string> found;
  Checker(schema).check(schema, value, "", found);
  return found;
}

namespace {

json schema_of(const std::string& path) {
  std::ifstream file(source_path(path));
  return json::parse(file);
}

}  // namespace

json result_schema() {
  return schema_of("docs/result.schema.json");
}
json evaluation_schema() {
  return schema_of("docs/evaluation.schema.json");
}

}  // namespace dfa::test
