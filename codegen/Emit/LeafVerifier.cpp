#include "codegen/Emit/LeafVerifier.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

using namespace llvm;

namespace longtail::emit {

namespace {

struct Function {
  LeafReport report;
  SmallVector<StringRef> instructions;
  StringMap<size_t> labels; // the instruction that follows
};

bool isVectorStackMove(StringRef instruction) {
  bool stack = instruction.contains("(%rsp") || instruction.contains("(%rbp");
  bool vector =
      instruction.contains("%xmm") || instruction.contains("%ymm") || instruction.contains("%zmm");
  return stack && vector;
}

void inspectLoops(Function &function) {
  SmallVector<std::pair<size_t, size_t>> loops;
  for (auto [i, instruction] : enumerate(function.instructions)) {
    if (!instruction.starts_with("j"))
      continue;
    StringRef target = instruction.split('\t').second.trim();
    auto found = function.labels.find(target);
    if (found != function.labels.end() && found->second <= i)
      loops.push_back({found->second, i});
  }
  for (auto [begin, end] : loops) {
    bool innermost = none_of(loops, [&, begin = begin, end = end](auto other) {
      return other.first >= begin && other.second <= end && other != std::pair(begin, end);
    });
    if (!innermost)
      continue;
    ++function.report.innermostLoops;
    for (size_t i = begin; i <= end; ++i)
      if (isVectorStackMove(function.instructions[i]))
        function.report.stackTraffic.push_back(function.instructions[i].str());
  }
}

} // namespace

std::vector<LeafReport> verifyLeaves(StringRef assembly) {
  SmallVector<StringRef> lines;
  assembly.split(lines, '\n');
  StringSet<> functions;
  for (StringRef line : lines) {
    StringRef text = line.trim();
    if (text.consume_front(".type") && text.consume_back(",@function"))
      functions.insert(text.trim());
  }
  std::vector<LeafReport> reports;
  std::optional<Function> current;
  auto finish = [&] {
    if (!current)
      return;
    inspectLoops(*current);
    reports.push_back(std::move(current->report));
    current.reset();
  };
  for (StringRef line : lines) {
    StringRef text = line.split('#').first.rtrim();
    if (text.empty())
      continue;
    if (!isSpace(text.front())) {
      StringRef label = text.split(':').first;
      if (functions.contains(label)) {
        finish();
        current.emplace();
        current->report.kernel = label.str();
      } else if (current && label.starts_with(".Lfunc_end")) {
        finish();
      } else if (current) {
        current->labels[label] = current->instructions.size();
      }
      continue;
    }
    text = text.trim();
    if (!current || text.starts_with("."))
      continue;
    current->instructions.push_back(text);
    auto [mnemonic, operand] = text.split('\t');
    operand = operand.trim().split('@').first;
    bool leaves =
        mnemonic.starts_with("call") || (mnemonic.starts_with("jmp") && !operand.starts_with("."));
    if (leaves && !operand.starts_with("*") && !functions.contains(operand) &&
        !is_contained(current->report.undefinedCalls, operand))
      current->report.undefinedCalls.push_back(operand.str());
  }
  finish();
  return reports;
}

} // namespace longtail::emit
