// The model that is compiled into the program. The symbols come from a source that CMake generates
// (cmake/EmbedFile.cmake) where models/default.dfa exists.
#include "model/model.hpp"

#ifdef DFA_HAS_EMBEDDED_MODEL
extern "C" {
extern const unsigned char dfa_embedded_model_begin[];
extern const unsigned char dfa_embedded_model_end[];
}
#endif

namespace dfa {

Result<Model> embedded_model() {
#ifdef DFA_HAS_EMBEDDED_MODEL
  const std::span bytes(dfa_embedded_model_begin,
                        static_cast<std::size_t>(dfa_embedded_model_end - dfa_embedded_model_begin));
  auto model = parse_model(std::as_bytes(bytes), nullptr);  // the bytes live as long as the program
  if (!model) return fail_within("the embedded model", std::move(model).error());
  return model;
#else
  return fail(ErrorCode::model_incompatible,
              "this build carries no model\n"
              "  likely cause: models/default.dfa was not there when it was built\n"
              "  next step: give one with --model FILE, or build again with the file in place");
#endif
}

}  // namespace dfa
