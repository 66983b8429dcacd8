// A model in another form: what every exporter is given and what it says about the files it wrote.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "model/model.hpp"

namespace dfa {

struct ExportSettings {
  std::filesystem::path model;  // the file to export; empty: the model inside the program
  std::filesystem::path out;    // written beside and renamed; replaces what was there
  std::filesystem::path base;   // a trunk's file, for forms that need one; empty: none was given
  // How weights are stored, for forms that leave the choice; nothing: the form's own.
  std::optional<Dtype> weights_dtype = {};
  // For forms that compute golden vectors; 0: every processor.
  int threads = 0;
};

struct ExportedFile {
  std::filesystem::path path;
  std::uint64_t bytes = 0;
  std::string sha256;
};

struct Exported {
  std::string name;                   // of the model
  std::vector<ExportedFile> files;    // the first is ExportSettings::out
  std::size_t tensors = 0;            // written
  std::vector<std::string> facts;     // what a user of the file has to know, a line each
  std::vector<std::string> left_out;  // tensors that the form does not hold, each with the reason
  std::string report = {};            // lines of a table of the form's own, for people; may be empty
  std::string record = {};            // the same for scripts, JSON text of an object; may be empty
};

// What a form is made by. Errors: file_*, model_* as load_model(); usage for a setting that the form does not take or
// lacks; model_incompatible for a network that the form cannot hold.
using Exporter = Result<Exported> (*)(const ExportSettings& settings);

// The model that `settings` name. Errors: as load_model() and embedded_model(), by model_error().
Result<Model> model_to_export(const ExportSettings& settings);

// The error of a file that was given as the model: one that is not there is a matter of the model, not of the inputs.
Error model_error(Error error);

// Refuses a base or a type of weights where the form takes none. `form`: its word. Errors: usage.
enum class TakesBase { no, yes };
enum class TakesDtype { no, yes };
Status check_taken(const ExportSettings& settings, std::string_view form, TakesBase base, TakesDtype dtype);

// Lists a model's int8 scales among what a form leaves out; nothing for a model without.
void leave_out_scales(const Model& model, Exported& exported);

// Size and hash of a file that was just written. Errors: file_*.
Result<ExportedFile> exported_file(const std::filesystem::path& path);

// An export in words: lines for people, and JSON (one object, no newline) of schema dfa.exported/1.
std::string export_text(const Exported& exported);
std::string export_json(const Exported& exported, std::string_view form);

}  // namespace dfa
