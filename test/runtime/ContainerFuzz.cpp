// Fuzz target: the metadata of an artifact, with its checksum repaired so that the checks behind it
// are reached. The input's bytes replace those of a small artifact from its start.
#include "test/runtime/Artifacts.h"
#include <cstdlib>
#include <cstring>
#include <gtest/gtest.h>

using namespace longtail;
using namespace longtail::test;

static std::vector<uint8_t> seed() {
  static const std::vector<float> weight(8, 1);
  container::Program program = programOf({addFunction(), nonZeroFunction(), scaleFunction(0)});
  program.weights = {{weight.data(), 32, "weight"}};
  return write(program);
}

static uint64_t metadataSize(const std::vector<uint8_t> &bytes) {
  lt_header header;
  memcpy(&header, bytes.data(), sizeof header);
  return header.metadata_size;
}

extern "C" size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t maximum);

// An empty input becomes the metadata of the small artifact.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t maximum,
                                          unsigned int) {
  static const std::vector<uint8_t> intact = seed();
  size_t wanted = metadataSize(intact);
  if (size < wanted && wanted <= maximum) {
    memcpy(data, intact.data(), wanted);
    size = wanted;
  }
  return LLVMFuzzerMutate(data, size, maximum);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const std::vector<uint8_t> intact = seed();
  std::vector<uint8_t> bytes = intact;
  memcpy(bytes.data(), data, std::min(size, bytes.size()));
  memcpy(bytes.data(), intact.data(), 16); // magic, version, count of sections
  repairCrc(bytes);
  exercise(bytes);
  if (::testing::Test::HasFailure())
    abort();
  return 0;
}
