// Fuzz target: the reader of artifacts. An input is the metadata of an artifact, whose checksum is
// repaired so that the checks behind it are reached; what follows the metadata is intact.
#include "test/fuzz/StubArtifacts.h"
#include <cstdlib>
#include <cstring>

using namespace longtail;

// An empty input becomes the metadata of an intact artifact.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t maximum,
                                          unsigned int seed) {
  const fuzz::Base &base = fuzz::bases()[seed % fuzz::bases().size()];
  if (size < 16 && base.metadata <= maximum) {
    memcpy(data, base.bytes.data(), base.metadata);
    size = base.metadata;
  }
  return fuzz::mutateWords(data, size, maximum, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const std::vector<uint8_t> &bytes = fuzz::assemble(data, size);
  lt_source source = test::memorySource(bytes);
  lt_load_opts opts = LT_INIT(lt_load_opts);
  opts.flags = LT_LOAD_INSPECT;
  lt_error error = test::newError();
  lt_module *module = nullptr;
  lt_rc rc = lt_module_open(&source, &opts, &module, &error);
  if ((rc == LT_OK) != (module != nullptr) || (rc != LT_OK && (error.code != rc || !error.msg[0])))
    abort();
  lt_module_release(module);
  // Mapping code and running takes longer than reading: one in sixteen does.
  if (rc == LT_OK && size > 0 && data[size - 1] % 16 == 1)
    fuzz::runAll(bytes);
  return 0;
}
