#include "nn/layers/linear_step.hpp"

#include <cstring>

#include "nn/layers/kernel_step.hpp"

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
      : PrimitiveStep(library, fmt::format("{}x{}x{}", rows, layer.in(), layer.out()), layer.input().element) {
    set_primitive(dnnl::matmul(description), description, plan);
    add_operand(DNNL_ARG_SRC, description.src_desc(), src);
    add_operand(DNNL_ARG_DST, description.dst_desc(), dst);
    add_constant(DNNL_ARG_WEIGHTS, layer.weight());
    add_constant(DNNL_ARG_BIAS, layer.bias());
  }
  std::string_view op() const override { return "linear"; }
};

class OwnLinearStep final : public KernelStep {
 public:
  OwnLinearStep(const PackedLinear& layer, int rows, Slice src, Slice dst, Slice scratch, After after, int threads)
      : KernelStep({src, dst, scratch}), layer_(layer), rows_(rows), dst_(dst), after_(after), threads_(threads) {}
  Status run(const RunContext&) override {
    gemm(*layer_.own(), bytes(0), rows_, {bytes(1), dst_.element, after_, dst_.codes}, bytes(2), threads_);
    return {};
  }
  std::string_view op() const override { return "linear"; }
  std::string shape() const override { return fmt::format("{}x{}x{}", rows_, layer_.in(), layer_.out()); }
  std::string kernel() const override { return std::string(gemm_kernel_name(layer_.own()->kernel)); }

 private:
  const PackedLinear& layer_;
  int rows_;
  Slice dst_;
  After after_;
  int threads_;
};

// None: oneDNN multiplies.
std::optional<GemmKernel> own_kernel(Element element) {
  if (element == Element::u8) return best_int8_gemm();
  if (element == Element::bf16 && gemm_runs_here(GemmKernel::amx_bf16)) return GemmKernel::amx_bf16;
  return std::nullopt;
}

// Room for `count` values of the type, from where floats are kept.
template <class Value>
Result<Value*> take(WeightStore& store, std::size_t count) {
  DFA_ASSIGN_OR_RETURN(float* floats, store.take((count * sizeof(Value) + sizeof(float) - 1) / sizeof(float)));
  return reinterpret_cast<Value*>(floats);
}

template <class Value>
Result<const Value*> keep(WeightStore& store, const std::vector<Value>& values) {
  DFA_ASSIGN_OR_RETURN(Value * kept, take<Value>(store, values.size()));
  std::memcpy(kept, values.data(), values.size() * sizeof(Value));
  return kept;
}

}  // namespace

Result<PackedLinear> PackedLinear::pack(OneDnn& library, WeightStore& store, const LinearWeights& layer, int rows,
                                        const LayerInput& input) {
  PackedLinear packed;
  packed.in_ = layer.in;
  packed.out_ = layer.out;
  packed.input_ = input;
  if (const auto kernel = own_kernel(input.element))
    DFA_TRY(packed.pack_own(store, layer, *kernel));
  else
    DFA_TRY(packed.pack_onednn(library, store, layer, rows));
  return packed;
}

Status PackedLinear::pack_own(WeightStore& store, const LinearWeights& layer, GemmKernel kernel) {
  PackedMatrix& matrix = own_.emplace();
  matrix.kernel = kernel;
  matrix.in = in_;
  matrix.out = out_;
  DFA_ASSIGN_OR_RETURN(std::byte * values, take<std::byte>(store, packed_bytes(kernel, in_, out_)));
  DFA_ASSIGN_OR_RETURN(matrix.bias, keep(store, layer.bias));
  matrix.values = values;
  if (input_.element != Element::u8) {
    pack_bf16(kernel, layer.weight, in_, out_, values);
    return {};
  }
  const Int8Weights weights = quantise_weights(layer.weight, in_, out_, *input_.codes);
  pack_int8(kernel, weights, values);
  DFA_ASSIGN_OR_RETURN(matrix.scales, keep(store, weights.scales));
  DFA_ASSIGN_OR_RETURN(matrix.offsets, keep(store, weights.offsets));
  return {};
}

Status PackedLinear::pack_onednn(OneDnn& library, WeightStore& store, const LinearWeights& layer, int rows) {
  const Element element = input_.element;
  const Product product{rows, in_, out_, element, element};
  const auto layout = catch_onednn("a linear layer", [&] {
    return describe(library, product, matrix(in_, out_, element, Tag::any), After::nothing).weights_desc();
  });
  if (!layout) return tl::unexpected(layout.error());
  DFA_ASSIGN_OR_RETURN(std::byte * weight, take<std::byte>(store, layout->get_size()));
  DFA_ASSIGN_OR_RETURN(const float* bias, keep(store, layer.bias));
  const auto done = catch_onednn("the packing of a linear layer", [&] {
    weight_ = memory(*layout, library.engine, weight);
    bias_ = memory(matrix(1, out_, Element::f32, Tag::ab), library.engine, const_cast<float*>(bias));
    // The stored (out, in) matrix is the (in, out) operand of the product, transposed.
    memory stored(matrix(in_, out_, Element::f32, Tag::ba), library.engine, const_cast<float*>(layer.weight.data()));
    dnnl::reorder(stored, weight_).execute(library.stream, stored, weight_);
    library.stream.wait();
    return true;
  });
  if (!done) return tl::unexpected(done.error());
  return {};
}

Result<std::unique_ptr<Step>> make_linear_step(OneDnn& library, Plan& plan, const PackedLinear& layer, int rows,
                                               Slice src, Slice dst, After after, int threads) {
  const std::string what = fmt::format("a linear layer {}x{}x{}", rows, layer.in(), layer.out());
  if (src.element != layer.input().element || src.codes != layer.input().codes)
    return fail(ErrorCode::internal, "{} reads {} and was given {}, or other codes", what,
                element_name(layer.input().element), element_name(src.element));
  if (layer.own() != nullptr) {
    const std::size_t bytes = gemm_scratch(*layer.own(), rows, threads);
    const Slice scratch = plan.add_buffer((bytes + sizeof(float) - 1) / sizeof(float));
    return std::make_unique<OwnLinearStep>(layer, rows, src, dst, scratch, after, threads);
  }
  if (dst.element == Element::u8) return fail(ErrorCode::internal, "{} by oneDNN cannot write codes", what);
  const Product product{rows, layer.in(), layer.out(), src.element, dst.element};
  return catch_onednn(what, [&]() -> std::unique_ptr<Step> {
    const auto description = describe(library, product, layer.weight().get_desc(), after);
    return std::make_unique<LinearStep>(library, plan, layer, rows, src, dst, description);
  });
}

}  // namespace dfa
