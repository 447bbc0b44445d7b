#include "codegen/Emit/LeafVerifier.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

using namespace llvm;

namespace longtail::emit {

namespace {

/// An instruction without its comment.
struct Instruction {
  StringRef text, mnemonic, operands;

  explicit Instruction(StringRef text) : text(text) {
    std::tie(mnemonic, operands) = text.split('\t');
    operands = operands.trim();
  }
  bool isOneOf(ArrayRef<StringRef> mnemonics) const { return is_contained(mnemonics, mnemonic); }
  bool beginsWith(ArrayRef<StringRef> prefixes) const {
    return any_of(prefixes, [&](StringRef prefix) { return mnemonic.starts_with(prefix); });
  }
  StringRef firstOperand() const { return operands.split(',').first.trim(); }
  StringRef lastOperand() const { return operands.rsplit(',').second.trim(); }
  /// Where a branch or call goes: a label or symbol.
  StringRef destination() const {
    StringRef last = operands.contains(',') ? lastOperand() : operands;
    return last.split('@').first.trim();
  }
};

/// How an architecture spells what is looked for.
class Spelling {
public:
  explicit Spelling(Triple::ArchType arch) : arch(arch) {}

  StringRef comment() const { return isArm() ? "//" : "#"; }

  bool isBranch(const Instruction &i) const {
    if (isX86())
      return i.mnemonic.starts_with("j");
    if (isArm())
      return i.mnemonic == "b" || i.beginsWith({"b.", "cbz", "cbnz", "tbz", "tbnz"});
    return i.mnemonic == "j" || (i.mnemonic.starts_with("b") && i.operands.contains(','));
  }

  /// A call or a jump to a name, which is either a function of the image or undefined.
  bool leaves(const Instruction &i) const {
    StringRef to = i.destination();
    if (to.starts_with(".") || to.starts_with("*"))
      return false;
    if (isX86())
      return i.beginsWith({"call", "jmp"});
    if (isArm())
      return i.isOneOf({"b", "bl"});
    return i.isOneOf({"call", "tail", "j", "jal"});
  }

  bool isVectorStackMove(const Instruction &i) const {
    if (isX86())
      return (i.text.contains("(%rsp") || i.text.contains("(%rbp")) && hasX86Vector(i);
    if (isArm())
      return i.beginsWith({"ld", "st"}) &&
             (i.operands.contains("[sp") || i.operands.contains("[x29")) && isArmFloat(i);
    // Whole registers are moved for nothing else, for the vectors of kernels have fixed lengths.
    bool whole = i.beginsWith({"vl1r", "vl2r", "vl4r", "vl8r", "vs1r", "vs2r", "vs4r", "vs8r"});
    return whole ||
           (i.isOneOf({"flh", "flw", "fld", "fsh", "fsw", "fsd"}) && i.operands.contains("(sp)"));
  }

  bool isConfiguration(const Instruction &i) const {
    return !isX86() && !isArm() && i.mnemonic.starts_with("vset");
  }

  bool isVector(const Instruction &i) const {
    if (isX86())
      return i.text.contains("%ymm") || i.text.contains("%zmm") ||
             (i.text.contains("%xmm") && !isScalarFloat(i) && !i.isOneOf({"movss", "movsd"}) &&
              !i.isOneOf({"vmovss", "vmovsd"}));
    if (isArm())
      return isArmVector(i);
    return i.mnemonic.starts_with("v") && !isConfiguration(i);
  }

  bool isMultiplyAdd(const Instruction &i) const {
    if (isX86())
      return i.beginsWith({"vfmadd", "vfnmadd", "vfmsub", "vpdp", "vpmadd", "pmadd"});
    if (isArm())
      return i.isOneOf({"fmla", "fmls", "mla", "mls", "sdot", "udot", "usdot", "smmla", "ummla",
                        "bfmmla", "smlal", "umlal", "smlal2", "umlal2"});
    return i.beginsWith({"vfmacc", "vfmadd", "vfnmac", "vfnmadd", "vfmsac", "vfmsub", "vfnmsac",
                         "vfnmsub", "vfwmacc", "vmacc", "vmadd", "vwmacc"});
  }

