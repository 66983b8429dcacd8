#include "nn/plan/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "nn/plan/arena.hpp"

namespace dfa {

std::string_view part_name(Part part) {
  switch (part) {
    case Part::patch_embed:
      return "patch_embed";
    case Part::spm:
      return "spm";
    case Part::injector:
      return "injector";
    case Part::blocks:
      return "blocks";
    case Part::extractor:
      return "extractor";
    case Part::head:
      return "head";
  }
  return "unknown";
}

Slice Plan::add_buffer(std::size_t count, Element element, const Codes* codes) {
  const std::size_t floats = (count * element_size(element) + sizeof(float) - 1) / sizeof(float);
  buffers_.push_back({round_to_line(floats), -1, -1});
  return {static_cast<int>(buffers_.size()) - 1, 0, element, codes};
}

void Plan::add_step(Part part, std::string name, std::unique_ptr<Step> step) {
  const int index = static_cast<int>(steps_.size());
  for (const int number : step->buffers()) {
    Buffer& buffer = buffers_[static_cast<std::size_t>(number)];
    if (buffer.first_step < 0) buffer.first_step = index;
    buffer.last_step = index;
  }
  steps_.push_back({part, std::move(name), std::move(step)});
}

// The first gap between the already placed buffers that live at the same time.
std::size_t Plan::lowest_free_place(std::size_t buffer, const std::vector<std::size_t>& placed) const {
  const Buffer& wanted = buffers_[buffer];
  std::vector<std::size_t> neighbours;
  for (const std::size_t other : placed) {
    const bool together =
        buffers_[other].first_step <= wanted.last_step && wanted.first_step <= buffers_[other].last_step;
    if (together) neighbours.push_back(other);
  }
  std::ranges::sort(neighbours, {}, [&](std::size_t other) { return places_[other]; });
  std::size_t place = 0;
  for (const std::size_t other : neighbours) {
    if (place + wanted.floats <= places_[other]) break;
    place = std::max(place, places_[other] + buffers_[other].floats);
  }
  return place;
}

std::size_t Plan::lay_out() {
  // Large buffers first: small ones then fill the gaps.
  std::vector<std::size_t> order(buffers_.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, std::ranges::greater{}, [&](std::size_t i) { return buffers_[i].floats; });
  places_.assign(buffers_.size(), 0);
  std::vector<std::size_t> placed;
  std::size_t end = 0;
  for (const std::size_t buffer : order) {
    if (buffers_[buffer].first_step < 0) continue;
    places_[buffer] = lowest_free_place(buffer, placed);
    placed.push_back(buffer);
    end = std::max(end, places_[buffer] + buffers_[buffer].floats);
  }
  return end;
}

void Plan::bind(float* base) {
  const Workspace workspace(base, places_);
  for (NamedStep& step : steps_) step.step->bind(workspace);
}

Status Plan::run(const RunContext& context, TraceSink* trace) {
  if (trace == nullptr || !trace->wants(TraceClass::profile)) {
    for (NamedStep& step : steps_) DFA_TRY(step.step->run(context));
    return {};
  }
  for (NamedStep& step : steps_) {
    const TraceSpan span(trace, part_name(step.part), step.name);
    DFA_TRY(step.step->run(context));
  }
  return {};
}

void Plan::trace_dispatch(TraceSink& trace, std::string_view isa) const {
  for (const NamedStep& named : steps_) {
    const Step& step = *named.step;
    trace.write(TraceClass::dispatch,
                fmt::format("{},{},{},{},{},{}/{}", step.op(), step.shape(), element_name(step.element()), isa,
                            step.kernel(), part_name(named.part), named.name));
  }
}

}  // namespace dfa
