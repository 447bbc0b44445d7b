// Damaged artifacts: a typed error, or the behaviour of the intact one.
#include "test/runtime/Artifacts.h"
#include <cstring>
#include <functional>
#include <gtest/gtest.h>

using namespace longtail;
using namespace longtail::container;
using namespace longtail::test;

namespace {

void expectTyped(lt_rc rc, const lt_error &error) {
  ASSERT_LT(rc, 0);
  ASSERT_GE(rc, LT_ERR_KERNEL);
  ASSERT_EQ(error.code, rc);
  ASSERT_GE(error.where, 100u);
  ASSERT_GT(strlen(error.msg), 0u);
}

// All kinds of records, as few of them as possible.
std::vector<uint8_t> smallArtifact() {
  static const std::vector<float> weight(8, 1);
  std::vector<Function> functions = {addFunction(), nonZeroFunction()};
  for (Function &function : callFunctions(2))
    functions.push_back(std::move(function));
  functions.push_back(scaleFunction(0)); // nobody calls it
  Program program = programOf(functions);
  program.weights = {{weight.data(), 32, "weight"}};
  return write(program);
}

uint64_t metadataSize(const std::vector<uint8_t> &bytes) {
  lt_header header;
  memcpy(&header, bytes.data(), sizeof header);
  return header.metadata_size;
}

class Sections {
public:
  explicit Sections(std::vector<uint8_t> &bytes) : bytes(bytes) {}
  lt_header *header() { return reinterpret_cast<lt_header *>(bytes.data()); }
  lt_section *section(uint32_t index) {
    return reinterpret_cast<lt_section *>(bytes.data() + sizeof(lt_header)) + index;
  }
  lt_section *find(uint32_t kind) {
    for (uint32_t i = 0; i < header()->section_count; ++i)
      if (section(i)->kind == kind)
        return section(i);
    ADD_FAILURE() << "no section of kind " << kind;
    return section(0);
  }
  template <typename Record> Record *record(uint32_t kind, uint32_t index = 0) {
    return reinterpret_cast<Record *>(bytes.data() + find(kind)->offset) + index;
  }

private:
  std::vector<uint8_t> &bytes;
};

} // namespace

TEST(Damage, EveryPrefixIsRefused) {
  std::vector<uint8_t> bytes = smallArtifact();
  uint64_t dense = metadataSize(bytes) + 200;
  for (uint64_t length = 0; length < bytes.size(); length += length < dense ? 1 : 997) {
    std::vector<uint8_t> prefix(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(length));
    lt_error error = newError();
    lt_info info = LT_INIT(lt_info);
    lt_source source = memorySource(prefix);
    ASSERT_EQ(lt_inspect(&source, &info, &error), LT_ERR_FORMAT) << length;
    // The header may claim to be as short as the file is.
    if (length >= sizeof(lt_header)) {
      memcpy(prefix.data() + offsetof(lt_header, total_size), &length, sizeof length);
      repairCrc(prefix);
      ASSERT_NE(lt_inspect(&source, &info, &error), LT_OK) << length;
    }
  }
  TemporaryFile file(std::vector<uint8_t>(bytes.begin(), bytes.begin() + 70000));
  lt_source source = file.source();
  lt_error error = newError();
  lt_info info = LT_INIT(lt_info);
  EXPECT_EQ(lt_inspect(&source, &info, &error), LT_ERR_FORMAT);
  bytes.resize(bytes.size() + 8);
  source = memorySource(bytes);
  EXPECT_EQ(lt_inspect(&source, &info, &error), LT_ERR_FORMAT) << "trailing data";
  EXPECT_EQ(error.where, 204u);
  uint64_t length = bytes.size();
  memcpy(bytes.data() + offsetof(lt_header, total_size), &length, sizeof length);
  repairCrc(bytes);
  EXPECT_EQ(lt_inspect(&source, &info, &error), LT_ERR_FORMAT) << "data behind the last section";
  EXPECT_EQ(error.where, 217u);
}

