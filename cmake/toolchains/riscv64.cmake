# cmake -B build/riscv64 -DCMAKE_TOOLCHAIN_FILE=cmake/toolchains/riscv64.cmake -DLONGTAIL_COMPILER=OFF
# -DLONGTAIL_PYTHON=OFF -DLONGTAIL_TESTS=OFF: the runtime for Linux on riscv64.
set(LONGTAIL_CROSS_ARCH riscv64)
include("${CMAKE_CURRENT_LIST_DIR}/cross.cmake")
