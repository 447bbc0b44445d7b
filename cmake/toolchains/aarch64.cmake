# cmake -B build/aarch64 -DCMAKE_TOOLCHAIN_FILE=cmake/toolchains/aarch64.cmake -DLONGTAIL_COMPILER=OFF
# -DLONGTAIL_PYTHON=OFF -DLONGTAIL_TESTS=OFF: the runtime for Linux on aarch64.
set(LONGTAIL_CROSS_ARCH aarch64)
include("${CMAKE_CURRENT_LIST_DIR}/cross.cmake")
