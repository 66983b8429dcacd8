#include "nn/vit/plan_writer.hpp"

#include <algorithm>

#include "nn/isa.hpp"
#include "nn/layers/readout_steps.hpp"

namespace dfa {
namespace {

std::size_t row_values(int rows, int width) {
  return static_cast<std::size_t>(rows) * static_cast<std::size_t>(width);
}

}  // namespace

Slice PlanWriter::add_rows(int rows, int width) {
  return plan_.add_buffer(row_values(rows, width), options_.element);
}

// Attention by whole numbers keeps less of them than bf16 does, which is half the traffic; oneDNN's products of f32
// give f32 alone.
Slice PlanWriter::add_attended_rows(int rows, int width, std::initializer_list<const PackedLinear*> products,
                                    const PackedLinear& reader) {
  const bool own = std::ranges::all_of(products, [](const PackedLinear* layer) { return layer->own() != nullptr; });
  const bool coded = reader.input().element == Element::u8 && has_avx512_vnni();
  return plan_.add_buffer(row_values(rows, width), own && coded ? Element::bf16 : options_.element);
}

Slice PlanWriter::add_input(int rows, const PackedLinear& reader) {
  return plan_.add_buffer(row_values(rows, reader.in()), reader.input().element, reader.input().codes);
}

Slice PlanWriter::add_map(const MapShape& shape, const LayerInput& reader) {
  return plan_.add_buffer(shape.values(), reader.element, reader.codes);
}

Slice PlanWriter::add_wide_rows(int tokens, int width) {
  return plan_.add_buffer(row_values(options_.images * tokens, width));
}

void PlanWriter::add_step(Part part, std::string name, std::unique_ptr<Step> step) {
  plan_.add_step(part, std::move(name), std::move(step));
}

Status PlanWriter::add_linear(Part part, const std::string& name, const PackedLinear& layer, int rows, Slice src,
                              Slice dst, After after) {
  observe_site(part, name, layer.input(), rows, layer.in(), src);
  if (dst.element == Element::u8 && layer.own() == nullptr)
    return add_encoded(part, name, layer, rows, src, dst, after);
  DFA_ASSIGN_OR_RETURN(auto step, make_linear_step(library_, plan_, layer, rows, src, dst, after, options_.threads));
  plan_.add_step(part, name, std::move(step));
  return {};
}

// oneDNN's products know no codes: through f32.
Status PlanWriter::add_encoded(Part part, const std::string& name, const PackedLinear& layer, int rows, Slice src,
                               Slice dst, After after) {
  const Slice wide = plan_.add_buffer(row_values(rows, layer.out()));
  DFA_ASSIGN_OR_RETURN(auto step, make_linear_step(library_, plan_, layer, rows, src, wide, after, options_.threads));
  plan_.add_step(part, name, std::move(step));
  plan_.add_step(part, name + ".codes", make_narrow_step(rows, layer.out(), wide, dst, options_.threads));
  return {};
}

Status PlanWriter::add_conv(Part part, const std::string& name, const PackedConv& layer, const MapShape& shape,
                            Slice src, Slice dst) {
  const MapShape out = layer.output(shape);
  const bool encode =
      dst.element == Element::u8 && src.element != Element::u8;  // oneDNN mixes no wide input with codes
  const Slice to = encode ? plan_.add_buffer(out.values()) : dst;
  DFA_ASSIGN_OR_RETURN(auto step, make_conv_relu_step(library_, plan_, layer, shape, src, to));
  plan_.add_step(part, name, std::move(step));
  if (encode)
    plan_.add_step(part, name + ".codes", make_narrow_step(out.rows(), out.channels, to, dst, options_.threads));
  return {};
}

void PlanWriter::observe_site(Part part, const std::string& reader, const LayerInput& input, int rows, int width,
                              Slice src) {
  const std::string& site = input.site;
  if (options_.activations == nullptr || site.empty()) return;
  if (first_readers_.emplace(site, reader).first->second != reader) return;
  plan_.add_step(part, site, make_observe_site_step(*options_.activations, site, rows, width, src));
}

Slice PlanWriter::normalised(Part part, const std::string& name, Stream& stream, const PackedLinear& reader) {
  if (!stream.normalised) {
    stream.normalised = add_input(options_.images * stream.tokens, reader);
    add_layer_norm(part, name, options_.images * stream.tokens, kNoAffine, stream.values, *stream.normalised);
  }
  return *stream.normalised;
}

void PlanWriter::add_layer_norm(Part part, const std::string& name, int rows, const NormWeights& norm, Slice src,
                                Slice dst) {
  const std::size_t dim = static_cast<std::size_t>(config_.dim);
  const LayerNormShape shape{rows, config_.dim, dim, dim, static_cast<float>(config_.norm_eps)};
  plan_.add_step(part, name, make_layer_norm_step(shape, norm, src, dst, options_.threads));
}

Slice PlanWriter::add_attention(Part part, const std::string& name, int images, int heads, Projection q, Projection k,
                                Projection v, const PackedLinear& reader) {
  const std::size_t dim = static_cast<std::size_t>(config_.dim);
  const auto strides = [](int tokens, std::size_t row) {
    return TokenStrides{static_cast<std::size_t>(tokens) * row, row};
  };
  const AttentionShape shape{.images = images,
                             .heads = heads,
                             .head_dim = config_.dim / heads,
                             .queries = q.tokens,
                             .keys = k.tokens,
                             .q = strides(q.tokens, static_cast<std::size_t>(q.row_values)),
                             .kv = strides(k.tokens, static_cast<std::size_t>(k.row_values)),
                             .out = strides(q.tokens, dim)};
  const Slice out = add_input(images * q.tokens, reader);
  plan_.add_step(part, name, make_attention_step(plan_, shape, q.values, k.values, v.values, out, options_.threads));
  return out;
}

Stream PlanWriter::first_rows(Part part, const std::string& name, const Stream& stream) {
  const Stream first{add_wide_rows(1, config_.dim), 1, {}};
  plan_.add_step(part, name,
                 make_first_rows_step(options_.images, stream.tokens, config_.dim, stream.values, first.values));
  return first;
}

}  // namespace dfa
