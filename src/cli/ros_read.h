/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What RouterOS prints on `/tool/romon/discover` and `/tool/romon/ping`, read line by line into what romond would answer. Nobody has
 * promised that layout: titles are shortened to the width of their columns, numbers stand left or right, tables come again and again,
 * and names of strangers are in them. Pure functions.
 */
#ifndef CLI_ROS_READ_H
#define CLI_ROS_READ_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#define ROS_LINE_MAX 4096 /* bytes; what is longer is cut */
#define ROS_SAID_MAX 200

/* The text columns of a table, by where their titles begin; SIZE_MAX: there is no such column. */
struct ros_titles {
	bool read;
	size_t identity, version, board;
};

/* A discovery so far. */
struct ros_table {
	struct ros_titles titles;
	json_t *rows;                /* of the table that is being read, as Router of the interface; NULL before the first one */
	json_t *whole;               /* the one before it; NULL if there was none */
	char said[ROS_SAID_MAX + 1]; /* the first line that is nothing of a table, such as an error; "" */
};

void ros_table_free(struct ros_table *table);
/* Takes a line, which it changes. True if with it a table has become whole. */
bool ros_table_line(struct ros_table *table, char *line);

/* A ping so far. */
struct ros_ping {
	json_int_t sent, received; /* as RouterOS counts them, if it has */
	json_int_t timed;          /* times that were seen */
	double min, max, sum;      /* of those, in seconds */
	bool titled;
	char said[ROS_SAID_MAX + 1]; /* as above */
};

/* Takes a line, which it changes. Returns a new Reply of the interface, of that host and size (0: unknown), or NULL if it is none. */
json_t *ros_ping_line(struct ros_ping *ping, char *line, const char *host, json_int_t size);
/* The Summary of what has come, a new reference. */
json_t *ros_ping_summary(const struct ros_ping *ping);

#endif
