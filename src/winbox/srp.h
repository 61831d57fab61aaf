/* SPDX-License-Identifier: BSD-2-Clause
 *
 * EC-SRP5, the login of WinBox and MAC-Telnet: what both ends compute between the messages, and what a server keeps of a password. The
 * messages themselves are channel.c's. Random numbers are arguments.
 */
#ifndef WINBOX_SRP_H
#define WINBOX_SRP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "winbox/curve.h"

#define SRP_SALT 16
#define SRP_HASH 32 /* bytes of a confirmation, of the secret, of a scalar */

/* What stands in place of a password [K]. Who has it can act as the server, and try passwords, but not log in. */
struct srp_validator {
	uint8_t salt[SRP_SALT];
	struct curve_point gamma;
};

/* A server's account, ready for logins. */
struct srp_account {
	struct srp_validator validator;
	struct curve_point mask; /* redp1 of the validator, with even y */
};

/* What a server answers the client's key with. */
struct srp_challenge {
	struct curve_point key;
	uint8_t salt[SRP_SALT];
};

/* A login under way, at either end. Wiped by srp_wipe(). */
struct srp {
	uint8_t scalar[SRP_HASH]; /* our private key */
	struct curve_point client, server;
	uint8_t j[SRP_HASH];
	uint8_t z[SRP_HASH];
	uint8_t client_confirm[SRP_HASH];
	struct curve_point gamma; /* server only */
};

void srp_wipe(struct srp *srp);

/* The validator of a password: name is what stands before a '+' in the login name. False: no memory. */
bool srp_validator_make(struct curve *curve, const char *name, size_t name_len, const char *password, size_t password_len,
	const uint8_t salt[SRP_SALT], struct srp_validator *validator);
/* Prepares an account: slow, and of varying slowness. False if the validator is none. */
bool srp_account_make(struct curve *curve, const struct srp_validator *validator, struct srp_account *account);

/* The server: takes the client's key, the account and its own private key, and makes the challenge. False: the client's key is no
 * point, or one of small order. */
bool srp_server_begin(struct curve *curve, struct srp *srp, const struct curve_point *client, const struct srp_account *account,
	const uint8_t scalar[SRP_HASH], struct srp_challenge *challenge);
/* The server: is the client's confirmation right? Then its own, and the secret. Takes the same time if it is not. */
bool srp_server_confirm(struct curve *curve, struct srp *srp, const uint8_t confirm[SRP_HASH], uint8_t answer[SRP_HASH],
	uint8_t secret[SRP_HASH]);

/* The client: its key, from its private key. */
bool srp_client_begin(struct curve *curve, struct srp *srp, const uint8_t scalar[SRP_HASH]);
/* The client: takes the challenge and makes its confirmation. False: the server's key is no point, or one of small order. */
bool srp_client_confirm(struct curve *curve, struct srp *srp, const char *name, size_t name_len, const char *password,
	size_t password_len, const struct srp_challenge *challenge, uint8_t confirm[SRP_HASH]);
/* The client: is the server's confirmation right? Then the secret. */
bool srp_client_end(struct srp *srp, const uint8_t confirm[SRP_HASH], uint8_t secret[SRP_HASH]);

#endif
