// What a folder of crops was begun with. A run that goes on there must be given the same; crops of two settings in one
// manifest would be two data sets.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "dataset/source_list.hpp"
#include "prepare/prepare_item.hpp"
#include "prepare/prepare_options.hpp"

namespace dfa {

inline constexpr std::string_view kJobRecordName = "job.json";  // in the state folder
inline constexpr std::uint64_t kMaxJobRecordBytes = 1 << 20;

// JSON, a field a line. `tools`: those in use.
std::string job_record(const SourceList& list, const PrepareOptions& options, const ItemTools& tools);

// Begins `out` with this record, or compares it with the one that is there. Makes the folders. Errors: recipe_mismatch
// (the fields that differ, both values), file_unwritable (also: `out` holds other things), file_unreadable.
Status agree_on_job(const std::filesystem::path& out, const std::string& record);

}  // namespace dfa
