// Names as data sets use them: suffixes, numbers, words for classes and splits. Internal to this room, but for
// normal_path().
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataset/manifest.hpp"

namespace dfa {

std::string lower_case(std::string_view text);                       // ASCII
std::string_view file_name(std::string_view path);                   // after the last '/'
std::string_view parent_of(std::string_view path);                   // before the last '/', empty where there is none
std::string_view stem_of(std::string_view path);                     // file name without its last suffix
std::string joined(std::string_view folder, std::string_view name);  // folder/name; name alone where folder is empty
std::vector<std::string_view> parts_of(std::string_view path);       // between '/', empty ones left out
// Lines without their line ends ('\n' or "\r\n"); the last needs none. A byte order mark is left out.
std::vector<std::string_view> lines_of(std::string_view text);

bool has_video_suffix(std::string_view path);    // any case
bool has_picture_suffix(std::string_view path);  // any case

// The value of a text of decimal digits and nothing else. Nothing for other texts and beyond 18 digits.
std::optional<std::int64_t> number_of(std::string_view text);

// Windows separators turned, doubled ones and "./" left out: "a\\b//./c" -> "a/b/c". A leading '/' stays.
std::string normal_path(std::string_view path);
// No "..", no NUL: stays below where it is joined to.
bool stays_below(std::string_view path);

// 1 for fake, 0 for real, by the names of class folders: real, 0_real, original, fake, 1_fake, manipulated, ...
std::optional<int> class_of_folder(std::string_view name);
// train, val, valid, validation, calibration, test, testing; any case.
std::optional<Role> role_of_word(std::string_view word);
// "raw" (also c0), "c23" (hq), "c40" (lq); empty for other words.
std::string compression_of(std::string_view word);

}  // namespace dfa
