/* The C API of Longtail's runtime: open an artifact, bind tensors, run.
 *
 * Errors are values: every call that can fail returns an lt_rc and fills the caller's lt_error (may
 * be NULL). The library never aborts, prints, throws or keeps thread-local state. After any error
 * the module and the context stay usable.
 *
 * Every struct starts with `size`, which the caller sets to sizeof the struct (LT_INIT does it), so
 * that old callers and new libraries fit together. Fields that a caller does not set are zero.
 *
 * Slots: the inputs and outputs of a function are numbered in one sequence, inputs first. Output k
 * of a function with n inputs is slot n + k.
 *
 * Units: sizes are bytes, times are nanoseconds of CLOCK_MONOTONIC. Tensors are dense and
 * row-major.
 */
#ifndef LONGTAIL_RUNTIME_H
#define LONGTAIL_RUNTIME_H

#include "longtail/artifact.h"
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define LT_API __attribute__((visibility("default")))
#else
#define LT_API
#endif

#define LT_ABI_VERSION 1u
#define LT_MAX_THREADS 64u

typedef int32_t lt_rc;
enum lt_rc_code {
  LT_OK = 0,
  LT_ERR_ARG = -1,       /* an argument is wrong by itself */
  LT_ERR_FORMAT = -2,    /* the artifact's bytes are malformed */
  LT_ERR_VERSION = -3,   /* the artifact needs a newer runtime */
  LT_ERR_LIMIT = -4,     /* well-formed but larger than the runtime's limits */
  LT_ERR_INTEGRITY = -5, /* a checksum does not match */
  LT_ERR_TRUST = -6,     /* reserved for signatures */
  LT_ERR_ISA = -7,       /* no variant runs on this CPU */
  LT_ERR_SHAPE = -8,     /* dims that the function does not accept */
  LT_ERR_MEMORY = -9,    /* an allocation failed */
  LT_ERR_IO = -10,       /* the operating system refused to read or map */
  LT_ERR_STATE = -11,    /* not now: busy, not bound, not run yet */
  LT_ERR_CANCELLED = -12,
  LT_ERR_TIMEOUT = -13, /* reserved */
  LT_ERR_KERNEL = -14   /* a kernel met a value it cannot handle; detail = lt_kernel_code */
};

/* Filled on failure, left alone on success. Owned by the caller. Ignored if `size` is too small. */
typedef struct lt_error {
  uint32_t size;
  lt_rc code;
  uint32_t where; /* stable number of the check that failed */
  uint32_t reserved;
  uint64_t detail; /* the offending value or index */
  char msg[232];   /* names the thing, NUL-terminated, one line */
} lt_error;
LT_STATIC_ASSERT(sizeof(lt_error) == 256, "stable ABI");

typedef struct lt_module lt_module;   /* immutable; any thread */
typedef struct lt_context lt_context; /* one call at a time; a second one gets LT_ERR_STATE */

