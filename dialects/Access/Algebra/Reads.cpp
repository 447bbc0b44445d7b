#include "dialects/Access/Algebra/Reads.h"

namespace longtail::access {

bool isRowMajorReshape(ReadOp read, const Domain &domain) {
  return read.getMap().isTotal() &&
         (read->hasAttr(kRowMajorAttr) ||
          isRowMajorReshape(read.getMap(), extent::sizesOf(read.getSource()), domain));
}

} // namespace longtail::access
