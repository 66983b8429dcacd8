// JSON files of data sets, read strictly. Internal to this room: include only from .cpp files.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "base/result.hpp"
#include "dataset/source_list.hpp"

namespace dfa {

// Errors: file_*, limit_exceeded (size), manifest_invalid (empty, broken, nested too deep, a key given twice). Messages
// begin with the path.
Result<nlohmann::json> read_json_file(const std::filesystem::path& path, const LayoutLimits& limits);
Result<nlohmann::json> parse_json_text(std::string_view text, std::string_view what);

// Text under a key; empty where it is not there, null, or no text.
std::string text_at(const nlohmann::json& object, const char* key);

}  // namespace dfa
