// A plan: the flat list of steps that one batch size takes, over one workspace. Everything is decided when the plan is
// made; while it runs nothing is allocated and no shape is looked at.
//
// Buffers are named by number while the plan is built. lay_out() gives two buffers the same place when no step needs
// both; bind() turns numbers into pointers once.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/trace.hpp"
#include "nn/plan/element.hpp"

namespace dfa {

struct Codes;

// What a step belongs to: the parts whose seconds `dfa bench` shows.
enum class Part { patch_embed, spm, injector, blocks, extractor, head };

std::string_view part_name(Part part);

// A place in the workspace: `offset` bytes into buffer `buffer`, and what lies there.
struct Slice {
  int buffer = -1;
  std::size_t offset = 0;
  Element element = Element::f32;
  const Codes* codes = nullptr;  // of u8: how they stand for the values of a row; outlives the plan

  Slice at(std::size_t values) const { return {buffer, offset + values * element_size(element), element, codes}; }
};

// Turns slices into pointers.
class Workspace {
 public:
  Workspace(float* base, const std::vector<std::size_t>& places) : base_(base), places_(places) {}
  std::byte* at(Slice slice) const {
    float* buffer = base_ + places_[static_cast<std::size_t>(slice.buffer)];
    return reinterpret_cast<std::byte*>(buffer) + slice.offset;
  }

 private:
  float* base_;
  const std::vector<std::size_t>& places_;
};

// What changes from one run to the next.
struct RunContext {
  const float* images = nullptr;  // (N, 3, S, S)
  float* logits = nullptr;        // (N, classes); null when not wanted
  float* feature = nullptr;       // (N, D); null when not wanted
};

class Step {
 public:
  virtual ~Step() = default;
  // Once, before the first run.
  virtual void bind(const Workspace& workspace) = 0;
  virtual Status run(const RunContext& context) = 0;
  // For the trace: what it does, on what, and with which kernel: "linear", "1576x768x2304", "brg:avx512_core".
  virtual std::string_view op() const = 0;
  virtual std::string shape() const = 0;
  virtual std::string kernel() const = 0;
  // The format of what it reads.
  virtual Element element() const = 0;
  // Buffers that the step reads or writes.
  virtual std::vector<int> buffers() const = 0;
};

class Plan {
 public:
  // A buffer of `count` values, for the steps added from here on.
  Slice add_buffer(std::size_t count, Element element = Element::f32, const Codes* codes = nullptr);
  void add_step(Part part, std::string name, std::unique_ptr<Step> step);

  // Decides every buffer's place; returns the floats that the workspace needs. Call once, after the last add_step.
  std::size_t lay_out();
  // `base` holds what lay_out() returned.
  void bind(float* base);

  // Trace class profile gets a line a step: "<part>,<name>,begin_s,end_s". `trace` may be null.
  Status run(const RunContext& context, TraceSink* trace);
  // Trace class dispatch: "op,shape,element,isa,kernel,<part>/<name>".
  void trace_dispatch(TraceSink& trace, std::string_view isa) const;

 private:
  struct Buffer {
    std::size_t floats = 0;
    int first_step = -1;  // -1: nobody uses it
    int last_step = -1;
  };
  struct NamedStep {
    Part part;
    std::string name;
    std::unique_ptr<Step> step;
  };
  std::size_t lowest_free_place(std::size_t buffer, const std::vector<std::size_t>& placed) const;

  std::vector<Buffer> buffers_;
  std::vector<std::size_t> places_;  // floats from the workspace's begin
  std::vector<NamedStep> steps_;
};

}  // namespace dfa
