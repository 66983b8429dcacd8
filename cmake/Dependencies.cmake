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

if(DFA_TESTS)
  find_package(GTest REQUIRED)
endif()
if(DFA_BENCH)
  find_package(benchmark REQUIRED)
endif()
