// Apart from reading model files: programs that only read them, fuzz targets among them, link no engine.
#include "model/model.hpp"

namespace dfa {

Result<std::unique_ptr<Network>> model_network(const Model& model, NetworkOptions options) {
  options.quantisation = model.quantised ? &model.quantised->codes : nullptr;
  return make_network(model.config, model.weights, options);
}

}  // namespace dfa