  bool isScalarFloat(const Instruction &i) const {
    if (isX86()) {
      StringRef name = i.mnemonic;
      name.consume_front("v");
      return (name.ends_with("ss") || name.ends_with("sd")) &&
             any_of(
                 ArrayRef<StringRef>{"add", "sub", "mul", "div", "max", "min", "fm", "fnm", "sqrt"},
                 [&](StringRef prefix) { return name.starts_with(prefix); });
    }
    bool arithmetic = i.beginsWith({"fadd", "fsub", "fmul", "fdiv", "fmadd", "fmsub", "fnmad",
                                    "fnmsu", "fmax", "fmin", "fsqrt"});
    return arithmetic && !(isArm() && isArmVector(i));
  }

private:
  bool isX86() const { return arch == Triple::x86_64; }
  bool isArm() const { return arch == Triple::aarch64; }

  static bool hasX86Vector(const Instruction &i) {
    return i.text.contains("%xmm") || i.text.contains("%ymm") || i.text.contains("%zmm");
  }
  /// The first operand is a register of the floating-point unit, of any width, or a list of them.
  static bool isArmFloat(const Instruction &i) {
    StringRef first = i.firstOperand();
    first.consume_front("{");
    first = first.ltrim();
    return first.size() > 1 && StringRef("qdshbv").contains(first.front()) && isDigit(first[1]);
  }
  static bool isArmVector(const Instruction &i) {
    StringRef first = i.firstOperand();
    first.consume_front("{");
    first = first.ltrim();
    return isArmFloat(i) && (first.front() == 'v' || first.front() == 'q');
  }

  Triple::ArchType arch;
};

struct Function {
  LeafReport report;
  SmallVector<Instruction> instructions;
  StringMap<size_t> labels; // the instruction that follows
};

LoopReport inspectLoop(ArrayRef<Instruction> body, const Spelling &spelling) {
  LoopReport loop;
  for (const Instruction &i : body) {
    loop.instructions.push_back(i.text.str());
    loop.vectors += spelling.isVector(i);
    loop.multiplyAdds += spelling.isMultiplyAdd(i);
    loop.scalarFloats += spelling.isScalarFloat(i);
    loop.configurations += spelling.isConfiguration(i);
    if (spelling.isVectorStackMove(i))
      loop.stackTraffic.push_back(i.text.str());
  }
  return loop;
}

void inspectLoops(Function &function, const Spelling &spelling) {
  SmallVector<std::pair<size_t, size_t>> spans;
  for (auto [i, instruction] : enumerate(function.instructions)) {
    if (!spelling.isBranch(instruction))
      continue;
    auto found = function.labels.find(instruction.destination());
    if (found == function.labels.end() || found->second > i)
      continue;
    // Several branches to one label are one loop.
    auto same = find_if(spans, [&, label = found->second](auto s) { return s.first == label; });
    if (same != spans.end())
      same->second = i;
    else
      spans.push_back({found->second, i});
  }
  for (auto [begin, end] : spans) {
    bool innermost = none_of(spans, [begin = begin, end = end](auto other) {
      return other.first >= begin && other.second <= end && other != std::pair(begin, end);
    });
    if (innermost)
      function.report.loops.push_back(
          inspectLoop(ArrayRef(function.instructions).slice(begin, end - begin + 1), spelling));
  }
}

} // namespace

std::vector<std::string> LeafReport::stackTraffic() const {
  std::vector<std::string> all;
  for (const LoopReport &loop : loops)
    all.insert(all.end(), loop.stackTraffic.begin(), loop.stackTraffic.end());
  return all;
}

std::vector<LeafReport> verifyLeaves(StringRef assembly, Triple::ArchType arch) {
  Spelling spelling(arch);
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
    inspectLoops(*current, spelling);
    reports.push_back(std::move(current->report));
    current.reset();
  };
  for (StringRef line : lines) {
    StringRef text = line.split(spelling.comment()).first.rtrim();
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
    Instruction instruction(text);
    current->instructions.push_back(instruction);
    if (StringRef to = instruction.destination(); spelling.leaves(instruction) &&
                                                  !functions.contains(to) &&
                                                  !is_contained(current->report.undefinedCalls, to))
      current->report.undefinedCalls.push_back(to.str());
  }
  finish();
  return reports;
}

} // namespace longtail::emit
