#include "nn/layers/onednn.hpp"

#include <omp.h>

namespace dfa {

ThreadCount::ThreadCount(int threads) : before_(omp_get_max_threads()) {
  omp_set_num_threads(threads);
}

ThreadCount::~ThreadCount() {
  omp_set_num_threads(before_);
}

void PrimitiveStep::set_primitive(dnnl::primitive primitive, const dnnl::primitive_desc& description, Plan& plan) {
  primitive_ = std::move(primitive);
  kernel_ = description.impl_info_str();
  const dnnl::memory::desc scratch = description.scratchpad_desc();
  if (scratch.get_size() == 0) return;
  add_operand(DNNL_ARG_SCRATCHPAD, scratch, plan.add_buffer((scratch.get_size() + sizeof(float) - 1) / sizeof(float)));
}

void PrimitiveStep::add_operand(int argument, const dnnl::memory::desc& layout, Slice place) {
  operands_.push_back({dnnl::memory(layout, library_.engine, DNNL_MEMORY_NONE), place});
  arguments_.push_back({argument, operands_.back().memory.get()});
}

void PrimitiveStep::add_constant(int argument, dnnl::memory memory) {
  constants_.push_back(std::move(memory));
  arguments_.push_back({argument, constants_.back().get()});
}

void PrimitiveStep::bind(const Workspace& workspace) {
  for (Operand& operand : operands_) operand.memory.set_data_handle(workspace.at(operand.place));
}

Status PrimitiveStep::run(const RunContext&) {
  // The C interface: its C++ wrapper builds a list on the heap at every call.
  const dnnl_status_t status = dnnl_primitive_execute(primitive_.get(), library_.stream.get(),
                                                      static_cast<int>(arguments_.size()), arguments_.data());
  if (status == dnnl_success) return {};
  return fail(ErrorCode::internal, "oneDNN kernel {} failed with status {}", kernel_, static_cast<int>(status));
}

std::vector<int> PrimitiveStep::buffers() const {
  std::vector<int> numbers;
  for (const Operand& operand : operands_) numbers.push_back(operand.place.buffer);
  return numbers;
}

}  // namespace dfa
