/* The artifact format of Longtail: everything a writer and a reader of `.lt` files must agree on.
 *
 * Standalone C11: includes <stdint.h> only. All integers are little-endian, all records are plain
 * old data with explicit padding that must be zero. No record holds a pointer or nests another.
 *
 * A file is
 *
 *   lt_header (64 bytes)
 *   lt_section[section_count]
 *   metadata sections (tables of records, one blob of strings)
 *   CODE sections, one per variant, 64 KiB aligned
 *   WDATA section (weights), 64 KiB aligned
 *
 * Sections come in ascending order of their offset, do not overlap, the gaps are zero, and the last
 * section ends where the file ends. Every kind occurs at most once, except CODE. A missing table is
 * a table without records; a section of zero bytes is refused.
 *
 * Tables belong to each other by order, not by index ranges: the first `function_count` FUNCS
 * records belong to variant 0, the next to variant 1, and so on; likewise all tables of a function.
 * So every record has exactly one owner and a reader needs one pass. Ids inside a function
 * (symbols, expressions, slots, buffers) count from 0 in that function. Strings are offsets into
 * the STRINGS blob, whose first byte is NUL, so that offset 0 is the empty string.
 */
#ifndef LONGTAIL_ARTIFACT_H
#define LONGTAIL_ARTIFACT_H

#include <stdint.h>

