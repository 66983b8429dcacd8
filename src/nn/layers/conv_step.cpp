#include "nn/layers/conv_step.hpp"

#include <cstring>

namespace dfa {
namespace {

using dnnl::memory;
using DataType = dnnl::memory::data_type;
using Tag = dnnl::memory::format_tag;

memory::desc map_layout(MapShape shape, Element element) {
  return {{shape.images, shape.channels, shape.side, shape.side}, onednn_type(element), Tag::nhwc};
}

memory::desc kernel_layout(const ConvWeights& shape, Element element, Tag tag) {
  return {{shape.out, shape.in, shape.kernel, shape.kernel}, onednn_type(element), tag};
}

memory::desc bias_layout(const ConvWeights& shape) {
  return {{shape.out}, DataType::f32, Tag::x};
}

MapShape output_of(const ConvWeights& layer, MapShape src) {
  return {src.images, layer.out, (src.side + 2 * layer.padding - layer.kernel) / layer.stride + 1};
}

dnnl::convolution_forward::primitive_desc describe(OneDnn& library, const ConvWeights& layer,
                                                   const memory::desc& kernel, MapShape src, Element element) {
  dnnl::post_ops fused;
  fused.append_eltwise(1.0F, dnnl::algorithm::eltwise_relu, 0.0F, 0.0F);
  dnnl::primitive_attr attr;
  attr.set_post_ops(fused);
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const memory::dims strides = {layer.stride, layer.stride};
  const memory::dims padding = {layer.padding, layer.padding};
  const dnnl::convolution_forward::desc operation(
      dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct, map_layout(src, element), kernel,
      bias_layout(layer), map_layout(output_of(layer, src), element), strides, padding, padding);
  return {operation, attr, library.engine};
}

class ConvStep final : public PrimitiveStep {
 public:
  ConvStep(OneDnn& library, Plan& plan, const PackedConv& layer, MapShape shape, Slice src, Slice dst,
           const dnnl::convolution_forward::primitive_desc& description)
      : PrimitiveStep(library,
                      fmt::format("{}x{}x{}x{}->{} s{}", shape.images, shape.channels, shape.side, shape.side,
                                  layer.shape().out, layer.shape().stride),
                      layer.element()) {
    set_primitive(dnnl::convolution_forward(description), description, plan);
    add_operand(DNNL_ARG_SRC, description.src_desc(), src);
    add_operand(DNNL_ARG_DST, description.dst_desc(), dst);
    add_constant(DNNL_ARG_WEIGHTS, layer.weight());
    add_constant(DNNL_ARG_BIAS, layer.bias());
  }
  std::string_view op() const override { return "conv+relu"; }
};

class MaxPoolStep final : public PrimitiveStep {
 public:
  MaxPoolStep(OneDnn& library, Plan& plan, MapShape shape, Slice src, Slice dst,
              const dnnl::pooling_forward::primitive_desc& description)
      : PrimitiveStep(library, fmt::format("{}x{}x{}x{}", shape.images, shape.channels, shape.side, shape.side),
                      src.element) {
    set_primitive(dnnl::pooling_forward(description), description, plan);
    add_operand(DNNL_ARG_SRC, description.src_desc(), src);
    add_operand(DNNL_ARG_DST, description.dst_desc(), dst);
  }
  std::string_view op() const override { return "max_pool"; }
};

}  // namespace

MapShape PackedConv::output(MapShape src) const {
  return output_of(shape_, src);
}

Result<PackedConv> PackedConv::pack(OneDnn& library, WeightStore& store, const ConvWeights& layer, MapShape src,
                                    Element element) {
  const auto layout = catch_onednn("a convolution", [&] {
    return describe(library, layer, kernel_layout(layer, element, Tag::any), src, element).weights_desc();
  });
  if (!layout) return tl::unexpected(layout.error());
  DFA_ASSIGN_OR_RETURN(float* weight, store.take((layout->get_size() + sizeof(float) - 1) / sizeof(float)));
  DFA_ASSIGN_OR_RETURN(float* bias, store.take(layer.bias.size()));
  std::memcpy(bias, layer.bias.data(), layer.bias.size() * sizeof(float));
  return catch_onednn("the packing of a convolution", [&] {
    PackedConv packed;
    packed.shape_ = {layer.in, layer.out, layer.kernel, layer.stride, layer.padding, {}, {}};
    packed.element_ = element;
    packed.weight_ = memory(*layout, library.engine, weight);
    packed.bias_ = memory(bias_layout(layer), library.engine, bias);
    memory stored(kernel_layout(layer, Element::f32, Tag::oihw), library.engine,
                  const_cast<float*>(layer.weight.data()));
    dnnl::reorder(stored, packed.weight_).execute(library.stream, stored, packed.weight_);
    library.stream.wait();
    return packed;
  });
}

Result<std::unique_ptr<Step>> make_conv_relu_step(OneDnn& library, Plan& plan, const PackedConv& layer, MapShape shape,
                                                  Slice src, Slice dst) {
  const std::string what =
      fmt::format("a convolution {}->{} of side {}", shape.channels, layer.shape().out, shape.side);
  return catch_onednn(what, [&]() -> std::unique_ptr<Step> {
    const auto description = describe(library, layer.shape(), layer.weight().get_desc(), shape, layer.element());
    return std::make_unique<ConvStep>(library, plan, layer, shape, src, dst, description);
  });
}

Result<std::unique_ptr<Step>> make_max_pool_step(OneDnn& library, Plan& plan, MapShape shape, Slice src, Slice dst) {
  return catch_onednn("a max-pool", [&]() -> std::unique_ptr<Step> {
    const MapShape out{shape.images, shape.channels, (shape.side + 1) / 2};
    // On the right only what the last window reaches over: 1 for odd sides, 0 for even ones.
    const int right = 2 * (out.side - 1) + 3 - 1 - shape.side;
    dnnl::primitive_attr attr;
    attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    const dnnl::pooling_forward::desc operation(dnnl::prop_kind::forward_inference, dnnl::algorithm::pooling_max,
                                                map_layout(shape, src.element), map_layout(out, dst.element), {2, 2},
                                                {3, 3}, {1, 1}, {right, right});
    const dnnl::pooling_forward::primitive_desc description(operation, attr, library.engine);
    return std::make_unique<MaxPoolStep>(library, plan, shape, src, dst, description);
  });
}

}  // namespace dfa
