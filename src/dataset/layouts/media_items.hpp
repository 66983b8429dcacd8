// Which files are one item: a video, a picture, or a folder of numbered frames. Internal to this room.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dataset/layouts/file_tree.hpp"
#include "dataset/source_list.hpp"

namespace dfa {

// Note [When pictures are one video]
// A folder of pictures is one video when it is a last directory (no folder in it) and the names of all its pictures
// are numbers. Folders that are named after a class or a split are never a video, nor is the folder that is asked for:
// real/0001.png next to real/0002.png are two pictures.

// Path, kind and frames of everything below `folder`, in byte order of the paths; labels and the rest are the caller's.
// Folders named masks, mask and landmarks are left out. See Note [When pictures are one video].
std::vector<SourceItem> media_items(const FileTree& tree, std::string_view folder);

// Names in the order of their numbers: 0999.png before 1000.png before 10000.png. Names that are no numbers follow in
// byte order.
void sort_by_number(std::vector<std::string>& names);

}  // namespace dfa
