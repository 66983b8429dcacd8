// What every oneDNN step shares. oneDNN types stay inside src/nn.
//
// Note [Threads of oneDNN]
// oneDNN decides how to split a primitive by the OpenMP thread count of the thread that creates it, and expects the
// same count when it runs. OpenMP keeps that count per calling thread. So a ThreadCount object is held while plans are
// made and while they run.
#pragma once

#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "nn/plan/plan.hpp"

namespace dfa {

class OneDnn {
 public:
  OneDnn() : OneDnn(dnnl::engine(dnnl::engine::kind::cpu, 0)) {}
  // The same engine, which packed weights belong to, with a stream of its own.
  explicit OneDnn(dnnl::engine of) : engine(std::move(of)), stream(engine) {}
  dnnl::engine engine;
  dnnl::stream stream;
};

inline dnnl::memory::data_type onednn_type(Element element) {
  switch (element) {
    case Element::f32:
      return dnnl::memory::data_type::f32;
    case Element::bf16:
      return dnnl::memory::data_type::bf16;
    case Element::u8:
      break;
  }
  return dnnl::memory::data_type::u8;
}

// Sets OpenMP's thread count for the calling thread and puts the old one back.
class ThreadCount {
 public:
  explicit ThreadCount(int threads);
  ~ThreadCount();
  ThreadCount(const ThreadCount&) = delete;
  ThreadCount& operator=(const ThreadCount&) = delete;

 private:
  int before_;
};

// A primitive whose operands are places of the workspace or packed weights. Scratch memory is a buffer of the plan as
// well.
class PrimitiveStep : public Step {
 public:
  void bind(const Workspace& workspace) override;
  Status run(const RunContext& context) override;
  std::string shape() const override { return shape_; }
  std::string kernel() const override { return kernel_; }
  Element element() const override { return element_; }
  std::vector<int> buffers() const override;

 protected:
  PrimitiveStep(OneDnn& library, std::string shape, Element element)
      : library_(library), shape_(std::move(shape)), element_(element) {}
  // `description`: implementation and scratch size of the primitive.
  void set_primitive(dnnl::primitive primitive, const dnnl::primitive_desc& description, Plan& plan);
  void add_operand(int argument, const dnnl::memory::desc& layout, Slice place);
  void add_constant(int argument, dnnl::memory memory);

 private:
  struct Operand {
    dnnl::memory memory;
    Slice place;
  };
  OneDnn& library_;
  std::string shape_;
  Element element_;
  std::string kernel_;
  dnnl::primitive primitive_;
  std::vector<Operand> operands_;
  std::vector<dnnl::memory> constants_;
  std::vector<dnnl_exec_arg_t> arguments_;
};

// Runs `make` and turns what oneDNN throws into an error.
template <class F>
auto catch_onednn(std::string_view what, F&& make) -> Result<decltype(make())> {
  try {
    return make();
  } catch (const dnnl::error& error) {
    return fail(ErrorCode::internal, "oneDNN could not plan {}: {}", what, error.what());
  }
}

}  // namespace dfa
