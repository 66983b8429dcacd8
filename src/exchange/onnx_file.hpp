// Writes an ONNX graph as a file.
//
// Note [ONNX files]
// The messages of onnx.proto that a network needs, IR version 8. Weights are written from where they lie, one at a
// time, so that memory holds the largest of them and no second copy of the network: sizes are counted first, as a
// message begins with its length. Debian's libonnx was the alternative: 7 MB of libraries at run time with protobuf's
// (which the torch wheel carries too), and every weight copied into a message before the first byte is written.
// A protocol buffer ends at 2 GiB. Beyond that weights go to a second file, FILE.data, each at a multiple of 4096
// bytes, and the model names it without its folder: both have to stay side by side under these names.
// Private to the room.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "exchange/onnx_graph.hpp"

namespace dfa::onnx {

// Room for the graph itself below the 2 GiB.
inline constexpr std::uint64_t kMostInlineBytes = (std::uint64_t{1} << 31) - (std::uint64_t{1} << 26);

struct FileOptions {
  std::int64_t opset = 0;
  std::map<std::string, std::string> metadata = {};  // metadata_props
  // Weights beyond this go to a file of their own.
  std::uint64_t most_inline_bytes = kMostInlineBytes;
};

// Gives the paths that were written, `path` first. Written beside and renamed. Errors: file_unwritable.
Result<std::vector<std::filesystem::path>> write_graph(const Graph& graph, const FileOptions& options,
                                                       const std::filesystem::path& path);

}  // namespace dfa::onnx
