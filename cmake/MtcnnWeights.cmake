# The face detector's weights: three files of the PyPI wheel facenet-pytorch 2.6.0 (MIT), turned at build time into one safetensors
# file (DFA_MTCNN_BLOB) that src/nn/mtcnn embeds. scripts/setup unpacks the wheel into DFA_DEPS_DIR.
set(DFA_MTCNN_WEIGHTS "" CACHE PATH "Offline copy: a folder with pnet.pt, rnet.pt, onet.pt, or the wheel itself (empty: DFA_DEPS_DIR)")

set(DFA_MTCNN_SHA256_pnet a2a71925e0b9996a42f63e47efc1ca19043e69558b5c523b978d611dfae49c8f)
set(DFA_MTCNN_SHA256_rnet bbb937de72efc9ef83b186c49f5f558467a1d7e3453a8ece0d71a886633f6a86)
set(DFA_MTCNN_SHA256_onet 165bfbe42940416ccfb977545cf0e976d5bf321f67083ae2aaaa5c764280118d)

if(NOT DFA_MTCNN_WEIGHTS)
  set(DFA_MTCNN_FOLDER "${DFA_DEPS_DIR}/facenet_pytorch/data")
elseif(DFA_MTCNN_WEIGHTS MATCHES "\\.whl$" AND EXISTS "${DFA_MTCNN_WEIGHTS}")
  file(ARCHIVE_EXTRACT INPUT "${DFA_MTCNN_WEIGHTS}" DESTINATION "${PROJECT_BINARY_DIR}/mtcnn_wheel" PATTERNS "facenet_pytorch/data/*.pt")
  set(DFA_MTCNN_FOLDER "${PROJECT_BINARY_DIR}/mtcnn_wheel/facenet_pytorch/data")
else()
  set(DFA_MTCNN_FOLDER "${DFA_MTCNN_WEIGHTS}")
endif()

set(DFA_MTCNN_FILES)
foreach(net pnet rnet onet)
  set(DFA_MTCNN_FILE "${DFA_MTCNN_FOLDER}/${net}.pt")
  if(NOT EXISTS "${DFA_MTCNN_FILE}")
    message(FATAL_ERROR "The face detector's weights are missing: ${DFA_MTCNN_FILE}\n"
      "  next step: run scripts/setup (it fetches the pinned wheel), or give an offline copy of facenet-pytorch 2.6.0 by "
      "-DDFA_MTCNN_WEIGHTS=<wheel, or folder with pnet.pt rnet.pt onet.pt>")
  endif()
  file(SHA256 "${DFA_MTCNN_FILE}" DFA_MTCNN_FOUND)
  if(NOT DFA_MTCNN_FOUND STREQUAL DFA_MTCNN_SHA256_${net})
    message(FATAL_ERROR "${DFA_MTCNN_FILE} is not the file of facenet-pytorch 2.6.0\n"
      "  got SHA-256 ${DFA_MTCNN_FOUND}\n  expected    ${DFA_MTCNN_SHA256_${net}}\n"
      "  likely cause: another version of the package, or a damaged copy\n  next step: delete it and run scripts/setup")
  endif()
  list(APPEND DFA_MTCNN_FILES "${DFA_MTCNN_FILE}")
endforeach()

add_subdirectory("${PROJECT_SOURCE_DIR}/tools/embed_mtcnn" "${PROJECT_BINARY_DIR}/tools/embed_mtcnn")
set(DFA_MTCNN_BLOB "${PROJECT_BINARY_DIR}/generated/mtcnn.safetensors")
add_custom_command(OUTPUT "${DFA_MTCNN_BLOB}"
  COMMAND embed_mtcnn "${DFA_MTCNN_FOLDER}" "${PROJECT_SOURCE_DIR}/tools/embed_mtcnn/notice.txt" "${DFA_MTCNN_BLOB}"
  DEPENDS embed_mtcnn ${DFA_MTCNN_FILES} "${PROJECT_SOURCE_DIR}/tools/embed_mtcnn/notice.txt"
  COMMENT "Converting the face detector's weights" VERBATIM)
