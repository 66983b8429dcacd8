#include "nn/layers/linear_step.hpp"

#include <cstring>

namespace dfa {
namespace {

using dnnl::memory;
using Tag = dnnl::memory::format_tag;

constexpr float kQuickGeluSlope = 1.702F;

memory::desc matrix(int rows, int columns, Element element, Tag tag) {
  return {{rows, columns}, onednn_type(element), tag};
}

dnnl::primitive_attr attributes(After after) {
  dnnl::post_ops fused;
  switch (after) {
    case After::nothing:
      break;
    case After::relu:
      fused.append_eltwise(1.0F, dnnl::algorithm::eltwise_relu, 0.0F, 0.0F);
      break;
    case After::gelu:
      fused.append_eltwise(1.0F, dnnl::algorithm::eltwise_gelu_erf, 0.0F, 0.0F);
      break;
    case After::quick_gelu:
      fused.append_eltwise(1.0F, dnnl::algorithm::eltwise_swish, kQuickGeluSlope, 0.0F);
      break;
    case After::silu:
      fused.append_eltwise(1.0F, dnnl::algorithm::eltwise_swish, 1.0F, 0.0F);
      break;
    case After::add_to_destination:
      fused.append_sum(1.0F);
      break;
  }
  dnnl::primitive_attr attr;
  attr.set_post_ops(fused);
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

struct Product {
  int rows = 0;
  int in = 0;
  int out = 0;
  Element src = Element::f32;
  Element dst = Element::f32;
};

dnnl::matmul::primitive_desc describe(OneDnn& library, const Product& product, const memory::desc& weight,
                                      After after) {
  const dnnl::matmul::desc operation(matrix(product.rows, product.in, product.src, Tag::ab), weight,
                                     matrix(1, product.out, Element::f32, Tag::ab),
                                     matrix(product.rows, product.out, product.dst, Tag::ab));
  return {operation, attributes(after), library.engine};
}

class LinearStep final : public PrimitiveStep {
 public:
  LinearStep(OneDnn& library, Plan& plan, const PackedLinear& layer, int rows, Slice src, Slice dst,
             const dnnl::matmul::primitive_desc& description)
      : PrimitiveStep(library, fmt::format("{}x{}x{}", rows, layer.in(), layer.out()), layer.element()) {
    set_primitive(dnnl::matmul(description), description, plan);
    add_operand(DNNL_ARG_SRC, description.src_desc(), src);
    add_operand(DNNL_ARG_DST, description.dst_desc(), dst);
    add_constant(DNNL_ARG_WEIGHTS, layer.weight());
    add_constant(DNNL_ARG_BIAS, layer.bias());
  }
  std::string_view op() const override { return "linear"; }
};

}  // namespace

Result<PackedLinear> PackedLinear::pack(OneDnn& library, WeightStore& store, const LinearWeights& layer, int rows,
                                        Element element) {
  const Product product{rows, layer.in, layer.out, element, element};
  const auto layout = catch_onednn("a linear layer", [&] {
    return describe(library, product, matrix(layer.in, layer.out, element, Tag::any), After::nothing).weights_desc();
  });
  if (!layout) return tl::unexpected(layout.error());
  DFA_ASSIGN_OR_RETURN(float* weight, store.take((layout->get_size() + sizeof(float) - 1) / sizeof(float)));
  DFA_ASSIGN_OR_RETURN(float* bias, store.take(layer.bias.size()));
  std::memcpy(bias, layer.bias.data(), layer.bias.size() * sizeof(float));
  return catch_onednn("the packing of a linear layer", [&] {
    PackedLinear packed;
    packed.in_ = layer.in;
    packed.out_ = layer.out;
    packed.element_ = element;
    packed.weight_ = memory(*layout, library.engine, weight);
    packed.bias_ = memory(matrix(1, layer.out, Element::f32, Tag::ab), library.engine, bias);
    // The stored (out, in) matrix is the (in, out) operand of the product, transposed.
    memory stored(matrix(layer.in, layer.out, Element::f32, Tag::ba), library.engine,
                  const_cast<float*>(layer.weight.data()));
    dnnl::reorder(stored, packed.weight_).execute(library.stream, stored, packed.weight_);
    library.stream.wait();
    return packed;
  });
}

Result<std::unique_ptr<Step>> make_linear_step(OneDnn& library, Plan& plan, const PackedLinear& layer, int rows,
                                               Slice src, Slice dst, After after) {
  const std::string what = fmt::format("a linear layer {}x{}x{}", rows, layer.in(), layer.out());
  if (src.element != layer.element())
    return fail(ErrorCode::internal, "{} reads {} and was given {}", what, element_name(layer.element()),
                element_name(src.element));
  const Product product{rows, layer.in(), layer.out(), src.element, dst.element};
  return catch_onednn(what, [&]() -> std::unique_ptr<Step> {
    const auto description = describe(library, product, layer.weight().get_desc(), after);
    return std::make_unique<LinearStep>(library, plan, layer, rows, src, dst, description);
  });
}

}  // namespace dfa
