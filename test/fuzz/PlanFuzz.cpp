// Fuzz target: the checks of plans and their evaluation. An input is a list of edits of words of
// the metadata of an intact artifact, so that everything before the plan stays well-formed.
#include "test/fuzz/StubArtifacts.h"
#include <cstring>

using namespace longtail;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1)
    return 0;
  const fuzz::Base &base = fuzz::bases()[data[0] % fuzz::bases().size()];
  std::vector<uint8_t> metadata(base.bytes.begin(),
                                base.bytes.begin() + static_cast<ptrdiff_t>(base.metadata));
  lt_header header;
  memcpy(&header, metadata.data(), sizeof header);
  size_t records = sizeof header + header.section_count * sizeof(lt_section);
  for (size_t at = 1; at + 11 <= size; at += 11) {
    uint16_t position;
    memcpy(&position, data + at, 2);
    size_t width = data[at + 2] % 2 ? 4 : 8, count = (metadata.size() - records) / width;
    memcpy(metadata.data() + records + position % count * width, data + at + 3, width);
  }
  fuzz::runAll(fuzz::assemble(metadata.data(), metadata.size()));
  return 0;
}
