/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A screen that is redrawn in place. Relies on ECMA-48 escape sequences, which every terminal of today knows, and on
 * signalfd(), so that signals are read between two drawings and never in the middle of one.
 */
#include "cli/terminal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "cli/cli.h"

#define ROWS_DEFAULT 24
#define SCREEN_TAKE "\x1b[?1049h\x1b[?25l\x1b[?7l" /* second screen, no cursor, cut long lines */
#define SCREEN_GIVE "\x1b[?7h\x1b[?25h\x1b[?1049l"

static struct {
	bool held; /* the screen is ours */
	bool keys; /* standard input is a terminal whose modes were changed */
	struct termios before;
	sigset_t signals_before;
	int signals; /* signalfd; -1: none */
} terminal = {.signals = -1};

bool terminal_is_live(void)
{
	const char *kind = getenv("TERM");

	return isatty(STDOUT_FILENO) && kind && *kind && strcmp(kind, "dumb") != 0;
}

static void screen_take(void)
{
	struct termios raw;

	terminal.keys = tcgetattr(STDIN_FILENO, &terminal.before) == 0;
	if (terminal.keys) {
		raw = terminal.before;
		raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO); /* keys at once; ^C and ^Z stay signals */
		raw.c_cc[VMIN] = 1;
		raw.c_cc[VTIME] = 0;
		tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
	}
	fputs(SCREEN_TAKE, stdout);
	fflush(stdout);
	terminal.held = true;
}

static void screen_give(void)
{
	if (!terminal.held)
		return;
	terminal.held = false;
	fputs(SCREEN_GIVE, stdout);
	fflush(stdout);
	if (terminal.keys)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal.before);
}

void terminal_enter(void)
{
	static const int caught[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH};
	static bool registered;
	sigset_t set;

	if (!registered)
		atexit(screen_give);
	registered = true;
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(caught) / sizeof(*caught); i++)
		sigaddset(&set, caught[i]);
	sigprocmask(SIG_BLOCK, &set, &terminal.signals_before);
	terminal.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (terminal.signals < 0)
		cli_out_of_memory();
	screen_take();
}

void terminal_leave(void)
{
	screen_give();
	if (terminal.signals >= 0)
		close(terminal.signals);
	terminal.signals = -1;
	sigprocmask(SIG_SETMASK, &terminal.signals_before, NULL);
}

size_t terminal_rows(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row : ROWS_DEFAULT;
}

bool terminal_draw(const char *text)
{
	fputs("\x1b[H", stdout);
	for (size_t length; *text; text += length) {
		length = strcspn(text, "\n");
		printf("%.*s\x1b[K", (int)length, text); /* and clear what an earlier, longer line left */
		if (text[length] == '\n') {
			length++;
			if (text[length]) /* behind the last line it could scroll the screen */
				putchar('\n');
		}
	}
	fputs("\x1b[J", stdout);
	return fflush(stdout) == 0;
}

void terminal_fds(struct pollfd fds[TERMINAL_FDS])
{
	fds[0] = (struct pollfd){.fd = terminal.signals, .events = POLLIN};
	fds[1] = (struct pollfd){.fd = terminal.keys ? STDIN_FILENO : -1, .events = POLLIN};
}

/* Lets a signal have its usual effect, with the terminal put right. */
static void signal_pass(int number)
{
	sigset_t set, before;

	screen_give();
	sigemptyset(&set);
	sigaddset(&set, number);
	raise(number);
	sigprocmask(SIG_UNBLOCK, &set, &before); /* here it ends or stops the program */
	sigprocmask(SIG_SETMASK, &before, NULL);
	screen_take();
}

static enum terminal_event signal_read(void)
{
	struct signalfd_siginfo info;

	if (read(terminal.signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return TERMINAL_NOTHING;
	if (info.ssi_signo == SIGINT)
		return TERMINAL_QUIT;
	if (info.ssi_signo != SIGWINCH)
		signal_pass((int)info.ssi_signo);
	return TERMINAL_REDRAW;
}

enum terminal_event terminal_event(const struct pollfd fds[TERMINAL_FDS])
{
	char key;

	if (fds[0].revents & POLLIN)
		return signal_read();
	if (!fds[1].revents)
		return TERMINAL_NOTHING;

	ssize_t got = read(STDIN_FILENO, &key, 1);

	if (got < 0 && errno == EINTR)
		return TERMINAL_NOTHING;
	return got <= 0 || key == 'q' || key == 'Q' ? TERMINAL_QUIT
						    : TERMINAL_NOTHING; /* no input any more: the terminal is gone */
}
