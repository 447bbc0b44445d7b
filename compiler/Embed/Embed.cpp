#include "compiler/Embed/Embed.h"
#include "codegen/Emit/Embed.h"
#include "compiler/Embed/Header.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;

namespace longtail {

static Error makeError(const Twine &message) {
  return createStringError(inconvertibleErrorCode(), message);
}

/// The parts of an artifact that this compiler wrote.
static emit::EmbeddedParts partsOf(const std::vector<uint8_t> &bytes) {
  StringRef file(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  lt_header header;
  std::memcpy(&header, file.data(), sizeof header);
  emit::EmbeddedParts parts;
  parts.metadata = file.take_front(header.metadata_size);
  for (uint32_t i = 0; i < header.section_count; ++i) {
    lt_section section;
    std::memcpy(&section, file.data() + sizeof header + i * sizeof section, sizeof section);
    StringRef contents = file.substr(section.offset, section.size);
    if (section.kind == LT_SECTION_CODE)
      parts.code = contents;
    else if (section.kind == LT_SECTION_WDATA)
      parts.weights = contents;
  }
  return parts;
}

static bool isIdentifier(StringRef name) {
  return !name.empty() && !isDigit(name.front()) &&
         all_of(name, [](char c) { return isAlnum(c) || c == '_'; });
}

Expected<Embedded> embed(const std::vector<uint8_t> &bytes, const EmbedOptions &options) {
  if (!isIdentifier(options.name))
    return makeError("'" + options.name + "' cannot be part of a name in C");
  Expected<Inspected> module = Inspected::open(bytes);
  if (!module)
    return module.takeError();
  lt_error error = LT_INIT(lt_error);
  lt_info info = LT_INIT(lt_info);
  lt_variant_info variant = LT_INIT(lt_variant_info);
  if (lt_module_info(module->get(), &info, &error) ||
      lt_module_variant(module->get(), 0, &variant, &error))
    return makeError(error.msg);
  const target::TargetDescription *target = target::lookupTarget(variant.name);
  if (info.variant_count != 1 || !target)
    return makeError("an object file or a shared library is for one target, this artifact is for " +
                     Twine(info.variant_count));
  Expected<std::string> header = headerOf(*module, options);
  if (!header)
    return header.takeError();
  Expected<std::string> object =
      emit::embedObject(partsOf(bytes), "longtail_" + options.name, *target);
  if (object && options.shared)
    object = emit::linkSharedLibrary(*object);
  if (!object)
    return object.takeError();
  return Embedded{std::move(*object), std::move(*header)};
}

} // namespace longtail
