// What an object file must not have to become part of a code image.
#include "codegen/Emit/Compile.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Object/ELFObjectFile.h"

using namespace llvm;
using namespace llvm::object;

namespace longtail::emit {

/// Relocations that a linker resolves for good without knowing where the image will lie.
static bool isRelative(uint16_t machine, uint64_t type) {
  switch (machine) {
  case ELF::EM_X86_64:
    return type == ELF::R_X86_64_PC32 || type == ELF::R_X86_64_PLT32 || type == ELF::R_X86_64_PC64;
  case ELF::EM_AARCH64:
    return type == ELF::R_AARCH64_PREL32 || type == ELF::R_AARCH64_PREL64 ||
           type == ELF::R_AARCH64_CALL26 || type == ELF::R_AARCH64_JUMP26 ||
           (type >= ELF::R_AARCH64_LD_PREL_LO19 && type <= ELF::R_AARCH64_LDST8_ABS_LO12_NC) ||
           (type >= ELF::R_AARCH64_LDST16_ABS_LO12_NC &&
            type <= ELF::R_AARCH64_LDST64_ABS_LO12_NC) ||
           type == ELF::R_AARCH64_LDST128_ABS_LO12_NC;
  case ELF::EM_RISCV:
    return type == ELF::R_RISCV_BRANCH || type == ELF::R_RISCV_JAL || type == ELF::R_RISCV_CALL ||
           type == ELF::R_RISCV_CALL_PLT || type == ELF::R_RISCV_PCREL_HI20 ||
           type == ELF::R_RISCV_PCREL_LO12_I || type == ELF::R_RISCV_PCREL_LO12_S ||
           type == ELF::R_RISCV_RVC_BRANCH || type == ELF::R_RISCV_RVC_JUMP ||
           type == ELF::R_RISCV_RELAX || type == ELF::R_RISCV_ALIGN ||
           (type >= ELF::R_RISCV_ADD8 && type <= ELF::R_RISCV_SUB64);
  default:
    return false;
  }
}

/// The function around a place in a section, for messages.
static std::string functionAt(const ObjectFile &file, const SectionRef &section, uint64_t offset) {
  for (const ELFSymbolRef symbol : cast<ELFObjectFileBase>(file).symbols()) {
    Expected<section_iterator> where = symbol.getSection();
    Expected<StringRef> name = symbol.getName();
    Expected<uint64_t> value = symbol.getValue();
    if (!where || !name || !value) {
      consumeError(where.takeError());
      consumeError(name.takeError());
      consumeError(value.takeError());
      continue;
    }
    if (*where != file.section_end() && **where == section && offset >= *value &&
        offset < *value + symbol.getSize())
      return name->str();
  }
  return "?";
}

static Error checkRelocation(const ObjectFile &file, const SectionRef &section,
                             const ELFRelocationRef &relocation) {
  symbol_iterator symbol = relocation.getSymbol();
  std::string kernel = functionAt(file, section, relocation.getOffset());
  if (symbol != file.symbol_end()) {
    Expected<StringRef> name = symbol->getName();
    Expected<uint32_t> flags = symbol->getFlags();
    if (!name)
      return name.takeError();
    if (!flags)
      return flags.takeError();
    if (*flags & SymbolRef::SF_Undefined)
      return makeError("kernel '" + kernel + "' calls or refers to '" + *name +
                       "', which is not part of its code");
  }
  uint16_t machine = cast<ELFObjectFileBase>(file).getEMachine();
  if (!isRelative(machine, relocation.getType())) {
    SmallString<32> type;
    relocation.getTypeName(type);
    return makeError("kernel '" + kernel +
                     "' has a relocation that depends on the address: " + type);
  }
  return Error::success();
}

Error checkObject(StringRef bytes) {
  Expected<std::unique_ptr<ObjectFile>> file =
      ObjectFile::createELFObjectFile(MemoryBufferRef(bytes, "kernels"));
  if (!file)
    return file.takeError();
  for (const SectionRef &section : (*file)->sections()) {
    uint64_t flags = ELFSectionRef(section).getFlags();
    Expected<StringRef> name = section.getName();
    if (!name)
      return name.takeError();
    if ((flags & ELF::SHF_ALLOC) && (flags & ELF::SHF_WRITE) && section.getSize() > 0)
      return makeError("kernels have writable data in section '" + *name + "'");
    Expected<section_iterator> target = section.getRelocatedSection();
    if (!target)
      return target.takeError();
    if (*target == (*file)->section_end() || !(ELFSectionRef(**target).getFlags() & ELF::SHF_ALLOC))
      continue;
    for (const RelocationRef &relocation : section.relocations())
      if (Error error = checkRelocation(**file, **target, ELFRelocationRef(relocation)))
        return error;
  }
  return Error::success();
}

} // namespace longtail::emit
