#include "nn/layers/conv_step.hpp"

#include <algorithm>
#include <cstring>
#include <functional>

#include "nn/isa.hpp"

namespace dfa {
namespace {

using dnnl::memory;
using DataType = dnnl::memory::data_type;
using Tag = dnnl::memory::format_tag;

memory::desc map_layout(MapShape shape, Element element) {
  return {{shape.images, shape.channels, shape.side, shape.side}, onednn_type(element), Tag::nhwc};
}

DataType kernel_type(Element input) {
  return input == Element::u8 ? DataType::s8 : onednn_type(input);
}

memory::desc kernel_layout(const ConvWeights& shape, DataType type, Tag tag) {
  return {{shape.out, shape.in, shape.kernel, shape.kernel}, type, tag};
}

memory::desc bias_layout(const ConvWeights& shape) {
  return {{shape.out}, DataType::f32, Tag::x};
}

MapShape output_of(const ConvWeights& layer, MapShape src) {
  return {src.images, layer.out, (src.side + 2 * layer.padding - layer.kernel) / layer.stride + 1};
}

// From what to what; scales: of what comes out, for each output, where codes come in.
struct Formats {
  Element src, dst;
  std::vector<float> scales;
};

dnnl::convolution_forward::primitive_desc describe(OneDnn& library, const ConvWeights& layer,
                                                   const memory::desc& kernel, MapShape src, const Formats& formats) {
  constexpr int kEachOutput = 1 << 1;
  dnnl::post_ops fused;
  fused.append_eltwise(1.0F, dnnl::algorithm::eltwise_relu, 0.0F, 0.0F);
  dnnl::primitive_attr attr;
  attr.set_post_ops(fused);
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (!formats.scales.empty()) attr.set_output_scales(kEachOutput, formats.scales);
  const memory::dims strides = {layer.stride, layer.stride};
  const memory::dims padding = {layer.padding, layer.padding};
  const dnnl::convolution_forward::desc operation(
      dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct, map_layout(src, formats.src), kernel,
      bias_layout(layer), map_layout(output_of(layer, src), formats.dst), strides, padding, padding);
  return {operation, attr, library.engine};
}

// Weights and bias as plain values of the kind that is packed.
struct StoredConv {
  Int8Weights weights;      // where codes are read
  std::vector<float> bias;  // (out)

  memory plain(const ConvWeights& layer, OneDnn& library) const {
    const bool codes = !weights.values.empty();
    const void* values = codes ? static_cast<const void*>(weights.values.data()) : layer.weight.data();
    return {kernel_layout(layer, codes ? DataType::s8 : DataType::f32, Tag::oihw), library.engine,
            const_cast<void*>(values)};
  }
};

// Note [Codes], with a multiplier for each channel of the map. oneDNN adds the bias before it scales:
// y = (sum + bias / scale - offset) scale.
StoredConv quantise_conv(const ConvWeights& layer, const Codes& codes) {
  const int taps = layer.kernel * layer.kernel;
  Codes of_taps{{}, codes.zero_point};
  for (const float multiplier : codes.multipliers)
    of_taps.multipliers.insert(of_taps.multipliers.end(), static_cast<std::size_t>(taps), multiplier);
  StoredConv stored{quantise_weights(layer.weight, layer.in * taps, layer.out, of_taps), layer.bias};
  for (std::size_t o = 0; o < stored.bias.size(); ++o)
    stored.bias[o] = stored.bias[o] / stored.weights.scales[o] - static_cast<float>(stored.weights.offsets[o]);
  return stored;
}

class ConvStep final : public PrimitiveStep {
 public:
  ConvStep(OneDnn& library, Plan& plan, const PackedConv& layer, MapShape shape, Slice src, Slice dst,
           const dnnl::convolution_forward::primitive_desc& description)
      : PrimitiveStep(library,
                      fmt::format("{}x{}x{}x{}->{} s{}", shape.images, shape.channels, shape.side, shape.side,
                                  layer.shape().out, layer.shape().stride),
                      layer.input().element) {
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
                                    const LayerInput& input) {
  if (input.element == Element::u8 && (!has_vnni() || (input.codes->zero_point != 0 && layer.padding != 0)))
    return fail(ErrorCode::internal, "no convolution of codes here with zero point {} and padding {}",
                input.codes->zero_point, layer.padding);
  StoredConv stored{{}, layer.bias};
  if (input.element == Element::u8) stored = quantise_conv(layer, *input.codes);
  const auto layout = catch_onednn("a convolution", [&] {
    const memory::desc any = kernel_layout(layer, kernel_type(input.element), Tag::any);
    return describe(library, layer, any, src, {input.element, input.element, stored.weights.scales}).weights_desc();
  });
  if (!layout) return tl::unexpected(layout.error());
  DFA_ASSIGN_OR_RETURN(float* weight, store.take((layout->get_size() + sizeof(float) - 1) / sizeof(float)));
  DFA_ASSIGN_OR_RETURN(float* bias, store.take(layer.bias.size()));
  std::memcpy(bias, stored.bias.data(), stored.bias.size() * sizeof(float));
  return catch_onednn("the packing of a convolution", [&] {
    PackedConv packed;
    packed.shape_ = {layer.in, layer.out, layer.kernel, layer.stride, layer.padding, {}, {}};
    packed.input_ = input;
    packed.scales_ = stored.weights.scales;
    packed.weight_ = memory(*layout, library.engine, weight);
    packed.bias_ = memory(bias_layout(layer), library.engine, bias);
    memory plain = stored.plain(layer, library);
    dnnl::reorder(plain, packed.weight_).execute(library.stream, plain, packed.weight_);
    library.stream.wait();
    return packed;
  });
}

Result<std::unique_ptr<Step>> make_conv_relu_step(OneDnn& library, Plan& plan, const PackedConv& layer, MapShape shape,
                                                  Slice src, Slice dst) {
  const std::string what =
      fmt::format("a convolution {}->{} of side {}", shape.channels, layer.shape().out, shape.side);
  if (src.element != layer.input().element || src.codes != layer.input().codes)
    return fail(ErrorCode::internal, "{} reads {} and was given {}, or other codes", what,
                element_name(layer.input().element), element_name(src.element));
  const bool reads_codes = src.element == Element::u8;
  if (dst.element == Element::u8 && !reads_codes)
    return fail(ErrorCode::internal, "{} reads {} and cannot write codes", what, element_name(src.element));
  std::vector<float> scales = layer.scales();
  if (dst.element == Element::u8)
    std::ranges::transform(scales, dst.codes->multipliers, scales.begin(), std::multiplies());
  return catch_onednn(what, [&]() -> std::unique_ptr<Step> {
    const auto description =
        describe(library, layer.shape(), layer.weight().get_desc(), shape, {src.element, dst.element, scales});
    return std::make_unique<ConvStep>(library, plan, layer, shape, src, dst, description);
  });
}

Result<std::unique_ptr<Step>> make_max_pool_step(OneDnn& library, Plan& plan, MapShape shape, Slice src, Slice dst) {
  return catch_onednn("a max-pool", [&]() -> std::unique_ptr<Step> {
    const MapShape out = pooled(shape);
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