TEST(Damage, EveryFlippedByteOfTheMetadataIsNoticed) {
  std::vector<uint8_t> bytes = smallArtifact();
  for (uint64_t i = 0; i < metadataSize(bytes); ++i)
    for (uint8_t mask : {0x01, 0x80, 0xff}) {
      bytes[i] ^= mask;
      lt_source source = memorySource(bytes);
      lt_error error = newError();
      lt_module *module = nullptr;
      lt_rc rc = lt_module_open(&source, nullptr, &module, &error);
      ASSERT_NE(rc, LT_OK) << "byte " << i;
      expectTyped(rc, error);
      bytes[i] ^= mask;
    }
}

TEST(Damage, FlippedBitsWithRepairedChecksumDoNoHarm) {
  std::vector<uint8_t> original = smallArtifact();
  for (uint64_t i = 0; i < metadataSize(original); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      std::vector<uint8_t> bytes = original;
      bytes[i] ^= static_cast<uint8_t>(1 << bit);
      repairCrc(bytes);
      exercise(bytes);
      ASSERT_FALSE(HasFatalFailure()) << "byte " << i << ", bit " << bit;
    }
}

// Two more artifacts: one of a single function with a weight, one whose regions have two symbols.
TEST(Damage, FlippedBitsOfOtherArtifactsDoNoHarm) {
  static const std::vector<float> weight(8, 1);
  Program weighted = programOf({scaleFunction(0)});
  weighted.weights = {{weight.data(), 32, "weight"}};
  for (const std::vector<uint8_t> &original :
       {write(weighted), write(programOf({nonZeroFunction()}))})
    for (uint64_t i = 0; i < metadataSize(original); ++i)
      for (int bit = 0; bit < 8; ++bit) {
        std::vector<uint8_t> bytes = original;
        bytes[i] ^= static_cast<uint8_t>(1 << bit);
        repairCrc(bytes);
        exercise(bytes);
        ASSERT_FALSE(HasFatalFailure()) << "byte " << i << ", bit " << bit;
      }
}

TEST(Damage, ExtremeWordsWithRepairedChecksumDoNoHarm) {
  std::vector<uint8_t> original = smallArtifact();
  for (uint64_t i = 8; i + 4 <= metadataSize(original); i += 4)
    for (uint32_t word : {0u, 1u, 0x7fffffffu, 0x80000000u, 0xfffffffeu, 0xffffffffu}) {
      std::vector<uint8_t> bytes = original;
      memcpy(bytes.data() + i, &word, sizeof word);
      repairCrc(bytes);
      exercise(bytes);
      ASSERT_FALSE(HasFatalFailure()) << "byte " << i << ", word " << word;
    }
}

TEST(Damage, PaddingMustBeZero) {
  std::vector<uint8_t> bytes = smallArtifact();
  for (uint64_t offset : {metadataSize(bytes), uint64_t{65535}, uint64_t{131071}}) {
    bytes[offset] = 1;
    lt_source source = memorySource(bytes);
    lt_error error = newError();
    lt_info info = LT_INIT(lt_info);
    EXPECT_EQ(lt_inspect(&source, &info, &error), LT_ERR_FORMAT);
    EXPECT_EQ(error.where, 216u) << error.msg;
    bytes[offset] = 0;
  }
}

// Each case changes one thing, repairs the checksum and expects one check to fail.
struct DamageCase {
  const char *name;
  lt_rc code;
  uint32_t where;
  std::function<void(Sections &)> change;
};

