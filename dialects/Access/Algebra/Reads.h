// What the algebra says of reads in the IR.
#pragma once
#include "dialects/Access/Algebra/Algebra.h"

namespace longtail::access {

/// True where a read gives all elements of its source in row-major order: because its map does, or
/// because it says so (`kRowMajorAttr`). `domain` is that of the result.
bool isRowMajorReshape(ReadOp read, const Domain &domain);

} // namespace longtail::access
