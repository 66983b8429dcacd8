// The engine's own kernels alone, at the sizes of ViT-B/16. Convolutions and f32 products are oneDNN's: `dfa bench
// --steps` times them in their plan. ONEDNN_MAX_CPU_ISA caps the instruction set, as in the engine.
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "nn/isa.hpp"
#include "nn/ops/attention.hpp"
#include "nn/ops/attention_amx.hpp"
#include "nn/ops/gemm.hpp"
#include "nn/ops/layer_norm.hpp"
#include "nn/plan/arena.hpp"
#include "tensorfile/float_bits.hpp"

namespace {

using dfa::Arena;

// Values that neither repeat nor vanish.
Arena filled(std::size_t count) {
  Arena arena = dfa::Arena::reserve(count).value();
  for (std::size_t i = 0; i < count; ++i) arena.data()[i] = std::sin(static_cast<float>(i % 10007));
  return arena;
}

// The same as bf16, smaller: scores of attention then differ by a few, as those of a network do.
Arena narrow_filled(std::size_t count) {
  Arena arena = dfa::Arena::reserve((count + 1) / 2).value();
  auto* values = reinterpret_cast<std::uint16_t*>(arena.data());
  for (std::size_t i = 0; i < count; ++i)
    values[i] = dfa::bf16_from_f32(0.5F * std::sin(static_cast<float>(i % 10007)));
  return arena;
}

// Arguments: rows, dim, threads.
void layer_norm(benchmark::State& state) {
  dfa::cap_highway();
  const std::size_t rows = static_cast<std::size_t>(state.range(0));
  const std::size_t dim = static_cast<std::size_t>(state.range(1));
  Arena src = filled(rows * dim), dst = filled(rows * dim);
  const dfa::LayerNormShape shape{static_cast<int>(rows), static_cast<int>(dim), dim, dim, 1e-6F};
  for (auto _ : state) {
    dfa::layer_norm(shape, src.data(), nullptr, nullptr, dst.data(), static_cast<int>(state.range(2)));
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * rows * dim * 2 * sizeof(float)));
}
BENCHMARK(layer_norm)
    ->ArgNames({"rows", "dim", "threads"})
    ->Args({1576, 768, 1})
    ->Args({1576, 768, 2})
    ->Args({8232, 768, 2})
    ->UseRealTime();

