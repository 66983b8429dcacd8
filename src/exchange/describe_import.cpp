#include "exchange/describe_import.hpp"

#include "model/list_text.hpp"
#include "model/strict_json.hpp"

namespace dfa {

std::string import_text(const Imported& imported) {
  const ImportSource& source = imported.source;
  std::string text = fmt::format(
      "{}: {}{}, sha256 {}\n", source.file, source.container,
      source.wrapper.empty() ? "" : fmt::format(" with its tensors below {}", source.wrapper), source.sha256);
  if (source.stripped_prefixes > 0)
    text += fmt::format("`module.` was stripped from {} names\n", source.stripped_prefixes);
  text += imported.report.text(kShownOfList) + "\n";
  text += list_text("assumed, as the shapes do not tell (change with --set)", imported.assumed);
  text += list_text("to know", imported.notes);
  text += list_text("beside the tensors, left alone", source.ignored);
  text += list_text("Python names in the file, never looked up", source.foreign_globals);
  return text;
}

std::string import_json(const Imported& imported) {
  const ImportSource& source = imported.source;
  const LoadReport& report = imported.report;
  return json_text(
      Json::object({{"schema", "dfa.import/1"},
                    {"model", Json::object({{"name", imported.model.name}, {"kind", imported.model.kind}})},
                    {"source", Json::object({{"file", source.file},
                                             {"sha256", source.sha256},
                                             {"container", source.container},
                                             {"wrapper", source.wrapper},
                                             {"stripped_prefixes", source.stripped_prefixes},
                                             {"ignored", source.ignored},
                                             {"foreign_globals", source.foreign_globals}})},
                    {"tensors", Json::object({{"matched", report.matched},
                                              {"missing", report.missing},
                                              {"unexpected", report.unexpected},
                                              {"wrong_shape", report.wrong_shape},
                                              {"ignored", report.ignored}})},
                    {"assumed", imported.assumed},
                    {"notes", imported.notes}}));
}

}  // namespace dfa
