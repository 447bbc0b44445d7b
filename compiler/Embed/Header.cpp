#include "compiler/Embed/Header.h"
#include "longtail/embedded.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace longtail {

static Error failure(const lt_error &error) {
  return createStringError(inconvertibleErrorCode(), error.msg);
}

/// Alignments that the arena of a program may lack at its start.
static constexpr uint64_t kSlack = LT_DATA_ALIGN;

Expected<Inspected> Inspected::open(const std::vector<uint8_t> &bytes) {
  // Opened twice: in an arena, which shows how much that takes, and for good.
  lt_source source = LT_INIT(lt_source);
  source.data = bytes.data();
  source.len = bytes.size();
  lt_error error = LT_INIT(lt_error);
  lt_load_opts options = LT_INIT(lt_load_opts);
  options.flags = LT_LOAD_INSPECT;
  lt_module *module;
  if (lt_module_open(&source, &options, &module, &error))
    return failure(error);
  Inspected result(module);
  lt_header header;
  std::memcpy(&header, bytes.data(), sizeof header);
  // Records become structs of at most eight times their size, next to a copy of the records.
  std::vector<unsigned char> memory(16 * header.metadata_size + 65536);
  lt_arena arena = {memory.data(), memory.size(), 0, 0};
  lt_allocator allocator = lt_arena_allocator(&arena);
  options.memory = &allocator;
  lt_module *measured;
  if (lt_module_open(&source, &options, &measured, &error))
    return failure(error);
  lt_module_release(measured);
  result.openBytes = arena.peak;
  return result;
}

namespace {

class HeaderWriter {
public:
  HeaderWriter(const Inspected &module, const EmbedOptions &options)
      : module(module), options(options), upper("LT_" + StringRef(options.name).upper()),
        out(text) {}

  Expected<std::string> write() {
    lt_error error = LT_INIT(lt_error);
    function = LT_INIT(lt_func_info);
    if (lt_module_function(module.get(), nullptr, &function, &error))
      return failure(error);
    for (uint32_t slot = 0; slot < function.input_count + function.output_count; ++slot) {
      lt_io_info io = LT_INIT(lt_io_info);
      if (lt_module_io(module.get(), function.ordinal, slot, &io, &error))
        return failure(error);
      slots.push_back(io);
    }
    if (Error unknown = findSizes()) {
      if (!options.shared)
        return std::move(unknown);
      consumeError(std::move(unknown));
    }
    begin();
    for (auto [slot, io] : enumerate(slots))
      describe(slot, io);
    if (known)
      out << "/* Memory that the model needs, with all outputs bound: to open it, and for a "
             "context "
             "of one\n * thread with inputs of the sizes above or smaller ones. */\n#define "
          << upper << "_ARENA_BYTES " << module.openBytes + contextBytes + kSlack << "u\n\n";
    out << "#ifdef __cplusplus\nextern \"C\"\n#else\nextern\n#endif\n    const lt_embedded "
           "longtail_"
        << options.name << ";\n\n#endif\n";
    return text;
  }

private:
  /// The sizes of inputs: the model's, or those that were given for those that it leaves open.
  Error findSizes() {
    for (const auto &[name, sizes] : options.sizes)
      if (none_of(ArrayRef(slots).take_front(function.input_count),
                  [&, name = name](const lt_io_info &io) { return name == io.name; }))
        return createStringError("the model has no input '" + name + "'");
    std::vector<lt_tensor> inputs;
    for (uint32_t slot = 0; slot < function.input_count; ++slot) {
      lt_io_info &io = slots[slot];
      auto given = options.sizes.find(io.name);
      if (given != options.sizes.end() && given->second.size() != io.rank)
        return createStringError("input '" + Twine(io.name) + "' has " + Twine(io.rank) +
                                 " dimensions, " + Twine(given->second.size()) + " were given");
      lt_tensor tensor = LT_INIT(lt_tensor);
      tensor.dtype = io.dtype;
      tensor.rank = io.rank;
      for (unsigned i = 0; i < io.rank; ++i) {
        if (io.dims[i] == -1 && given == options.sizes.end())
          return createStringError("input '" + Twine(io.name) +
                                   "' has dimensions that may vary: "
                                   "give the largest sizes with --shape");
        tensor.dims[i] = given == options.sizes.end() ? io.dims[i] : given->second[i];
      }
      inputs.push_back(tensor);
    }
    std::vector<lt_tensor> outputs(function.output_count, LT_INIT(lt_tensor));
    lt_error error = LT_INIT(lt_error);
    if (lt_context_memory(module.get(), function.ordinal, inputs.data(), inputs.size(),
                          &contextBytes, &error) ||
        lt_plan(module.get(), function.ordinal, inputs.data(), inputs.size(), nullptr,
                outputs.data(), outputs.size(), &error))
      return failure(error);
    known = true;
    for (auto [slot, io] : enumerate(slots)) {
      const lt_tensor &tensor = slot < inputs.size() ? inputs[slot] : outputs[slot - inputs.size()];
      llvm::copy(ArrayRef(tensor.dims), io.dims);
    }
    return Error::success();
  }

  void begin() {
    out << "/* The model '" << options.name << "' as a part of a program; written by longtail. */\n"
        << "#ifndef " << upper << "_H\n#define " << upper
        << "_H\n\n#include <longtail/embedded.h>\n\n#define " << upper << "_INPUTS "
        << function.input_count << "\n#define " << upper << "_OUTPUTS " << function.output_count
        << "\n\n";
  }

  void describe(uint32_t slot, const lt_io_info &io) {
    bool isInput = slot < function.input_count;
    uint32_t number = isInput ? slot : slot - function.input_count;
    std::string prefix = (upper + (isInput ? "_INPUT_" : "_OUTPUT_") + Twine(number)).str();
    std::string name; // may hold anything, the end of the comment too
    for (char c : StringRef(io.name))
      name += isPrint(c) && c != '*' && c != '\\' ? c : '?';
    out << "/* " << (isInput ? "Input" : "Output") << " '" << name << "', slot " << slot
        << ". */\n#define " << prefix << "_DTYPE " << io.dtype << "\n#define " << prefix << "_RANK "
        << io.rank << "\n";
    int64_t elements = 1;
    bool open = false;
    for (int64_t size : ArrayRef(io.dims).take_front(io.rank)) {
      open |= size < 0;
      elements *= size;
    }
    if (!open) {
      out << "#define " << prefix << "_DIMS {";
      interleaveComma(ArrayRef(io.dims).take_front(std::max<unsigned>(io.rank, 1)), out);
      out << "}\n#define " << prefix << "_ELEMENTS " << elements << "\n";
    }
    out << "\n";
  }

  const Inspected &module;
  const EmbedOptions &options;
  std::string upper, text;
  raw_string_ostream out;
  lt_func_info function;
  std::vector<lt_io_info> slots;
  bool known = false;
  uint64_t contextBytes = 0;
};

} // namespace

Expected<std::string> headerOf(const Inspected &module, const EmbedOptions &options) {
  return HeaderWriter(module, options).write();
}

} // namespace longtail
