#include "dataset/layouts/words.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace dfa {
namespace {

constexpr std::array<std::string_view, 8> kPictureSuffixes = {".jpg", ".jpeg", ".png",  ".webp",
                                                              ".bmp", ".tif",  ".tiff", ".jpe"};
constexpr std::array<std::string_view, 9> kVideoSuffixes = {".mp4", ".avi",  ".mov", ".mkv", ".webm",
                                                            ".m4v", ".mpeg", ".mpg", ".flv"};
constexpr std::array<std::string_view, 5> kRealWords = {"real", "0_real", "original", "pristine", "genuine"};
constexpr std::array<std::string_view, 5> kFakeWords = {"fake", "1_fake", "manipulated", "forged", "altered"};
constexpr std::size_t kMostDigits = 18;

template <std::size_t N>
bool holds(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::string suffix_of(std::string_view path) {
  const std::string_view name = file_name(path);
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? "" : lower_case(name.substr(dot));
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

std::string_view file_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);  // npos + 1 == 0
}

std::string_view parent_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

std::string_view stem_of(std::string_view path) {
  const std::string_view name = file_name(path);
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos || dot == 0 ? name : name.substr(0, dot);
}

std::string joined(std::string_view folder, std::string_view name) {
  if (folder.empty()) return std::string(name);
  return std::string(folder) + "/" + std::string(name);
}

std::vector<std::string_view> parts_of(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    if (slash > 0) parts.push_back(path.substr(0, slash));
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return parts;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

bool has_video_suffix(std::string_view path) {
  return holds(kVideoSuffixes, suffix_of(path));
}
bool has_picture_suffix(std::string_view path) {
  return holds(kPictureSuffixes, suffix_of(path));
}

std::optional<std::int64_t> number_of(std::string_view text) {
  if (text.empty() || text.size() > kMostDigits) return std::nullopt;
  std::int64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = 10 * value + (c - '0');
  }
  return value;
}

std::string normal_path(std::string_view path) {
  std::string turned(path);
  std::replace(turned.begin(), turned.end(), '\\', '/');
  std::string normal;
  for (const std::string_view part : parts_of(turned))
    if (part != ".") normal = joined(normal, part);
  return turned.starts_with('/') ? "/" + normal : normal;
}

bool stays_below(std::string_view path) {
  if (path.find('\0') != std::string_view::npos) return false;
  const std::vector<std::string_view> parts = parts_of(path);
  return std::find(parts.begin(), parts.end(), "..") == parts.end();
}

std::optional<int> class_of_folder(std::string_view name) {
  const std::string word = lower_case(name);
  if (holds(kRealWords, word)) return 0;
  if (holds(kFakeWords, word)) return 1;
  return std::nullopt;
}

std::optional<Role> role_of_word(std::string_view word) {
  const std::string lower = lower_case(word);
  if (lower == "train" || lower == "training") return Role::train;
  if (lower == "val" || lower == "valid" || lower == "validation") return Role::val;
  if (lower == "calibration") return Role::calibration;
  if (lower == "test" || lower == "testing") return Role::test;
  return std::nullopt;
}

std::string compression_of(std::string_view word) {
  const std::string lower = lower_case(word);
  if (lower == "raw" || lower == "c0") return "raw";
  if (lower == "c23" || lower == "hq") return "c23";
  if (lower == "c40" || lower == "lq") return "c40";
  return "";
}

}  // namespace dfa
