// The words of the layouts' public interface.
#include <fmt/format.h>

#include "dataset/source_list.hpp"

namespace dfa {

std::string_view real_class_name(RealClass rule) {
  return rule == RealClass::authors ? "authors" : "source-videos";
}

Result<RealClass> real_class_by_name(std::string_view name) {
  for (const RealClass rule : {RealClass::authors, RealClass::source_videos})
    if (real_class_name(rule) == name) return rule;
  return fail(ErrorCode::usage, "unknown real-class rule \"{}\", expected authors or source-videos", name);
}

std::string_view layout_fault_name(LayoutFault fault) {
  switch (fault) {
    case LayoutFault::list_missing:
      return "list_missing";
    case LayoutFault::list_broken:
      return "list_broken";
    case LayoutFault::missing:
      return "missing";
    case LayoutFault::polarity:
      return "polarity";
    case LayoutFault::unlisted:
      return "unlisted";
    case LayoutFault::split_overlap:
      return "split_overlap";
    case LayoutFault::mask_missing:
      return "mask_missing";
    case LayoutFault::empty_file:
      return "empty_file";
  }
  return "";
}

}  // namespace dfa