#ifdef __cplusplus
#define LT_STATIC_ASSERT(condition, text) static_assert(condition, text)
extern "C" {
#else
#define LT_STATIC_ASSERT(condition, text) _Static_assert(condition, text)
#endif

/* ---- Constants ------------------------------------------------------------------------------ */

/* 0x89 and the line ends catch transfers in text mode, as in PNG. */
#define LT_MAGIC "\x89LTA\r\n\x1a\n"
#define LT_FORMAT_MAJOR 1u /* a reader refuses another major */
#define LT_FORMAT_MINOR 2u /* grows when optional sections or record fields are appended */

#define LT_MAX_RANK 8u
#define LT_NO_ID 0xffffffffu    /* "no expression" in optional fields */
#define LT_PAGE_ALIGN 65536u    /* file alignment of CODE and WDATA: a multiple of any page size */
#define LT_DATA_ALIGN 64u       /* alignment of weights, arena slots and scratch memory, bytes */
#define LT_READ_TAIL 64u        /* bytes readable after each weight and each arena slot */
#define LT_MAX_EXPR_LENGTH 256u /* instructions per expression */

/* Element types: the numbers of ONNX's TensorProto.DataType. */
enum lt_dtype {
  LT_DTYPE_F32 = 1,
  LT_DTYPE_U8 = 2,
  LT_DTYPE_I8 = 3,
  LT_DTYPE_U16 = 4,
  LT_DTYPE_I16 = 5,
  LT_DTYPE_I32 = 6,
  LT_DTYPE_I64 = 7,
  LT_DTYPE_STRING =
      8,             /* a handle of 8 bytes in buffers, see lt_text_function; lt_text in the API */
  LT_DTYPE_BOOL = 9, /* one byte, 0 or 1 */
  LT_DTYPE_F16 = 10,
  LT_DTYPE_F64 = 11,
  LT_DTYPE_U32 = 12,
  LT_DTYPE_U64 = 13,
  LT_DTYPE_C64 = 14,
  LT_DTYPE_C128 = 15,
  LT_DTYPE_BF16 = 16,
  LT_DTYPE_F8E4M3FN = 17,
  LT_DTYPE_F8E4M3FNUZ = 18,
  LT_DTYPE_F8E5M2 = 19,
  LT_DTYPE_F8E5M2FNUZ = 20,
  LT_DTYPE_U4 = 21, /* two per byte, first element in the low half, as in ONNX raw data */
  LT_DTYPE_I4 = 22,
  LT_DTYPE_F4E2M1 = 23,
  LT_DTYPE_F8E8M0 = 24,
  LT_DTYPE_U2 = 25,
  LT_DTYPE_I2 = 26
};

enum lt_arch { LT_ARCH_X86_64 = 1, LT_ARCH_AARCH64 = 2, LT_ARCH_RISCV64 = 3 };

/* Feature bits of a variant; their meaning depends on its arch. Stable: bits are only added. */
#define LT_X86_V2 (UINT64_C(1) << 0) /* SSE3 SSSE3 SSE4.1 SSE4.2 POPCNT */
#define LT_X86_V3 (UINT64_C(1) << 1) /* AVX AVX2 FMA BMI BMI2 F16C LZCNT MOVBE */
#define LT_X86_V4 (UINT64_C(1) << 2) /* AVX512 F BW CD DQ VL */
#define LT_X86_AVX512VNNI (UINT64_C(1) << 3)
#define LT_X86_AVX512BF16 (UINT64_C(1) << 4)
#define LT_X86_AVXVNNI (UINT64_C(1) << 5)
#define LT_X86_AVX512FP16 (UINT64_C(1) << 6)
#define LT_ARM_DOTPROD (UINT64_C(1) << 0)
#define LT_ARM_FP16 (UINT64_C(1) << 1)
#define LT_ARM_I8MM (UINT64_C(1) << 2)
#define LT_ARM_BF16 (UINT64_C(1) << 3)
#define LT_ARM_SVE (UINT64_C(1) << 4)
#define LT_ARM_SVE2 (UINT64_C(1) << 5)
#define LT_RISCV_V (UINT64_C(1) << 0) /* V 1.0, VLEN >= 128 */
#define LT_RISCV_ZFH (UINT64_C(1) << 1)
#define LT_RISCV_ZVFH (UINT64_C(1) << 2)
#define LT_RISCV_ZBA (UINT64_C(1) << 3)
#define LT_RISCV_ZBB (UINT64_C(1) << 4)
#define LT_RISCV_VLEN256 (UINT64_C(1) << 5) /* VLEN >= 256 */
#define LT_RISCV_VLEN512 (UINT64_C(1) << 6) /* VLEN >= 512 */

/* ---- Kernel ABI ----------------------------------------------------------------------------- */

/* What a kernel sees. Everything is borrowed for the call. Kernels do not allocate, block, start
 * parallel work or keep pointers; different workers run disjoint tiles of one step at once. */
typedef struct lt_kernel_frame {
  uint32_t size;         /* bytes of this struct as the runtime knows it */
  uint32_t worker;       /* 0-based; picks nothing by itself, `scratch` is already this worker's */
  void *const *buffers;  /* in the order of the step's bindings; may be NULL for zero bytes.
                            Weights and arena buffers are 64-byte aligned with 64 readable bytes
                            after them; inputs and outputs have their element's alignment only and
                            no readable tail. */
  const int64_t *params; /* in the order of the step's params */
  void *scratch;         /* 64-byte aligned, the step's scratch bytes, or NULL for zero bytes */
  /* since minor 2: applies an lt_text_function; `frame` is this frame */
  int64_t (*text)(const struct lt_kernel_frame *frame, int32_t function, int64_t a, int64_t b,
                  int64_t c);
} lt_kernel_frame;
LT_STATIC_ASSERT(sizeof(void *) != 8 || sizeof(lt_kernel_frame) == 40, "stable kernel ABI");

/* Runs tiles [tile_begin, tile_end). Returns 0, or one of lt_kernel_code. */
typedef int32_t (*lt_kernel)(const lt_kernel_frame *frame, int64_t tile_begin, int64_t tile_end);

enum lt_kernel_code {
  LT_KERNEL_OK = 0,
  LT_KERNEL_INDEX = 1,  /* an index read from a tensor is out of range */
  LT_KERNEL_DIVIDE = 2, /* integer division by zero */
  LT_KERNEL_VALUE = 3,  /* a value the operator does not allow */
  /* set by text functions, whatever the kernel returns */
  LT_KERNEL_TEXT_LIMIT = 4,  /* the strings of a run take more bytes than allowed */
  LT_KERNEL_TEXT_MEMORY = 5, /* no memory for a string */
  LT_KERNEL_TEXT_NUMBER = 6, /* a string is not a number of the type */
  LT_KERNEL_TEXT_HANDLE =
      7, /* a handle or table that is none, or a step that may not make strings */
};

/* ---- Strings -------------------------------------------------------------------------------- */

/* The element of a tensor of strings is a handle: 0 is the empty string; otherwise the upper 16
 * bits number a pool (1: the TEXT section; the others belong to the run) and the lower 48 bits are
 * the offset there of a uint32_t, the number of bytes that follow it. Only the runtime looks behind
 * a handle, and it checks every one: handles that a file or a kernel makes up are an error of the
 * run. Strings are bytes; functions that look at characters take them as UTF-8 and leave what is
 * none as it is.
 *
 * Kernels use strings by these functions of up to three operands. Those that make a string are
 * reserved to steps with LT_STEP_TEXT. Positions are bytes from the start of the string. Failures
 * give 0 and end the run after the kernel. A table is a string of the TEXT section in a form given
 * here: little-endian uint32_t without alignment unless said otherwise. */
enum lt_text_function {
  LT_TEXT_EQUAL = 0,       /* a, b -> 0 or 1 */
  LT_TEXT_COMPARE = 1,     /* a, b -> negative, 0, positive: by bytes, as unsigned */
  LT_TEXT_SIZE = 2,        /* a -> bytes */
  LT_TEXT_JOIN = 3,        /* a, b -> makes a followed by b */
  LT_TEXT_SLICE = 4,       /* a, begin, end -> makes bytes [begin, end) of a, clamped to it */
  LT_TEXT_SEARCH = 5,      /* a, b, begin -> where b first starts at or after begin, or a's size */
  LT_TEXT_SKIP = 6,        /* a, begin -> the first position from begin on without white space */
  LT_TEXT_SPAN = 7,        /* a, begin -> the first position from begin on with white space */
  LT_TEXT_LOOKUP = 8,      /* a, dictionary -> its value, or -1 */
  LT_TEXT_MATCH = 9,       /* a, automaton -> 1 if it accepts a's bytes, else 0 */
  LT_TEXT_REPLACE = 10,    /* a, characters -> makes a with each character replaced */
  LT_TEXT_FROM_INT = 11,   /* value, b -> makes its decimal digits; b != 0: unsigned */
  LT_TEXT_FROM_FLOAT = 12, /* bits of a double, lt_text_float -> makes the fewest digits that tell
                              it from its neighbours of that type */
  LT_TEXT_TO_INT = 13,     /* a, bits, c -> the number; c != 0: unsigned */
  LT_TEXT_TO_FLOAT = 14,   /* a -> bits of a double */
  LT_TEXT_TO_BOOL = 15     /* a -> 0 or 1: true, false (in any case) or a number */
};

enum lt_text_float { LT_TEXT_F64 = 0, LT_TEXT_F32 = 1, LT_TEXT_F16 = 2, LT_TEXT_BF16 = 3 };

/* Dictionary: the number of slots (a power of two); for each slot hash, offset of the key in the
 * table, bytes of the key, value + 1 (0: free); then the keys. A key is in the first free slot from
 * `hash mod slots` on, cyclically. The hash is FNV-1a of 32 bits.
 *
 * Automaton: number of states (at most 2^16), of classes (1..256), first state; class of each of
 * the 256 bytes (uint8_t); for each state whether it accepts (uint8_t); for each state the next one
 * by class (uint16_t). State 0 accepts nothing and leads to itself.
 *
 * Characters: what replaces each of the first 128 (uint8_t); the number n of others, their code
 * points in ascending order, n + 1 offsets in the bytes that follow: what replaces each, in UTF-8.
 */

/* ---- Header and section table --------------------------------------------------------------- */

typedef struct lt_header {
  uint8_t magic[8];
  uint16_t major;
  uint16_t minor;
  uint32_t section_count;
  uint64_t total_size;    /* of the file, bytes */
  uint64_t metadata_size; /* bytes before the first CODE or WDATA section's alignment gap: the end
                             of the last metadata section. CODE and WDATA come after it. */
  uint32_t crc32c;        /* of bytes [0, metadata_size) with this field taken as zero */
  uint32_t flags;         /* zero */
  uint8_t reserved[24];   /* zero */
} lt_header;
LT_STATIC_ASSERT(sizeof(lt_header) == 64, "stable format");

enum lt_section_kind {
  LT_SECTION_STRINGS = 1,
  LT_SECTION_VARIANTS = 2,
  LT_SECTION_FUNCS = 3,
  LT_SECTION_IO = 4,
  LT_SECTION_SYMBOLS = 5,
  LT_SECTION_EXPRS = 6,
  LT_SECTION_EXPR_CODE = 7,
  LT_SECTION_CHECKS = 8,
  LT_SECTION_SLOTS = 9,
  LT_SECTION_BUFFERS = 10,
  LT_SECTION_KERNELS = 11,
  LT_SECTION_STEPS = 12,
  LT_SECTION_LISTS = 13, /* lt_list_entry: bindings and params of the steps */
  LT_SECTION_WEIGHTS = 14,
  LT_SECTION_METADATA = 15,   /* lt_pair_record: the model's own key/value properties */
  LT_SECTION_PROVENANCE = 16, /* lt_pair_record: compiler version, flags, model digest */
  LT_SECTION_CODE = 17,
  LT_SECTION_WDATA = 18,
  LT_SECTION_CALLS = 19, /* since minor 1; a metadata section like those before CODE */
  LT_SECTION_TEXT = 20   /* since minor 2; likewise; the strings that are constants, see above */
};
#define LT_SECTION_LAST LT_SECTION_TEXT

#define LT_SECTION_OPTIONAL 1u /* flag: a reader that does not know the kind may skip it */

typedef struct lt_section {
  uint32_t kind;
  uint32_t flags;
  uint64_t offset; /* from the start of the file, bytes */
  uint64_t size;   /* bytes, > 0 */
  uint32_t
      record_size; /* bytes; 0 for STRINGS, TEXT, CODE, WDATA. Larger than known is accepted. */
  uint32_t record_count; /* record_size * record_count == size */
  uint32_t alignment;    /* power of two in [8, 65536]; offset is a multiple */
  uint32_t reserved;     /* zero */
} lt_section;
LT_STATIC_ASSERT(sizeof(lt_section) == 40, "stable format");

/* ---- Records -------------------------------------------------------------------------------- */

typedef struct lt_variant_record {
  uint32_t name;
  uint32_t arch;     /* lt_arch */
  uint64_t features; /* all of them are needed */
  uint32_t priority; /* the highest priority that the CPU supports is chosen */
  uint32_t function_count;
  uint32_t kernel_count;
  uint32_t code_section; /* index into the section table, of kind CODE */
  uint32_t code_crc32c;  /* of the whole section */
  uint32_t reserved;     /* zero */
} lt_variant_record;
LT_STATIC_ASSERT(sizeof(lt_variant_record) == 40, "stable format");

typedef struct lt_func_record {
  uint32_t name;
  uint32_t input_count; /* IO records: first the inputs, then the outputs */
  uint32_t output_count;
  uint32_t symbol_count;
  uint32_t expr_count;
  uint32_t check_count;
  uint32_t slot_count;
  uint32_t buffer_count;
  uint32_t step_count;
  uint32_t reserved; /* zero */
} lt_func_record;
LT_STATIC_ASSERT(sizeof(lt_func_record) == 40, "stable format");

/* An input or output. A dimension is static (dims >= 0) or dynamic (-1). A dynamic dimension of an
 * input is the value of an INPUT_DIM symbol; of an output, of the expression in `exprs`. */
typedef struct lt_io_record {
  uint32_t name;
  uint16_t dtype;
  uint16_t rank;
  uint32_t region; /* of an output: where its dims become known; 0 for inputs */
  uint32_t reserved;
  int64_t dims[LT_MAX_RANK];       /* zero beyond the rank */
  uint32_t exprs[LT_MAX_RANK];     /* LT_NO_ID where not used */
  uint32_t dim_names[LT_MAX_RANK]; /* strings such as "batch"; 0 where there is none */
} lt_io_record;
LT_STATIC_ASSERT(sizeof(lt_io_record) == 144, "stable format");

enum lt_symbol_kind {
  LT_SYMBOL_INPUT_DIM = 0, /* source = input, index = dimension */
  LT_SYMBOL_DERIVED = 1,   /* source = expression over earlier symbols */
  LT_SYMBOL_BOUND = 2,     /* source = buffer, index = element; set by a BIND step */
  LT_SYMBOL_MEASURED = 3 /* source = buffer of kind RESULT, index = dimension; set by the BRANCH or
                            LOOP step that gives the result */
};

/* Regions: region 0 is what follows from the dims of the inputs. The n-th step that is a BIND or
 * has the flag LT_STEP_REGION ends region n - 1 and starts region n, in which its symbols are
 * known. Symbols, checks, slots and buffers are sorted by region; anything of region r uses symbols
 * of regions <= r only. */
typedef struct lt_symbol_record {
  uint32_t kind;
  uint32_t region;
  uint32_t name; /* used in messages: "input 'x' dimension 0 (batch)" */
  uint32_t source;
  uint32_t index;
  uint32_t reserved;
  int64_t min; /* inclusive; a value outside is an error of the caller's shapes */
  int64_t max;
} lt_symbol_record;
LT_STATIC_ASSERT(sizeof(lt_symbol_record) == 40, "stable format");

typedef struct lt_expr_record {
  uint32_t length; /* instructions in EXPR_CODE, 1..LT_MAX_EXPR_LENGTH */
} lt_expr_record;
LT_STATIC_ASSERT(sizeof(lt_expr_record) == 4, "stable format");

/* Postfix over int64. Overflow and division by zero are errors. Comparisons give 0 or 1. */
enum lt_opcode {
  LT_OP_CONST = 0, /* operand = value */
  LT_OP_SYM = 1,   /* operand = symbol */
  LT_OP_ADD = 2,
  LT_OP_SUB = 3,
  LT_OP_MUL = 4,
  LT_OP_FLOORDIV = 5, /* towards minus infinity */
  LT_OP_CEILDIV = 6,  /* towards plus infinity */
  LT_OP_MOD = 7,      /* a - floordiv(a, b) * b: has the sign of b */
  LT_OP_MIN = 8,
  LT_OP_MAX = 9,
  LT_OP_EQ = 10,
  LT_OP_NE = 11,
  LT_OP_LT = 12,
  LT_OP_LE = 13,
  LT_OP_SELECT = 14, /* c a b -> c != 0 ? a : b; both were evaluated */
  LT_OP_NEG = 15,
  LT_OP_AND = 16, /* logical, operands are non-zero or zero */
  LT_OP_OR = 17
};

typedef struct lt_instruction {
  int32_t opcode;
  uint32_t reserved;
  int64_t operand; /* zero unless CONST or SYM */
} lt_instruction;
LT_STATIC_ASSERT(sizeof(lt_instruction) == 16, "stable format");

typedef struct lt_check_record {
  uint32_t expr;    /* must be non-zero */
  uint32_t message; /* what is wrong if it is zero */
  uint32_t region;
  uint32_t reserved;
} lt_check_record;
LT_STATIC_ASSERT(sizeof(lt_check_record) == 16, "stable format");

/* A slot is as large as its largest buffer, rounded up to 64 bytes, plus 64 bytes to read. Slots of
 * one region lie one after another in the region's arena. */
typedef struct lt_slot_record {
  uint32_t region;
  uint32_t reserved;
} lt_slot_record;
LT_STATIC_ASSERT(sizeof(lt_slot_record) == 8, "stable format");

enum lt_buffer_kind {
  LT_BUFFER_INPUT = 0,  /* index = input */
  LT_BUFFER_OUTPUT = 1, /* index = output, counted from 0 */
  LT_BUFFER_ARENA = 2,  /* index = slot; the region is the slot's */
  LT_BUFFER_WEIGHT = 3, /* index = weight */
  LT_BUFFER_RESULT = 4  /* index = result of the BRANCH or LOOP step at the end of region - 1, in
                           memory of that step */
};

typedef struct lt_buffer_record {
  uint32_t kind;
  uint32_t index;
  uint32_t size_expr; /* bytes */
  uint32_t dtype;     /* of the elements; matters to BIND steps and to tools */
  uint32_t region;    /* INPUT and WEIGHT: 0; OUTPUT: that of the output; RESULT: at least 1 */
  uint32_t reserved;
} lt_buffer_record;
LT_STATIC_ASSERT(sizeof(lt_buffer_record) == 24, "stable format");

typedef struct lt_kernel_record {
  uint64_t entry; /* bytes from the start of the variant's CODE section */
  uint32_t name;
  uint32_t reserved;
} lt_kernel_record;
LT_STATIC_ASSERT(sizeof(lt_kernel_record) == 16, "stable format");

enum lt_step_kind {
  LT_STEP_DISPATCH = 0,
  LT_STEP_BIND = 1,
  LT_STEP_BRANCH = 2, /* runs one of two functions */
  LT_STEP_LOOP = 3    /* runs a function again and again */
};

#define LT_STEP_PARALLEL 1u /* flag of DISPATCH: tiles may run on several workers */
#define LT_STEP_TEXT 4u     /* flag of DISPATCH, not with PARALLEL: the kernel makes strings */
#define LT_STEP_REGION                                                                             \
  2u /* flag of BRANCH and LOOP: the step has RESULT buffers and ends its region */

typedef struct lt_step_record {
  uint32_t kind;
  uint32_t flags;
  uint32_t name;         /* the source nodes, for messages and traces */
  uint32_t target;       /* DISPATCH: kernel of the variant; BIND: buffer of int32 or int64; BRANCH,
                            LOOP: function of the variant, which comes after the step's own */
  uint32_t tiles_expr;   /* DISPATCH: number of tiles; zero tiles skip the step. BRANCH: 0 runs
                            the other function. LOOP: number of trips at most; none below 1 */
  uint32_t scratch_expr; /* DISPATCH: bytes per worker, or LT_NO_ID */
  uint32_t binding_count; /* LISTS entries that are buffers, */
  uint32_t param_count;   /* then LISTS entries that are expressions */
  uint32_t first_symbol; /* BIND: its symbols, of kind BOUND; BRANCH, LOOP: MEASURED; of the next */
  uint32_t symbol_count; /* region */
} lt_step_record;
LT_STATIC_ASSERT(sizeof(lt_step_record) == 40, "stable format");

/* One for each BRANCH and LOOP step, in their order. The step's bindings are the arguments, then
 * the results; a result may be LT_NO_ID where nobody reads it. Its params are the sizes of all
 * arguments' dimensions, one after another.
 *
 * BRANCH: both functions take all arguments and give all results.
 *
 * LOOP: the arguments are `carried` values, `sliced` tensors and values that every trip reads. The
 * body takes the number of the trip (one int64), the carried values as the trip before left them,
 * slice i (along dimension 0) of each sliced tensor in trip i, then the other values. It gives,
 * with LT_CALL_CONDITION, one bool, false after the last trip; then the carried values; then one
 * slice of each other result. The results are the carried values (of kind RESULT) after the last
 * trip, then the slices of all trips one behind the other.
 *
 * The result of a kind other than RESULT is written in its place; its size must be what the
 * function gives, times the number of trips for accumulated slices (then no LT_CALL_CONDITION). */
typedef struct lt_call_record {
  uint32_t otherwise; /* BRANCH: the function that runs if the condition is 0; LOOP: LT_NO_ID */
  uint32_t flags;
  uint32_t argument_count;
  uint32_t carried_count; /* LOOP */
  uint32_t sliced_count;  /* LOOP */
  uint32_t reserved;      /* zero */
} lt_call_record;
LT_STATIC_ASSERT(sizeof(lt_call_record) == 24, "stable format");

#define LT_CALL_CONDITION 1u /* flag of LOOP: output 0 of the body says whether to go on */

typedef struct lt_list_entry {
  uint32_t id;
} lt_list_entry;
LT_STATIC_ASSERT(sizeof(lt_list_entry) == 4, "stable format");

typedef struct lt_weight_record {
  uint64_t offset; /* in the WDATA section, a multiple of 64 */
  uint64_t size;   /* bytes; offset + size + 64 <= size of the section */
  uint32_t name;
  uint32_t crc32c; /* of its bytes */
} lt_weight_record;
LT_STATIC_ASSERT(sizeof(lt_weight_record) == 24, "stable format");

typedef struct lt_pair_record {
  uint32_t key;
  uint32_t value;
} lt_pair_record;
LT_STATIC_ASSERT(sizeof(lt_pair_record) == 8, "stable format");

#ifdef __cplusplus
}
#endif

#endif
