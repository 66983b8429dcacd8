// What says which crops belong to a data set: manifests, lists as CSV and JSON, DeepfakeBench's JSON, points, packs.
// The same bytes go to every reader: most refuse them at once. What was read must survive being written and read again.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "dataset/landmark_file.hpp"
#include "dataset/manifest.hpp"
#include "dataset/pack.hpp"
#include "dataset/source_list.hpp"

namespace {

// A broken promise is a finding like any other.
void require(bool holds) {
  if (!holds) std::abort();
}

// Readers that take paths get a folder of this process's own, made once.
class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / ("dfa-fuzz-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(path_ / "frames");
    std::ofstream(path_ / "a.png") << "a";
    std::ofstream(path_ / "frames/000.png") << "b";
  }
  ~Folder() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  std::filesystem::path put(const char* name, std::string_view text) const {
    std::ofstream out(path_ / name, std::ios::binary);
    out.write(text.data(), static_cast<std::streamsize>(text.size()));
    return path_ / name;
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

void read_as_manifest(std::string_view text) {
  const auto manifest = dfa::parse_manifest(text, "fuzz", {.max_bytes = 1 << 20, .max_entries = 1000});
  if (!manifest) return;
  const std::string written = dfa::manifest_text(*manifest);
  const auto again = dfa::parse_manifest(written, "again");
  require(again.has_value() && dfa::manifest_text(*again) == written);
}

void read_as_points(std::string_view text) {
  const auto points = dfa::parse_landmark_file(std::as_bytes(std::span(text)), "fuzz");
  if (!points) return;
  const auto again = dfa::parse_landmark_file(dfa::landmark_file_bytes(*points), "again");
  // f64 that overflows f32 is no point any more.
  require(!again || again->points.size() == points->points.size());
}

// Readers that take paths cost a file each: they get what could be theirs.
bool could_be_list(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return false;
  return text[first] == '{' || text[first] == '[' ||
         text.substr(0, text.find('\n')).find(',') != std::string_view::npos;
}

void read_as_list(std::string_view text, const Folder& folder) {
  if (!could_be_list(text)) return;
  const dfa::LayoutOptions options{.limits = {.max_files = 100, .max_list_bytes = 1 << 20}};
  for (const char* name : {"list.csv", "list.json"}) {
    const std::filesystem::path file = folder.put(name, text);
    for (const char* layout : {"folders", "auto"})
      if (const auto list = dfa::read_layout(layout, file, options))
        for (const dfa::SourceItem& item : list->items) require(!item.path.empty());
  }
  if (const auto list = dfa::read_layout("dfb", folder.path(), options))
    for (const dfa::SourceItem& item : list->items) require(!item.path.empty());
}

void read_as_pack(std::string_view text, const Folder& folder) {
  if (!text.starts_with("DFAPACK1")) return;
  const auto pack = dfa::Pack::open(folder.put("pack", text));
  if (!pack) return;
  unsigned sum = 0;
  for (std::size_t i = 0; i < (*pack)->size(); ++i) {
    require((*pack)->entry(i).path.size() <= text.size());
    const dfa::PictureView crop = (*pack)->crop(i);
    for (int y = 0; y < crop.height; ++y) sum += crop.row(y)[3 * crop.width - 1];
    if (const auto mask = (*pack)->mask(i)) sum += mask->grey[mask->width * mask->height - 1];
    if (const auto points = (*pack)->landmarks68(i)) sum += points->points[67].x > 0;
  }
  asm volatile("" : : "r"(sum));
  (void)(*pack)->verify({});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Folder folder;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  read_as_manifest(text);
  read_as_points(text);
  read_as_list(text, folder);
  read_as_pack(text, folder);
  return 0;
}