static const std::vector<DamageCase> &damageCases() {
  using S = Sections;
  static const std::vector<DamageCase> cases = {
      {"Magic", LT_ERR_FORMAT, 201, [](S &s) { s.header()->magic[4] = '\n'; }},
      {"Major", LT_ERR_VERSION, 202, [](S &s) { s.header()->major = 2; }},
      {"NoSections", LT_ERR_FORMAT, 203, [](S &s) { s.header()->section_count = 0; }},
      {"ManySections", LT_ERR_FORMAT, 203, [](S &s) { s.header()->section_count = ~0u; }},
      {"TotalTooLarge", LT_ERR_FORMAT, 204, [](S &s) { s.header()->total_size += 1; }},
      {"MetadataTooSmall", LT_ERR_FORMAT, 205, [](S &s) { s.header()->metadata_size = 64; }},
      {"HeaderFlags", LT_ERR_VERSION, 207, [](S &s) { s.header()->flags = 1; }},
      {"SectionWraps", LT_ERR_FORMAT, 211, [](S &s) { s.section(0)->size = ~UINT64_C(0) - 8; }},
      {"SectionEmpty", LT_ERR_FORMAT, 211, [](S &s) { s.section(0)->size = 0; }},
      {"SectionMoved", LT_ERR_FORMAT, 210, [](S &s) { s.section(1)->offset += 8; }},
      {"SectionDescends", LT_ERR_FORMAT, 210, [](S &s) { s.section(1)->offset = 64; }},
      {"AlignmentZero", LT_ERR_FORMAT, 212, [](S &s) { s.section(1)->alignment = 0; }},
      {"AlignmentOdd", LT_ERR_FORMAT, 212, [](S &s) { s.section(1)->alignment = 24; }},
      {"AlignmentHuge", LT_ERR_FORMAT, 212, [](S &s) { s.section(1)->alignment = 1u << 31; }},
      {"CodeNotOnAPage", LT_ERR_FORMAT, 212,
       [](S &s) { s.find(LT_SECTION_CODE)->alignment = 4096; }},
      {"RecordSmaller", LT_ERR_FORMAT, 213,
       [](S &s) { s.find(LT_SECTION_FUNCS)->record_size -= 4; }},
      {"RecordHuge", LT_ERR_FORMAT, 213,
       [](S &s) { s.find(LT_SECTION_FUNCS)->record_size = 0x80000000u; }},
      {"CountWraps", LT_ERR_FORMAT, 213,
       [](S &s) { s.find(LT_SECTION_IO)->record_count += 1u << 28; }},
      {"Duplicate", LT_ERR_FORMAT, 214,
       [](S &s) { s.find(LT_SECTION_PROVENANCE)->kind = LT_SECTION_METADATA; }},
      {"UnknownSection", LT_ERR_VERSION, 215,
       [](S &s) { s.find(LT_SECTION_PROVENANCE)->kind = 100; }},
      {"CodeInMetadata", LT_ERR_FORMAT, 212,
       [](S &s) { s.find(LT_SECTION_PROVENANCE)->kind = LT_SECTION_CODE; }},
      {"TableBehindMetadata", LT_ERR_FORMAT, 219,
       [](S &s) { s.find(LT_SECTION_WDATA)->kind = LT_SECTION_SLOTS; }},
      {"StringsUnended", LT_ERR_FORMAT, 220,
       [](S &s) {
         lt_section *strings = s.find(LT_SECTION_STRINGS);
         *(s.record<char>(LT_SECTION_STRINGS) + strings->size - 1) = 'x';
       }},
      {"StringOutside", LT_ERR_FORMAT, 221,
       [](S &s) {
         s.record<lt_func_record>(LT_SECTION_FUNCS)->name =
             static_cast<uint32_t>(s.find(LT_SECTION_STRINGS)->size);
       }},
      {"FewerFunctions", LT_ERR_FORMAT, 302,
       [](S &s) { --s.record<lt_variant_record>(LT_SECTION_VARIANTS)->function_count; }},
      {"MoreKernels", LT_ERR_FORMAT, 302,
       [](S &s) { s.record<lt_variant_record>(LT_SECTION_VARIANTS)->kernel_count = ~0u; }},
      {"CodeIsATable", LT_ERR_FORMAT, 311,
       [](S &s) { s.record<lt_variant_record>(LT_SECTION_VARIANTS)->code_section = 0; }},
      {"KernelAtTheEnd", LT_ERR_FORMAT, 312,
       [](S &s) {
         s.record<lt_kernel_record>(LT_SECTION_KERNELS)->entry = s.find(LT_SECTION_CODE)->size;
       }},
      {"WeightMisaligned", LT_ERR_FORMAT, 313,
       [](S &s) { s.record<lt_weight_record>(LT_SECTION_WEIGHTS)->offset = 32; }},
      {"WeightWithoutTail", LT_ERR_FORMAT, 313,
       [](S &s) { s.record<lt_weight_record>(LT_SECTION_WEIGHTS)->size += 64; }},
      {"WeightWraps", LT_ERR_FORMAT, 313,
       [](S &s) { s.record<lt_weight_record>(LT_SECTION_WEIGHTS)->size = ~UINT64_C(0) - 63; }},
      {"TypeUnknown", LT_ERR_FORMAT, 400,
       [](S &s) { s.record<lt_io_record>(LT_SECTION_IO)->dtype = 99; }},
      {"RankNine", LT_ERR_LIMIT, 401,
       [](S &s) { s.record<lt_io_record>(LT_SECTION_IO)->rank = 9; }},
      {"DimNegative", LT_ERR_FORMAT, 402,
       [](S &s) { s.record<lt_io_record>(LT_SECTION_IO)->dims[1] = -2; }},
      {"DimsWrap", LT_ERR_LIMIT, 402,
       [](S &s) {
         lt_io_record *io = s.record<lt_io_record>(LT_SECTION_IO);
         io->dims[0] = io->dims[1] = INT64_C(0x7fffffff);
       }},
      {"ExpressionEmpty", LT_ERR_FORMAT, 410,
       [](S &s) { s.record<lt_expr_record>(LT_SECTION_EXPRS)->length = 0; }},
      {"ExpressionLong", LT_ERR_FORMAT, 410,
       [](S &s) { s.record<lt_expr_record>(LT_SECTION_EXPRS)->length = 257; }},
      {"OpcodeUnknown", LT_ERR_FORMAT, 411,
       [](S &s) { s.record<lt_instruction>(LT_SECTION_EXPR_CODE)->opcode = 18; }},
      {"StackUnderflow", LT_ERR_FORMAT, 413,
       [](S &s) {
         lt_instruction *in = s.record<lt_instruction>(LT_SECTION_EXPR_CODE);
         in->opcode = LT_OP_ADD;
         in->operand = 0;
       }},
      {"StackLeftover", LT_ERR_FORMAT, 413,
       [](S &s) {
         lt_instruction *in = s.record<lt_instruction>(LT_SECTION_EXPR_CODE, 2);
         in->opcode = LT_OP_CONST;
       }},
      {"SymbolOutside", LT_ERR_FORMAT, 412,
       [](S &s) { s.record<lt_instruction>(LT_SECTION_EXPR_CODE)->operand = 3; }},
      {"SymbolUsesItself", LT_ERR_FORMAT, 422,
       [](S &s) { s.record<lt_instruction>(LT_SECTION_EXPR_CODE)->operand = 2; }},
      {"SymbolRegion", LT_ERR_FORMAT, 421,
       [](S &s) { s.record<lt_symbol_record>(LT_SECTION_SYMBOLS)->region = 1; }},
      {"SymbolKind", LT_ERR_FORMAT, 420,
       [](S &s) { s.record<lt_symbol_record>(LT_SECTION_SYMBOLS)->kind = 9; }},
      {"BufferKind", LT_ERR_FORMAT, 432,
       [](S &s) { s.record<lt_buffer_record>(LT_SECTION_BUFFERS)->kind = 9; }},
      {"BufferIndex", LT_ERR_FORMAT, 433,
       [](S &s) { s.record<lt_buffer_record>(LT_SECTION_BUFFERS)->index = 2; }},
      {"BufferRegion", LT_ERR_FORMAT, 434,
       [](S &s) { s.record<lt_buffer_record>(LT_SECTION_BUFFERS)->region = 1; }},
      {"StepKernel", LT_ERR_FORMAT, 441,
       [](S &s) { s.record<lt_step_record>(LT_SECTION_STEPS)->target = KernelCount; }},
      {"StepTiles", LT_ERR_FORMAT, 442,
       [](S &s) { s.record<lt_step_record>(LT_SECTION_STEPS)->tiles_expr = ~0u; }},
      {"StepBinding", LT_ERR_FORMAT, 443,
       [](S &s) { s.record<lt_list_entry>(LT_SECTION_LISTS)->id = 3; }},
      {"StepParam", LT_ERR_FORMAT, 444,
       [](S &s) { s.record<lt_list_entry>(LT_SECTION_LISTS, 3)->id = 1000; }},
      {"BindSymbols", LT_ERR_FORMAT, 445,
       [](S &s) { s.record<lt_step_record>(LT_SECTION_STEPS, 2)->symbol_count = 0; }},
      {"BindTooMany", LT_ERR_FORMAT, 445,
       [](S &s) { s.record<lt_step_record>(LT_SECTION_STEPS, 2)->symbol_count = ~0u; }},
  };
  return cases;
}

