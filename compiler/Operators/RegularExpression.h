// Regular expressions in RE2's syntax as automata that read bytes.
#pragma once
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace longtail::operators {

/// The table of `TextFunction::Match` (runtime/include/longtail/artifact.h) that accepts the
/// strings in UTF-8 which `pattern` matches as a whole.
///
/// Supported is what is regular: literals, `.`, classes with ranges, Perl's (\d \s \w) and POSIX's
/// ([:alpha:]), groups of all kinds, alternatives, repetitions, `^`, `$`, `\A`, `\z`, \b, \B,
/// \Q...\E, the flags i (for letters of ASCII), s and U. An error names anything else, and patterns
/// whose automaton is too large.
llvm::Expected<std::string> automatonOf(llvm::StringRef pattern);

} // namespace longtail::operators
