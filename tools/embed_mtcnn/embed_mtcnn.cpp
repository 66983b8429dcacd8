// Host tool of the build: pnet.pt, rnet.pt and onet.pt of facenet-pytorch -> one safetensors file, which is embedded.
//   embed_mtcnn FOLDER NOTICE OUT
// Tensors become `pnet.conv1.weight` and so on, contiguous f32; the notice travels in the metadata.
#include <cstdio>
#include <filesystem>
#include <string>

#include "base/file.hpp"
#include "tensorfile/safetensors.hpp"
#include "tensorfile/state_dict.hpp"

namespace {

constexpr std::uint64_t kLongestNotice = 64 * 1024;

dfa::Status embed(const std::filesystem::path& folder, const std::filesystem::path& notice,
                  const std::filesystem::path& out) {
  dfa::TensorFile file;
  for (const std::string net : {"pnet", "rnet", "onet"}) {
    DFA_ASSIGN_OR_RETURN(dfa::StateDict weights, dfa::read_state_dict(folder / (net + ".pt")));
    for (auto& [name, tensor] : weights.tensors) {
      DFA_ASSIGN_OR_RETURN(const std::vector<float> values, tensor.to_f32());
      file.tensors.emplace(net + "." + name, dfa::Tensor::from_f32(tensor.shape, values));
    }
  }
  DFA_ASSIGN_OR_RETURN(const std::string text, dfa::read_text_file(notice, kLongestNotice));
  file.metadata = {{"dfa.format", "1"}, {"dfa.kind", "mtcnn"}, {"dfa.license", text}};
  return dfa::write_safetensors(file, out);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: embed_mtcnn FOLDER NOTICE OUT\n");
    return 2;
  }
  const dfa::Status done = embed(argv[1], argv[2], argv[3]);
  if (!done) std::fprintf(stderr, "embed_mtcnn: %s\n", done.error().message.c_str());
  return done ? 0 : 1;
}