class Damaged : public ::testing::TestWithParam<DamageCase> {};

TEST_P(Damaged, FailsItsCheck) {
  std::vector<uint8_t> bytes = smallArtifact();
  Sections sections(bytes);
  GetParam().change(sections);
  repairCrc(bytes);
  lt_source source = memorySource(bytes);
  lt_error error = newError();
  lt_info info = LT_INIT(lt_info);
  EXPECT_EQ(lt_inspect(&source, &info, &error), GetParam().code) << error.msg;
  EXPECT_EQ(error.where, GetParam().where) << error.msg;
}

INSTANTIATE_TEST_SUITE_P(Cases, Damaged, ::testing::ValuesIn(damageCases()),
                         [](const auto &info) { return std::string(info.param.name); });

TEST(Damage, OptionalSectionsAndLongerRecordsAreAccepted) {
  std::vector<uint8_t> bytes = smallArtifact();
  Sections sections(bytes);
  lt_section *last = sections.find(LT_SECTION_PROVENANCE);
  last->kind = 100;
  last->flags = LT_SECTION_OPTIONAL;
  sections.header()->minor = 7;
  repairCrc(bytes);
  lt_source source = memorySource(bytes);
  lt_error error = newError();
  lt_info info = LT_INIT(lt_info);
  EXPECT_EQ(lt_inspect(&source, &info, &error), LT_OK) << error.msg;
  EXPECT_EQ(info.provenance_count, 0u);
  // Two records of 8 bytes read as one of 16: a record of a newer writer.
  bytes = smallArtifact();
  lt_section *pairs = sections.find(LT_SECTION_METADATA);
  ASSERT_EQ(pairs->record_count, 2u);
  pairs->record_size = 16;
  pairs->record_count = 1;
  repairCrc(bytes);
  source = memorySource(bytes);
  EXPECT_EQ(lt_inspect(&source, &info, &error), LT_OK) << error.msg;
  EXPECT_EQ(info.metadata_count, 1u);
}

