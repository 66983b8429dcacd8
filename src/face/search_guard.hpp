// What every detector does around its search. Internal to this room.
#pragma once

#include <exception>
#include <new>
#include <vector>

#include "base/result.hpp"
#include "face/detector.hpp"

namespace dfa {

// Calls find() for a picture that is one. Errors: internal (an empty picture, an exception of a library),
// out_of_memory; those of find().
template <class Find>
Result<std::vector<Face>> guarded_search(const PictureView& picture, Find find) {
  if (picture.rgb == nullptr || picture.width <= 0 || picture.height <= 0)
    return fail(ErrorCode::internal, "face detection in an empty picture ({}x{})", picture.width, picture.height);
  try {
    return find();
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::out_of_memory, "face detection in a picture of {}x{} ran out of memory", picture.width,
                picture.height);
  } catch (const std::exception& error) {
    return fail(ErrorCode::internal, "face detection in a picture of {}x{}: {}", picture.width, picture.height,
                error.what());
  }
}

}  // namespace dfa
