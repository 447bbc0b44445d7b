// Checks a Program before it is written, in the compiler's terms: names instead of record numbers.
#pragma once
#include "codegen/Container/ContainerWriter.h"

namespace longtail::container {

// Whatever passes here is accepted by the runtime's reader.
bool checkProgram(const Program &program, std::string &errorMessage);

} // namespace longtail::container
