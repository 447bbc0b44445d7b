# The runtime and its tools for other architectures, which run under qemu-user: target
# longtail_emulation, not part of `all`. Needs what `scripts/setup.sh test` installs; the lack of it
# fails the build of that target.
include(ExternalProject)
add_custom_target(longtail_emulation)
foreach(arch aarch64 riscv64)
  set(folder "${PROJECT_BINARY_DIR}/emulation/${arch}")
  ExternalProject_Add(longtail_emulation_${arch}
    SOURCE_DIR "${PROJECT_SOURCE_DIR}"
    PREFIX "${folder}/project"
    BINARY_DIR "${folder}"
    CMAKE_GENERATOR Ninja
    CMAKE_ARGS
      "-DCMAKE_TOOLCHAIN_FILE=${PROJECT_SOURCE_DIR}/cmake/toolchains/${arch}.cmake"
      -DCMAKE_BUILD_TYPE=Release -DLONGTAIL_COMPILER=OFF -DLONGTAIL_PYTHON=OFF -DLONGTAIL_TESTS=OFF
      -DLONGTAIL_TOOLS_STATIC=ON --log-level=NOTICE -Wno-dev
    BUILD_COMMAND ${CMAKE_COMMAND} --build . --target longtail_runtime run_tensors
    BUILD_ALWAYS ON
    INSTALL_COMMAND ""
    EXCLUDE_FROM_ALL ON)
  add_dependencies(longtail_emulation longtail_emulation_${arch})
endforeach()
