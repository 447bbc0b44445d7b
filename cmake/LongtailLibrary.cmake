# One helper per kind of target of the compiler. LLVM and MLIR are linked as shared libraries only:
# mixing them with the static archives registers every option and dialect twice.
set(LLVM_DIR /usr/lib/llvm-22/lib/cmake/llvm CACHE PATH "LLVM's CMake package")
set(MLIR_DIR /usr/lib/llvm-22/lib/cmake/mlir CACHE PATH "MLIR's CMake package")
find_package(MLIR REQUIRED CONFIG)
list(APPEND CMAKE_MODULE_PATH "${MLIR_CMAKE_DIR}" "${LLVM_CMAKE_DIR}")
include(TableGen)
include(AddLLVM)
include(AddMLIR)
include_directories(SYSTEM ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
add_definitions(${LLVM_DEFINITIONS})
# Generated code has unused parameters; -O1 halves the build and the compiler's time is LLVM's.
add_compile_options(-Wno-unused-parameter -O1)

# All generated headers; every compiler library depends on it.
add_custom_target(LongtailTablegen)

# longtail_tablegen(<td> <output> <mlir-tblgen arguments...>)
function(longtail_tablegen td output)
  set(LLVM_TARGET_DEFINITIONS ${td})
  mlir_tablegen(${output} ${ARGN})
  set(name "LongtailTablegen_${CMAKE_CURRENT_SOURCE_DIR}_${output}")
  string(MAKE_C_IDENTIFIER "${name}" name)
  add_custom_target(${name} DEPENDS "${CMAKE_CURRENT_BINARY_DIR}/${output}")
  add_dependencies(LongtailTablegen ${name})
endfunction()

# One precompiled header for all libraries: an MLIR translation unit takes 15 s without and 3 s with.
file(WRITE "${CMAKE_BINARY_DIR}/cmake/pch.cpp" "")
add_library(LongtailPch OBJECT "${CMAKE_BINARY_DIR}/cmake/pch.cpp")
target_precompile_headers(LongtailPch PRIVATE "${CMAKE_CURRENT_LIST_DIR}/Precompiled.h")
# Without the headers' times two builds of equal sources give equal files, which a compiler cache finds.
target_compile_options(LongtailPch PRIVATE "SHELL:-Xclang -fno-pch-timestamp")

# longtail_library(<name> SOURCES ... LINK ...)
function(longtail_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  add_dependencies(${name} LongtailTablegen)
  target_precompile_headers(${name} REUSE_FROM LongtailPch)
  target_link_libraries(${name} PUBLIC ${ARG_LINK} MLIR LLVM)
endfunction()

# longtail_executable(<name> SOURCES ... LINK ...)
function(longtail_executable name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  add_dependencies(${name} LongtailTablegen)
  target_compile_options(${name} PRIVATE -fPIC) # like the precompiled header, not -fPIE
  target_precompile_headers(${name} REUSE_FROM LongtailPch)
  target_compile_options(${name} PRIVATE -fPIC) # as the precompiled header, not -fPIE
  target_link_libraries(${name} PRIVATE ${ARG_LINK} MLIR LLVM)
endfunction()
