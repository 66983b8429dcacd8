# What Debian packages, as imported targets. Headers come as SYSTEM, so that our warnings stop at our code.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenMP REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(tl-expected REQUIRED)

# Debian's dnnl config package asks for OpenCL's development files, which a CPU program does not need: own target.
find_path(DNNL_INCLUDE_DIR oneapi/dnnl/dnnl.hpp REQUIRED)
find_library(DNNL_LIBRARY dnnl REQUIRED)
add_library(DNNL::dnnl UNKNOWN IMPORTED)
set_target_properties(DNNL::dnnl PROPERTIES IMPORTED_LOCATION "${DNNL_LIBRARY}"
                      INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${DNNL_INCLUDE_DIR}")

find_package(hwy REQUIRED)
pkg_check_modules(FFMPEG REQUIRED IMPORTED_TARGET libavformat libavcodec libavutil libswscale)

# Debian's granular OpenCV packages ship neither CMake nor pkg-config files.
foreach(part core imgproc imgcodecs)
  add_library(dfa_opencv_${part} INTERFACE)
  target_include_directories(dfa_opencv_${part} SYSTEM INTERFACE /usr/include/opencv4)
  target_link_libraries(dfa_opencv_${part} INTERFACE opencv_${part})
endforeach()
target_link_libraries(dfa_opencv_imgproc INTERFACE dfa_opencv_core)
target_link_libraries(dfa_opencv_imgcodecs INTERFACE dfa_opencv_core)

# Own target: Debian's config package asks for the development files of everything that dlib itself was linked with.
if(DFA_DLIB)
  find_path(DLIB_INCLUDE_DIR dlib/image_processing/frontal_face_detector.h)
  find_library(DLIB_LIBRARY dlib)
  find_library(DLIB_BLAS_LIBRARY blas)
  find_library(DLIB_LAPACK_LIBRARY lapack)
  set(DFA_DLIB_MODEL "/usr/share/dlib/shape_predictor_68_face_landmarks.dat" CACHE FILEPATH "The 68-point model that dlib builds use")
  if(NOT DLIB_INCLUDE_DIR OR NOT DLIB_LIBRARY OR NOT DLIB_BLAS_LIBRARY OR NOT DLIB_LAPACK_LIBRARY OR NOT EXISTS "${DFA_DLIB_MODEL}")
    message(FATAL_ERROR "DFA_DLIB is on, but dlib or its 68-point model was not found.\n"
                        "Next step: scripts/setup --dev (Debian packages libdlib-dev and libdlib-data), or configure with -DDFA_DLIB=OFF.")
  endif()
  add_library(dfa_dlib INTERFACE)
  target_include_directories(dfa_dlib SYSTEM INTERFACE "${DLIB_INCLUDE_DIR}")
  # Only programs that look for faces with it load it: it brings a BLAS, which must not come before libtorch's own.
  target_link_libraries(dfa_dlib INTERFACE -Wl,--push-state,--as-needed "${DLIB_LIBRARY}" "${DLIB_LAPACK_LIBRARY}" "${DLIB_BLAS_LIBRARY}" -Wl,--pop-state)
endif()

if(DFA_TESTS)
  find_package(GTest REQUIRED)
endif()
if(DFA_BENCH)
  find_package(benchmark REQUIRED)
endif()
