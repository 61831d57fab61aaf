/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The widths in which md5_block.h is built: 1 lane for every machine; 4 where vectors of 128 bits belong to the architecture (SSE2, NEON);
 * on x86 8 for processors with AVX2, and again for those with AVX-512VL, which rotate in one instruction. Which one is found when it runs.
 */
#include "core/md5_lanes.h"

#include <stdbool.h>
#include <string.h>

#define NO_TARGET

/* A vector of elements of a and b, by number. The first form is clang's, and GCC's only from its version 12 on. */
#ifdef __clang__
#define PICK(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define PICK(a, b, ...) __builtin_shuffle(a, b, (__typeof__(a)){__VA_ARGS__})
#endif

static inline uint32_t load_u32(const uint8_t *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

#define MD5_NAME compress_1
#define MD5_TARGET NO_TARGET
#define MD5_WORD uint32_t
#define MD5_LOAD(x) \
	for (size_t i_ = 0; i_ < 16; i_++) \
	(x)[i_] = load_u32(data[0] + at + 4 * i_)
#include "core/md5_block.h"

#if defined(__SSE2__) || (defined(__ARM_NEON) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
#define HAVE_4
typedef uint32_t word_4 __attribute__((vector_size(16)));

/* Four rows of four words become four columns. */
#define TRANSPOSE_4(out, r0, r1, r2, r3) \
	do { \
		word_4 l0_ = PICK(r0, r1, 0, 4, 1, 5), h0_ = PICK(r0, r1, 2, 6, 3, 7); \
		word_4 l1_ = PICK(r2, r3, 0, 4, 1, 5), h1_ = PICK(r2, r3, 2, 6, 3, 7); \
		(out)[0] = PICK(l0_, l1_, 0, 1, 4, 5); \
		(out)[1] = PICK(l0_, l1_, 2, 3, 6, 7); \
		(out)[2] = PICK(h0_, h1_, 0, 1, 4, 5); \
		(out)[3] = PICK(h0_, h1_, 2, 3, 6, 7); \
	} while (0)

#define MD5_NAME compress_4
#define MD5_TARGET NO_TARGET
#define MD5_WORD word_4
#define MD5_LOAD(x) \
	for (size_t q_ = 0; q_ < 4; q_++) { \
		word_4 row_[4]; \
\
		for (size_t l_ = 0; l_ < 4; l_++) \
			memcpy(&row_[l_], data[l_] + at + 16 * q_, 16); \
		TRANSPOSE_4((x) + 4 * q_, row_[0], row_[1], row_[2], row_[3]); \
	}
#include "core/md5_block.h"
#endif

#if defined(__x86_64__)
#define HAVE_8
typedef uint32_t word_8 __attribute__((vector_size(32)));

/* Eight rows of eight words become eight columns: pairs of words, pairs of pairs, halves. */
#define TRANSPOSE_8(out, r) \
	do { \
		word_8 p_[8], q_[8]; \
\
		for (size_t i_ = 0; i_ < 8; i_ += 2) { \
			p_[i_] = PICK((r)[i_], (r)[i_ + 1], 0, 8, 1, 9, 4, 12, 5, 13); \
			p_[i_ + 1] = PICK((r)[i_], (r)[i_ + 1], 2, 10, 3, 11, 6, 14, 7, 15); \
		} \
		for (size_t i_ = 0; i_ < 8; i_ += 4) { \
			q_[i_] = PICK(p_[i_], p_[i_ + 2], 0, 1, 8, 9, 4, 5, 12, 13); \
			q_[i_ + 1] = PICK(p_[i_], p_[i_ + 2], 2, 3, 10, 11, 6, 7, 14, 15); \
			q_[i_ + 2] = PICK(p_[i_ + 1], p_[i_ + 3], 0, 1, 8, 9, 4, 5, 12, 13); \
			q_[i_ + 3] = PICK(p_[i_ + 1], p_[i_ + 3], 2, 3, 10, 11, 6, 7, 14, 15); \
		} \
		for (size_t i_ = 0; i_ < 4; i_++) { \
			(out)[i_] = PICK(q_[i_], q_[i_ + 4], 0, 1, 2, 3, 8, 9, 10, 11); \
			(out)[i_ + 4] = PICK(q_[i_], q_[i_ + 4], 4, 5, 6, 7, 12, 13, 14, 15); \
		} \
	} while (0)
#define LOAD_8(x) \
	for (size_t half_ = 0; half_ < 2; half_++) { \
		word_8 row_[8]; \
\
		for (size_t l_ = 0; l_ < 8; l_++) \
			memcpy(&row_[l_], data[l_] + at + 32 * half_, 32); \
		TRANSPOSE_8((x) + 8 * half_, row_); \
	}

#define MD5_NAME compress_8_avx2
#define MD5_TARGET __attribute__((target("avx2")))
#define MD5_WORD word_8
#define MD5_LOAD(x) LOAD_8(x)
#include "core/md5_block.h"

#define MD5_NAME compress_8_avx512vl
#define MD5_TARGET __attribute__((target("avx512vl")))
#define MD5_WORD word_8
#define MD5_LOAD(x) LOAD_8(x)
#include "core/md5_block.h"
#endif

const struct md5_lanes *md5_lanes_all(size_t *count)
{
	static const struct md5_lanes all[] = {
		{"1", 1, compress_1},
#ifdef HAVE_4
		{"4", 4, compress_4},
#endif
#ifdef HAVE_8
		{"8, AVX2", 8, compress_8_avx2},
		{"8, AVX-512VL", 8, compress_8_avx512vl},
#endif
	};

	*count = sizeof(all) / sizeof(all[0]);
#ifdef HAVE_8
	if (!__builtin_cpu_supports("avx512vl"))
		--*count;
	if (!__builtin_cpu_supports("avx2"))
		*count -= *count == sizeof(all) / sizeof(all[0]) ? 2 : 1;
#endif
	return all;
}