/* lt_error error = LT_INIT(lt_error); */
#ifdef __cplusplus
} /* a template cannot have C linkage */
template <typename Struct> inline Struct lt_init_struct() {
  Struct value = Struct();
  value.size = (uint32_t)sizeof(Struct);
  return value;
}
extern "C" {
#define LT_INIT(type) lt_init_struct<type>()
#else
#define LT_INIT(type) {.size = (uint32_t)sizeof(type)}
#endif

/* ---- Structs -------------------------------------------------------------------------------- */

/* Where an artifact's bytes are. `data` != NULL: memory. Otherwise: a regular file open for
 * reading; the artifact starts at its byte 0, and the descriptor is only used during the call.
 *
 * `code` != NULL: the artifact has one variant and lies in parts, as sections of a program do
 * (longtail/embedded.h). `data` is its metadata alone, `code` its code, readable and executable, on
 * a boundary of 4096 bytes, and `weights` its weights, or NULL. All are borrowed and run in place.
 */
typedef struct lt_source {
  uint32_t size;
  int32_t fd;
  const void *data;
  uint64_t len; /* of `data`; not used for files */
  const void *code;
  const void *weights;
} lt_source;

/* Memory for everything but mappings of the artifact. `alloc` returns `bytes` bytes aligned to
 * `align` (a power of two), or NULL. Called from the thread that calls the API, never by workers.
 */
typedef struct lt_allocator {
  uint32_t size;
  uint32_t reserved;
  void *(*alloc)(void *user, size_t bytes, size_t align);
  void (*free)(void *user, void *pointer, size_t bytes);
  void *user;
} lt_allocator;

enum lt_load_flag {
  LT_LOAD_INSPECT = 1,       /* do not map code and weights; any arch. No contexts can be made. */
  LT_LOAD_COPY_WEIGHTS = 2,  /* read the weights instead of mapping (files that may be truncated),
                                or of borrowing the caller's memory */
  LT_LOAD_VERIFY_WEIGHTS = 4 /* check their checksums: reads them all */
};

typedef struct lt_load_opts {
  uint32_t size;
  uint32_t flags;             /* lt_load_flag */
  uint64_t disabled_features; /* feature bits to treat as absent */
  const char *variant;        /* take the variant of this name, or NULL for the best */
  const lt_allocator *memory; /* NULL: malloc. Copied; `user` must outlive the module. */
} lt_load_opts;

typedef struct lt_info {
  uint32_t size;
  uint16_t major;
  uint16_t minor;
  uint64_t total_bytes;
  uint64_t code_bytes; /* of all variants */
  uint64_t weight_bytes;
  uint32_t variant_count;
  uint32_t variant;        /* the chosen one, or LT_NO_ID after LT_LOAD_INSPECT when none fits */
  uint32_t function_count; /* of the chosen variant, or of variant 0 */
  uint32_t weight_count;
  uint32_t metadata_count;
  uint32_t provenance_count;
} lt_info;

typedef struct lt_variant_info {
  uint32_t size;
  uint32_t arch; /* lt_arch */
  uint64_t features;
  uint64_t missing; /* features this CPU lacks; all ones on another arch */
  uint64_t code_bytes;
  uint32_t priority;
  uint32_t function_count;
  uint32_t kernel_count;
  uint32_t reserved;
  const char *name; /* lives as long as the module */
} lt_variant_info;

typedef struct lt_func_info {
  uint32_t size;
  uint32_t ordinal;
  uint32_t input_count;
  uint32_t output_count;
  uint32_t step_count;
  uint32_t region_count; /* 1 + places where shapes depend on data */
  const char *name;      /* lives as long as the module */
} lt_func_info;

typedef struct lt_io_info {
  uint32_t size;
  uint32_t is_output;
  uint16_t dtype; /* lt_dtype */
  uint16_t rank;
  uint32_t data_dependent;            /* output whose dims are known only after the run */
  const char *name;                   /* lives as long as the module */
  int64_t dims[LT_MAX_RANK];          /* static size, or -1 */
  int64_t min_dims[LT_MAX_RANK];      /* accepted range of an input's dimension, inclusive; */
  int64_t max_dims[LT_MAX_RANK];      /* 0 and LT_MAX_DIM for outputs' dynamic dimensions */
  const char *dim_names[LT_MAX_RANK]; /* "" where there is none */
} lt_io_info;

#define LT_MAX_DIM INT64_C(0x7fffffff)

/* An element of a tensor of strings: any bytes, which operators take as UTF-8. `data` may be NULL
 * when `bytes` is 0; nothing has to follow the last byte. */
typedef struct lt_text {
  const char *data;
  uint64_t bytes;
} lt_text;

/* A tensor. `data` may be NULL when it has no elements. Aligned to its element's size (at most 8).
 * A tensor of LT_DTYPE_STRING is an array of lt_text. Those of an input are read, and their bytes
 * copied, by every lt_run; those of an output are written by lt_run, and what they point to is
 * valid until the next lt_run or lt_context_destroy. */
typedef struct lt_tensor {
  uint32_t size;
  uint16_t dtype;
  uint16_t rank;
  void *data;
  uint64_t bytes;            /* room behind `data`, at least what the dims need */
  int64_t dims[LT_MAX_RANK]; /* -1 in an output: accept any size that fits into `bytes` */
} lt_tensor;

typedef struct lt_plan_info {
  uint32_t size;
  uint32_t reserved;
  uint64_t arena_bytes;   /* of region 0 */
  uint64_t scratch_bytes; /* per worker, of region 0's steps */
  uint64_t output_bytes;  /* of the outputs whose dims are known */
} lt_plan_info;

enum lt_context_flag { LT_CONTEXT_TRACE = 1 /* record times, see lt_trace */ };

typedef struct lt_context_opts {
  uint32_t size;
  uint32_t threads; /* 1..LT_MAX_THREADS, with the calling thread; 0: as many as there are CPUs */
  uint32_t flags;   /* lt_context_flag */
  uint32_t reserved;
  uint64_t text_limit; /* bytes of all strings of a run, with 4 for each: LT_ERR_LIMIT beyond;
                          0: LT_TEXT_LIMIT */
} lt_context_opts;

#define LT_TEXT_LIMIT (UINT64_C(1) << 32)

typedef struct lt_trace_record {
  uint32_t size;
  uint32_t step;
  uint64_t start_ns; /* since the start of the run */
  uint64_t duration_ns;
  int64_t tiles;
  uint32_t workers;
  uint32_t reserved;
  const char *name;   /* source nodes; lives as long as the module */
  const char *kernel; /* "" for a step that is no kernel */
} lt_trace_record;

enum lt_table { LT_TABLE_METADATA = 0, LT_TABLE_PROVENANCE = 1 };

/* ---- Library -------------------------------------------------------------------------------- */

/* LT_ABI_VERSION of the library. Functions are only added while it stays the same. */
LT_API uint32_t lt_abi_version(void);

/* A short English name of a code, never NULL. */
LT_API const char *lt_strerror(lt_rc code);

/* ---- Modules -------------------------------------------------------------------------------- */

/* Parses and checks an artifact without mapping its code. `out->variant` is the one that would be
 * chosen here. Nothing is kept. */
LT_API lt_rc lt_inspect(const lt_source *source, lt_info *out, lt_error *error);

/* Opens an artifact and picks the variant for this CPU. `opts` may be NULL. On success the caller
 * owns one reference. Memory sources aligned to 64 bytes are borrowed for their weights and must
 * outlive the module, unless LT_LOAD_COPY_WEIGHTS. A mapped file must not shrink meanwhile. */
LT_API lt_rc lt_module_open(const lt_source *source, const lt_load_opts *opts, lt_module **out,
                            lt_error *error);
LT_API void lt_module_retain(lt_module *module);  /* NULL is allowed */
LT_API void lt_module_release(lt_module *module); /* NULL is allowed; contexts hold a reference */

LT_API lt_rc lt_module_info(const lt_module *module, lt_info *out, lt_error *error);
LT_API lt_rc lt_module_variant(const lt_module *module, uint32_t index, lt_variant_info *out,
                               lt_error *error);

/* Finds a function of the chosen variant. `name` NULL: the first one. */
LT_API lt_rc lt_module_function(const lt_module *module, const char *name, lt_func_info *out,
                                lt_error *error);
LT_API lt_rc lt_module_function_at(const lt_module *module, uint32_t ordinal, lt_func_info *out,
                                   lt_error *error);
LT_API lt_rc lt_module_io(const lt_module *module, uint32_t function, uint32_t slot,
                          lt_io_info *out, lt_error *error);

/* Entry `index` of a table (counts in lt_info). The strings live as long as the module. */
LT_API lt_rc lt_module_metadata(const lt_module *module, uint32_t table, uint32_t index,
                                const char **key, const char **value, lt_error *error);
/* The value of a key, or NULL. */
LT_API const char *lt_module_find(const lt_module *module, uint32_t table, const char *key);

/* Evaluates what follows from the dims of the inputs: checks, dims of the outputs, memory. `inputs`
 * are all inputs in order (their data is not used). `outputs` (may be NULL) receives dtype, rank,
 * dims and bytes of `output_count` outputs; dims known only at run time are -1 and bytes 0.
 * Each outputs[i].size must be set. `info` may be NULL. */
LT_API lt_rc lt_plan(const lt_module *module, uint32_t function, const lt_tensor *inputs,
                     uint32_t input_count, lt_plan_info *info, lt_tensor *outputs,
                     uint32_t output_count, lt_error *error);

/* The memory that lt_context_create, for one thread, and runs with inputs of these dims ask of the
 * module's allocator, if the caller binds all outputs: the sum of all blocks, each rounded up to
 * LT_DATA_ALIGN. LT_ERR_SHAPE for a function in which shapes depend on data, that branches or
 * loops, or that has strings. */
LT_API lt_rc lt_context_memory(const lt_module *module, uint32_t function, const lt_tensor *inputs,
                               uint32_t input_count, uint64_t *bytes, lt_error *error);

/* ---- Contexts ------------------------------------------------------------------------------- */

/* The state of one stream of runs: arena, bound tensors, outputs. Holds a reference to the module.
 */
LT_API lt_rc lt_context_create(lt_module *module, uint32_t function, const lt_context_opts *opts,
                               lt_context **out, lt_error *error);
/* NULL is allowed. LT_ERR_STATE, and nothing freed, while another call uses the context. */
LT_API lt_rc lt_context_destroy(lt_context *context);

/* Binds a slot to the caller's memory, which is borrowed until the slot is bound anew or the
 * context is destroyed. Every input must be bound. An output that is not bound, or is bound to
 * NULL, lives in memory of the context. Inputs and outputs must not overlap an output. An error
 * leaves the slot as it was. */
LT_API lt_rc lt_bind(lt_context *context, uint32_t slot, const lt_tensor *tensor, lt_error *error);

/* Runs the function. Allocates only if dims changed since the last run or depend on data. */
LT_API lt_rc lt_run(lt_context *context, lt_error *error);

/* Describes an output (`slot` >= input_count) after a successful run: dims, bytes used and pointer.
 * Memory of the context is valid until the next lt_run, lt_bind or lt_context_destroy. */
LT_API lt_rc lt_output(lt_context *context, uint32_t slot, lt_tensor *out, lt_error *error);

/* Asks the run in flight to stop at its next tile; it returns LT_ERR_CANCELLED. From any thread.
 * LT_ERR_STATE when no run is in flight: then nothing is remembered. */
LT_API lt_rc lt_cancel(lt_context *context);

/* Copies the records of the last run, at most `capacity`; `*count` is how many there are. The size
 * in records[0] is the distance between records. LT_ERR_STATE without LT_CONTEXT_TRACE. */
LT_API lt_rc lt_trace(lt_context *context, lt_trace_record *records, uint32_t capacity,
                      uint32_t *count, lt_error *error);

#ifdef __cplusplus
}
#endif

#endif