TEST(Damage, SizesThatDoNotFitTheTensorsAreRefusedWhenPlanned) {
  struct {
    lt_buffer_kind kind;
    uint32_t index;
    int64_t bytes;
    lt_rc code;
  } const cases[] = {{LT_BUFFER_INPUT, 0, 33, LT_ERR_FORMAT},
                     {LT_BUFFER_OUTPUT, 0, 33, LT_ERR_FORMAT},
                     {LT_BUFFER_WEIGHT, 0, 33, LT_ERR_FORMAT},
                     {LT_BUFFER_ARENA, 0, -1, LT_ERR_LIMIT},
                     {LT_BUFFER_ARENA, 0, (INT64_C(1) << 40) + 1, LT_ERR_LIMIT},
                     {LT_BUFFER_ARENA, 0, INT64_C(1) << 40, LT_ERR_LIMIT}};
  std::vector<float> weight(8, 1);
  for (const auto &test : cases) {
    FunctionBuilder f;
    f.function = scaleFunction(0);
    f.function.slots.push_back({});
    f.buffer(test.kind, test.index, f.constant(test.bytes), LT_DTYPE_F32);
    Program program = programOf({f.function});
    program.weights = {{weight.data(), 32, "w"}};
    OpenModule module(write(program));
    lt_tensor x = tensorOf(LT_DTYPE_F32, weight, {8});
    lt_error error = newError();
    EXPECT_EQ(lt_plan(module, 0, &x, 1, nullptr, nullptr, 0, &error), test.code) << error.msg;
  }
}

TEST(Damage, TilesAndScratchHaveLimits) {
  for (int64_t value : {INT64_C(-1), (INT64_C(1) << 32) + 1}) {
    for (bool scratch : {false, true}) {
      FunctionBuilder f;
      uint32_t bad = f.constant(value), one = f.constant(1);
      f.dispatch("step", Fill, scratch ? one : bad, {}, {one}, false, scratch ? bad : one);
      OpenModule module(write(programOf({f.function})));
      lt_error error = newError();
      EXPECT_EQ(lt_plan(module, 0, nullptr, 0, nullptr, nullptr, 0, &error), LT_ERR_LIMIT)
          << error.msg;
    }
  }
}