// The formats that the next product reads: bf16, or u8 codes.
void layer_norm_narrow(benchmark::State& state, dfa::Element element) {
  dfa::cap_highway();
  const std::size_t rows = static_cast<std::size_t>(state.range(0));
  const std::size_t dim = static_cast<std::size_t>(state.range(1));
  const int threads = static_cast<int>(state.range(2));
  Arena src = filled(rows * dim), dst = filled(rows * dim);
  const dfa::LayerNormShape shape{static_cast<int>(rows), static_cast<int>(dim), dim, dim, 1e-6F};
  const dfa::Codes codes{std::vector<float>(dim, 40.0F), 128};
  for (auto _ : state) {
    if (element == dfa::Element::u8)
      dfa::layer_norm_u8(shape, src.data(), nullptr, nullptr, codes, reinterpret_cast<std::uint8_t*>(dst.data()),
                         threads);
    else
      dfa::layer_norm_bf16(shape, src.data(), nullptr, nullptr, reinterpret_cast<std::uint16_t*>(dst.data()), threads);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(
      static_cast<std::int64_t>(state.iterations() * rows * dim * (sizeof(float) + dfa::element_size(element))));
}
BENCHMARK_CAPTURE(layer_norm_narrow, bf16, dfa::Element::bf16)
    ->ArgNames({"rows", "dim", "threads"})
    ->Args({1576, 768, 2})
    ->Args({8232, 768, 2})
    ->UseRealTime();
BENCHMARK_CAPTURE(layer_norm_narrow, u8, dfa::Element::u8)
    ->ArgNames({"rows", "dim", "threads"})
    ->Args({1576, 768, 2})
    ->Args({8232, 768, 2})
    ->UseRealTime();

// Arguments: heads, head_dim, queries, keys, threads; one image.
void attention(benchmark::State& state) {
  dfa::cap_highway();
  const auto size = [&](int index) { return static_cast<std::size_t>(state.range(index)); };
  const std::size_t dim = size(0) * size(1);
  const dfa::AttentionShape shape{.images = 1,
                                  .heads = static_cast<int>(state.range(0)),
                                  .head_dim = static_cast<int>(state.range(1)),
                                  .queries = static_cast<int>(state.range(2)),
                                  .keys = static_cast<int>(state.range(3)),
                                  .q = {size(2) * dim, dim},
                                  .kv = {size(3) * 2 * dim, 2 * dim},
                                  .out = {size(2) * dim, dim}};
  const int threads = static_cast<int>(state.range(4));
  Arena q = filled(size(2) * dim), kv = filled(size(3) * 2 * dim), out = filled(size(2) * dim);
  Arena scratch = filled(dfa::attention_scratch(shape, threads));
  const dfa::AttentionOut to{reinterpret_cast<std::byte*>(out.data()), dfa::Element::f32, nullptr};
  for (auto _ : state) {
    dfa::attention(shape, q.data(), kv.data(), kv.data() + dim, to, scratch.data(), threads);
    benchmark::ClobberMemory();
  }
  const double products = 2.0 * static_cast<double>(size(2) * size(3) * dim);
  state.counters["GFLOP/s"] =
      benchmark::Counter(2e-9 * products * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}
BENCHMARK(attention)
    ->ArgNames({"heads", "head_dim", "queries", "keys", "threads"})
    ->Args({12, 64, 197, 197, 1})  // trunk
    ->Args({12, 64, 197, 197, 2})
    ->Args({6, 128, 197, 1029, 2})  // injector
    ->Args({6, 128, 1029, 197, 2})  // extractor
    ->Args({6, 128, 1, 197, 2})     // last extractor
    ->UseRealTime();

// The same for bf16 operands, all images of a batch in one call, as the engine does it: on AMX tiles where they are.
// Where queries and keys are as many, q, k and v lie beside each other in one row; else k and v do.
void attention_bf16(benchmark::State& state) {
  dfa::cap_highway();
  const auto size = [&](int index) { return static_cast<std::size_t>(state.range(index)); };
  const std::size_t images = size(0), dim = size(1) * size(2), queries = size(3), keys = size(4);
  const std::size_t q_row = queries == keys ? 3 * dim : dim, kv_row = queries == keys ? 3 * dim : 2 * dim;
  const dfa::AttentionShape shape{.images = static_cast<int>(images),
                                  .heads = static_cast<int>(size(1)),
                                  .head_dim = static_cast<int>(size(2)),
                                  .queries = static_cast<int>(queries),
                                  .keys = static_cast<int>(keys),
                                  .q = {queries * q_row, q_row},
                                  .kv = {keys * kv_row, kv_row},
                                  .out = {queries * dim, dim}};
  const int threads = static_cast<int>(state.range(5));
  Arena q_values = narrow_filled(images * queries * q_row), kv_values = narrow_filled(images * keys * kv_row);
  const auto* q = reinterpret_cast<const std::uint16_t*>(q_values.data());
  const auto* kv = reinterpret_cast<const std::uint16_t*>(kv_values.data());
  const std::uint16_t* k = queries == keys ? q + dim : kv;
  Arena out = filled(images * queries * dim);
  const bool tiles = dfa::has_amx() && dfa::fits_amx(shape);
  Arena scratch = filled(tiles ? dfa::attention_amx_scratch(shape, threads) : dfa::attention_scratch(shape, threads));
  const dfa::AttentionOut to{reinterpret_cast<std::byte*>(out.data()), dfa::Element::bf16, nullptr};
  for (auto _ : state) {
    (tiles ? dfa::attention_amx : dfa::attention_bf16)(shape, q, k, k + dim, to, scratch.data(), threads);
    benchmark::ClobberMemory();
  }
  state.SetLabel(tiles ? "amx" : "highway");
  const double products = 2.0 * static_cast<double>(images * queries * keys * dim);
  state.counters["GFLOP/s"] =
      benchmark::Counter(2e-9 * products * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}
BENCHMARK(attention_bf16)
    ->ArgNames({"images", "heads", "head_dim", "queries", "keys", "threads"})
    ->Args({8, 12, 64, 197, 197, 2})   // trunk
    ->Args({8, 6, 128, 197, 1029, 2})  // injector
    ->Args({8, 6, 128, 1029, 197, 2})  // extractor
    ->Args({8, 6, 128, 1, 197, 2})     // last extractor
    ->Args({1, 12, 64, 197, 197, 2})   // trunk, one face
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

// A product as ViT-B/16 with adapters has it, at a batch of 8 (1576 tokens, 8232 of the pyramid) or 1.
struct GemmShape {
  const char* name;
  int rows, in, out;
  dfa::Element element;  // of int8 products; those of bf16 have bf16 for u8
  dfa::After after;
};
constexpr GemmShape kGemmShapes[] = {
    {"qkv", 1576, 768, 2304, dfa::Element::bf16, dfa::After::nothing},
    {"proj", 1576, 768, 768, dfa::Element::f32, dfa::After::add_to_destination},
    {"fc1", 1576, 768, 3072, dfa::Element::u8, dfa::After::gelu},
    {"fc2", 1576, 3072, 768, dfa::Element::f32, dfa::After::add_to_destination},
    {"down", 1576, 768, 64, dfa::Element::u8, dfa::After::relu},
    {"up", 1576, 64, 768, dfa::Element::f32, dfa::After::add_to_destination},
    {"injector_kv", 8232, 768, 1536, dfa::Element::bf16, dfa::After::nothing},
    {"extractor_q", 8232, 768, 768, dfa::Element::bf16, dfa::After::nothing},
    {"extractor_out", 8232, 768, 768, dfa::Element::f32, dfa::After::add_to_destination},
    {"qkv_of_one", 197, 768, 2304, dfa::Element::bf16, dfa::After::nothing},
    {"fc1_of_one", 197, 768, 3072, dfa::Element::u8, dfa::After::gelu},
    {"fc2_of_one", 197, 3072, 768, dfa::Element::f32, dfa::After::add_to_destination},
    {"kv_of_one", 1029, 768, 1536, dfa::Element::bf16, dfa::After::nothing},
    {"eight_rows", 8, 768, 768, dfa::Element::bf16, dfa::After::nothing},
};

// As in the network, weights are not in the caches when their turn comes: they are taken from a pool that is larger.
void gemm(benchmark::State& state, dfa::GemmKernel kernel, const GemmShape& shape, int threads) {
  constexpr std::size_t kPoolBytes = std::size_t{96} << 20;
  const bool bf16 = kernel == dfa::GemmKernel::amx_bf16;
  const std::size_t in = static_cast<std::size_t>(shape.in), out = static_cast<std::size_t>(shape.out);
  const std::size_t rows = static_cast<std::size_t>(shape.rows), bytes = dfa::packed_bytes(kernel, shape.in, shape.out);
  // Any bytes do: what they mean as codes or bf16 changes no time.
  Arena pool = filled(kPoolBytes / sizeof(float)), src = filled(rows * in), to = filled(rows * out);
  const std::vector<float> ones(out, 1e-4F);
  const std::vector<std::int32_t> offsets(out);
  const dfa::Codes codes{std::vector<float>(out, 20.0F), 128};
  const dfa::Element element = bf16 && shape.element == dfa::Element::u8 ? dfa::Element::bf16 : shape.element;
  dfa::PackedMatrix matrix{kernel, shape.in, shape.out, nullptr, ones.data(), ones.data(), offsets.data()};
  Arena scratch = dfa::Arena::reserve(dfa::gemm_scratch(matrix, shape.rows, threads) / sizeof(float) + 1).value();
  std::size_t at = 0;
  for (auto _ : state) {
    matrix.values = reinterpret_cast<const std::byte*>(pool.data()) + at;
    at = at + 2 * bytes > kPoolBytes ? 0 : at + bytes;
    dfa::gemm(matrix, reinterpret_cast<const std::byte*>(src.data()), shape.rows,
              {reinterpret_cast<std::byte*>(to.data()), element, shape.after, &codes},
              reinterpret_cast<std::byte*>(scratch.data()), threads);
    benchmark::ClobberMemory();
  }
  const double products = 2.0 * static_cast<double>(rows * in * out);
  state.counters["TOP/s"] =
      benchmark::Counter(1e-12 * products * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

// gemm/KERNEL/SHAPE/threads:2 for every kernel that runs here.
const bool kGemmsRegistered = [] {
  for (const dfa::GemmKernel kernel :
       {dfa::GemmKernel::avx2_int8, dfa::GemmKernel::avx2_vnni_int8, dfa::GemmKernel::avx512_vnni_int8,
        dfa::GemmKernel::amx_int8, dfa::GemmKernel::amx_bf16}) {
    if (!dfa::gemm_runs_here(kernel)) continue;
    for (const GemmShape& shape : kGemmShapes) {
      for (const int threads : {1, 2}) {
        const std::string name = "gemm/" + std::string(dfa::gemm_kernel_name(kernel)) + "/" + shape.name +
                                 "/threads:" + std::to_string(threads);
        benchmark::RegisterBenchmark(name.c_str(), [kernel, &shape, threads](benchmark::State& state) {
          gemm(state, kernel, shape, threads);
        })->UseRealTime();
      }
    }
  }
  return true;
}();

}  // namespace

BENCHMARK_MAIN();
