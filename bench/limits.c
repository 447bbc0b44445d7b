/* What this machine can do at best: multiply-adds per second, and bytes read per second from each
 * cache and from memory. Usage: limits THREADS. Prints one JSON object.
 *
 * Every thread works on data of its own, all of them start together, and the slowest one ends the
 * clock. The best of several repetitions counts: other programs can only make it slower. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#if defined(__AVX512F__)
#define WIDTH 64
#elif defined(__AVX__)
#define WIDTH 32
#else
#define WIDTH 16
#endif
typedef float vec __attribute__((vector_size(WIDTH)));

enum { ACCUMULATORS = 12, MAX_THREADS = 64, REPETITIONS = 7 };

typedef struct {
  const char *data; /* NULL: multiply-adds instead of reads */
  size_t bytes;     /* of `data`, a multiple of 8 vectors */
  int64_t rounds;
  pthread_barrier_t *barrier;
  double seconds; /* of processor time, a result */
} work;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Chains that do not depend on each other, enough to hide the latency of a multiply-add. The empty
 * assembly keeps the compiler from computing the result beforehand. */
static void multiplyAdd(int64_t rounds) {
  vec acc[ACCUMULATORS], a = {0.5f}, b = {0.25f};
  for (int k = 0; k < ACCUMULATORS; ++k)
    acc[k] = a;
  __asm__ volatile("" : "+x"(a), "+x"(b));
  for (int64_t r = 0; r < rounds; ++r) {
#pragma clang loop unroll(full)
    for (int k = 0; k < ACCUMULATORS; ++k) {
      acc[k] = acc[k] * a + b;
      __asm__ volatile("" : "+x"(acc[k]));
    }
  }
}

static void readAll(const char *data, size_t bytes, int64_t rounds) {
  for (int64_t r = 0; r < rounds; ++r)
    for (size_t i = 0; i < bytes; i += 8 * sizeof(vec)) {
      const vec *p = (const vec *)(data + i);
#pragma clang loop unroll(full)
      for (int k = 0; k < 8; ++k) {
        vec v = p[k];
        __asm__ volatile("" : : "x"(v));
      }
    }
}

static void *run(void *argument) {
  work *w = argument;
  pthread_barrier_wait(w->barrier);
  double begin = now();
  if (w->data)
    readAll(w->data, w->bytes, w->rounds);
  else
    multiplyAdd(w->rounds);
  w->seconds = now() - begin;
  return NULL;
}

/* Seconds of processor time that the slowest thread took for `rounds` rounds: what others do on a
 * busy machine would otherwise halve a limit. */
static double measure(int threads, char **data, size_t bytes, int64_t rounds) {
  pthread_barrier_t barrier;
  pthread_barrier_init(&barrier, NULL, (unsigned)threads);
  pthread_t ids[MAX_THREADS];
  work works[MAX_THREADS];
  for (int t = 0; t < threads; ++t) {
    works[t] = (work){data ? data[t] : NULL, bytes, rounds, &barrier, 0};
    if (pthread_create(&ids[t], NULL, run, &works[t])) {
      fprintf(stderr, "limits: cannot make a thread\n");
      exit(1);
    }
  }
  double seconds = 0;
  for (int t = 0; t < threads; ++t) {
    pthread_join(ids[t], NULL);
    seconds = works[t].seconds > seconds ? works[t].seconds : seconds;
  }
  pthread_barrier_destroy(&barrier);
  return seconds;
}

/* Rounds per second of every thread at its best. */
static double best(int threads, char **data, size_t bytes) {
  int64_t rounds = 1;
  while (measure(threads, data, bytes, rounds) < 0.02)
    rounds *= 2;
  double least = 1e30;
  for (int k = 0; k < REPETITIONS; ++k) {
    double seconds = measure(threads, data, bytes, rounds);
    least = seconds < least ? seconds : least;
  }
  return (double)rounds / least;
}

static size_t cacheSize(int name, size_t otherwise) {
  long size = sysconf(name);
  return size > 0 ? (size_t)size : otherwise;
}

int main(int argc, char **argv) {
  int threads = argc == 2 ? atoi(argv[1]) : 0;
  if (threads < 1 || threads > MAX_THREADS) {
    fprintf(stderr, "usage: limits THREADS (1 to %d)\n", MAX_THREADS);
    return 2;
  }
  double flop = 2.0 * ACCUMULATORS * (WIDTH / sizeof(float));
  printf("{\"threads\": %d, \"gflops\": %.1f", threads,
         1e-9 * threads * flop * best(threads, NULL, 0));

  size_t l1 = cacheSize(_SC_LEVEL1_DCACHE_SIZE, 32 << 10);
  size_t l2 = cacheSize(_SC_LEVEL2_CACHE_SIZE, 1 << 20);
  size_t l3 = cacheSize(_SC_LEVEL3_CACHE_SIZE, 32 << 20);
  /* Half of a private cache; of the shared one a part that stays there although a virtual machine
   * may share it with others and report a size beyond belief, but more than the level below; of
   * memory far more than any cache. */
  size_t shared = (l3 < (size_t)24 << 20 ? l3 : (size_t)24 << 20) / 2 / (size_t)threads;
  size_t memory = (size_t)512 << 20;
  struct {
    const char *name;
    size_t bytes;
  } levels[] = {{"l1", l1 / 2},
                {"l2", l2 / 2},
                {"l3", shared < 2 * l2 ? 2 * l2 : shared},
                {"dram", memory / (size_t)threads}};
  for (int k = 0; k < 4; ++k) {
    size_t bytes = levels[k].bytes / 4096 * 4096;
    char *data[MAX_THREADS];
    for (int t = 0; t < threads; ++t) {
      if (posix_memalign((void **)&data[t], 4096, bytes)) {
        fprintf(stderr, "limits: no memory\n");
        return 1;
      }
      memset(data[t], 1, bytes);
    }
    double rate = 1e-9 * threads * (double)bytes * best(threads, data, bytes);
    printf(", \"%s_gbs\": %.1f, \"%s_kib\": %zu", levels[k].name, rate, levels[k].name,
           bytes >> 10);
    for (int t = 0; t < threads; ++t)
      free(data[t]);
  }
  printf("}\n");
  return 0;
}
