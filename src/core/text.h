/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Text without stdio: lines for the log, and numbers.
 */
#ifndef ROMON_TEXT_H
#define ROMON_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include <romon/romon.h>

/* A line under construction, always terminated; what does not fit is cut. Start with {.len = 0}. */
struct line {
	char text[200];
	size_t len;
};

void line_add(struct line *line, const char *text);
void line_add_number(struct line *line, uint32_t number);
void line_add_mac(struct line *line, struct romon_mac mac);

/* Bytes of text, at most max, that end at a character boundary. */
size_t text_cut(const char *text, size_t max);

#endif
