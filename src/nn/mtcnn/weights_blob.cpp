#include "nn/mtcnn/weights_blob.hpp"

#include <string>

#include "base/hash.hpp"

// The assembler copies the file; the compiler need not parse two million bytes of text.
asm(".pushsection .rodata\n"
    ".balign 64\n"
    "dfa_mtcnn_blob_begin:\n"
    ".incbin \"" DFA_MTCNN_BLOB
    "\"\n"
    "dfa_mtcnn_blob_end:\n"
    ".byte 0\n"
    ".popsection\n");

extern "C" {
extern const std::byte dfa_mtcnn_blob_begin[];
extern const std::byte dfa_mtcnn_blob_end[];
}

namespace dfa {

std::span<const std::byte> mtcnn_weights_blob() {
  return {dfa_mtcnn_blob_begin, dfa_mtcnn_blob_end};
}

std::string_view mtcnn_weights_sha256() {
  static const std::string hash = sha256_hex(mtcnn_weights_blob());
  return hash;
}

}  // namespace dfa
