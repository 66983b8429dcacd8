// The golden files of every kind of backbone (tests/golden/backbones), as tests loop over them.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "exchange/import.hpp"
#include "support/shared.hpp"

namespace dfa::test {

struct BackboneKind {
  std::string name;
  std::string word;                          // of `dfa import`
  std::vector<std::filesystem::path> paths;  // each holds the same network; a folder where it takes one
  std::filesystem::path golden;
  std::vector<std::string> set;
  std::vector<std::string> ignored;
  nlohmann::json config;
};

inline bool is_importable(const std::string& word) {
  const auto kinds = import_kinds();
  return std::any_of(kinds.begin(), kinds.end(), [&](const ImportKind& kind) { return kind.word == word; });
}

inline std::string set_text(const nlohmann::json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

// Those that this build imports.
inline std::vector<BackboneKind> backbone_kinds() {
  const std::filesystem::path folder = source_path("tests/golden/backbones");
  const auto list = nlohmann::json::parse(read_text_file(folder / "kinds.json", 1 << 20).value());
  std::vector<BackboneKind> kinds;
  for (const auto& row : list) {
    BackboneKind kind{.name = row.at("name"),
                      .word = row.at("import"),
                      .paths = {},
                      .golden = {},
                      .set = {},
                      .ignored = {},
                      .config = row.at("config")};
    if (!is_importable(kind.word)) continue;
    const std::vector<std::string> files = row.at("files");
    const bool folder_kind = std::find(files.begin(), files.end(), "config.json") != files.end();
    if (folder_kind)
      kind.paths = {folder / kind.name};
    else
      for (const std::string& file : files) kind.paths.push_back(folder / kind.name / file);
    kind.golden = folder / std::string(row.at("golden"));
    for (const auto& [key, value] : row.at("set").items()) kind.set.push_back(key + "=" + set_text(value));
    kind.ignored = row.at("ignored").get<std::vector<std::string>>();
    for (std::string& name : kind.ignored)  // reports name tensors without it
      if (name.starts_with("module.")) name.erase(0, std::string_view("module.").size());
    kinds.push_back(std::move(kind));
  }
  return kinds;
}

// Of a kind, with its settings and more; no golden crops.
inline Result<Imported> import_kind(const BackboneKind& kind, const std::filesystem::path& path,
                                    const std::vector<std::string>& more = {}) {
  ImportSettings settings;
  settings.set = kind.set;
  settings.set.insert(settings.set.end(), more.begin(), more.end());
  settings.golden_crops = 0;
  return import_by_word(kind.word, path, settings);
}

}  // namespace dfa::test
