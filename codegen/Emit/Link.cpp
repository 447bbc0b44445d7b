// Objects to a flat image: a run of lld with a script that allows code and constants only.
#include "codegen/Emit/Compile.h"
#include "codegen/Emit/Embed.h"
#include "codegen/Emit/TemporaryFile.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"

using namespace llvm;
using namespace llvm::object;

namespace longtail::emit {

// Anything else that would be loaded is an orphan, which the linker is told to refuse.
static constexpr StringLiteral kScript = R"(
SECTIONS {
  . = 0;
  .text : ALIGN(64) { *(.text .text.*) }
  .rodata : ALIGN(64) { *(.rodata .rodata.*) }
  .riscv.attributes 0 : { *(.riscv.attributes) }
  .symtab : { *(.symtab) }
  .shstrtab : { *(.shstrtab) }
  .strtab : { *(.strtab) }
  /DISCARD/ : { *(.comment) *(.note .note.*) *(.eh_frame) *(.llvm_addrsig) *(.llvm.*) }
}
)";

static Expected<std::string> findLinker() {
  for (StringRef name : {"ld.lld-22", "ld.lld"})
    for (bool inTools : {true, false}) {
      StringRef tools = LONGTAIL_LLVM_TOOLS;
      ArrayRef<StringRef> paths = inTools ? ArrayRef<StringRef>(tools) : ArrayRef<StringRef>();
      if (ErrorOr<std::string> found = sys::findProgramByName(name, paths))
        return *found;
    }
  return makeError("the linker 'ld.lld' of LLVM 22 was not found (Debian package lld-22)");
}

/// Runs the linker on `objects`; `what` is made of them, for the message.
static Error runLinker(ArrayRef<std::string> objects, ArrayRef<StringRef> options, StringRef output,
                       StringRef what) {
  Expected<std::string> linker = findLinker();
  if (!linker)
    return linker.takeError();
  Expected<TemporaryFile> messages = TemporaryFile::create("txt", "");
  if (!messages)
    return messages.takeError();
  std::vector<TemporaryFile> inputs;
  for (const std::string &object : objects) {
    Expected<TemporaryFile> input = TemporaryFile::create("o", object);
    if (!input)
      return input.takeError();
    inputs.push_back(std::move(*input));
  }
  std::vector<StringRef> arguments = {"ld.lld", "-o", output, "--build-id=none", "--threads=1"};
  llvm::append_range(arguments, options);
  for (const TemporaryFile &input : inputs)
    arguments.push_back(input.path);
  std::optional<StringRef> redirects[] = {StringRef(""), messages->path.str(),
                                          messages->path.str()};
  std::string failure;
  int code = sys::ExecuteAndWait(*linker, arguments, std::nullopt, redirects, 0, 0, &failure);
  if (code == 0)
    return Error::success();
  if (ErrorOr<std::unique_ptr<MemoryBuffer>> text = MemoryBuffer::getFile(messages->path))
    failure += (*text)->getBuffer();
  return makeError("linking " + what + " failed: " + failure);
}

/// Copies the loaded sections and finds the kernels.
static Expected<CodeImage> extractImage(StringRef bytes, ArrayRef<std::string> kernels) {
  auto file = ELFFile<ELF64LE>::create(bytes);
  if (!file)
    return file.takeError();
  auto sections = file->sections();
  if (!sections)
    return sections.takeError();
  CodeImage image;
  StringMap<uint32_t> offsets;
  for (const ELF64LE::Shdr &section : *sections) {
    if (section.sh_type == ELF::SHT_SYMTAB) {
      auto symbols = file->symbols(&section);
      auto names = file->getStringTableForSymtab(section);
      if (!symbols)
        return symbols.takeError();
      if (!names)
        return names.takeError();
      for (const ELF64LE::Sym &symbol : *symbols) {
        Expected<StringRef> name = symbol.getName(*names);
        if (!name)
          return name.takeError();
        if (symbol.getType() == ELF::STT_FUNC)
          offsets[*name] = symbol.st_value;
      }
    }
    if (!(section.sh_flags & ELF::SHF_ALLOC) || section.sh_size == 0)
      continue;
    if (section.sh_type != ELF::SHT_PROGBITS || (section.sh_flags & ELF::SHF_WRITE))
      return makeError("the linked kernels hold more than code and constants");
    auto contents = file->getSectionContents(section);
    if (!contents)
      return contents.takeError();
    uint64_t end = section.sh_addr + section.sh_size;
    if (end > UINT32_MAX)
      return makeError("the kernels take more than 4 GiB of code");
    if (image.bytes.size() < end)
      image.bytes.resize(end);
    llvm::copy(*contents, image.bytes.begin() + section.sh_addr);
  }
  for (const std::string &kernel : kernels) {
    auto found = offsets.find(kernel);
    if (found == offsets.end())
      return makeError("kernel '" + kernel + "' is missing in the linked code");
    image.entries.push_back({kernel, found->second});
  }
  return image;
}

Expected<CodeImage> linkImage(ArrayRef<std::string> objects, ArrayRef<std::string> kernels) {
  for (const std::string &object : objects)
    if (Error error = checkObject(object))
      return error;
  Expected<TemporaryFile> output = TemporaryFile::create("elf", "");
  if (!output)
    return output.takeError();
  Expected<TemporaryFile> script = TemporaryFile::create("ld", kScript);
  if (!script)
    return script.takeError();
  StringRef options[] = {"-static", "-T", script->path,      "--orphan-handling=error",
                         "-e",      "0",  "--no-gc-sections"};
  if (Error error = runLinker(objects, options, output->path, "the kernels"))
    return error;
  ErrorOr<std::unique_ptr<MemoryBuffer>> linked = MemoryBuffer::getFile(output->path);
  if (!linked)
    return makeError("cannot read the linked kernels: " + linked.getError().message());
  return extractImage((*linked)->getBuffer(), kernels);
}

Expected<std::string> linkSharedLibrary(StringRef object) {
  Expected<TemporaryFile> output = TemporaryFile::create("so", "");
  if (!output)
    return output.takeError();
  StringRef options[] = {"-shared", "-z", "separate-code", "-z", "noexecstack"};
  if (Error error = runLinker(object.str(), options, output->path, "the shared library"))
    return error;
  ErrorOr<std::unique_ptr<MemoryBuffer>> linked = MemoryBuffer::getFile(output->path);
  if (!linked)
    return makeError("cannot read the shared library: " + linked.getError().message());
  return (*linked)->getBuffer().str();
}

} // namespace longtail::emit
