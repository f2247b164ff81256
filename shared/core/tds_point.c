#include "tds_point.h"

#ifdef TDS_TEST_POINTS
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int point_taken(const char *file, const char *name, const char *count)
{
    char path[1024];
    int fd;

    (void)snprintf(path, sizeof path, "%s.%s%s%s.taken", file, name, *count ? "." : "", count);
    fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0666);
    if (fd >= 0) (void)close(fd);
    return fd < 0;
}

/* Is this the Nth time? */
static int point_is_nth(const char *file, const char *name, unsigned long nth)
{
    char count[24];
    unsigned long n;

    for (n = 1; n <= nth; ++n) {
        (void)snprintf(count, sizeof count, "%lu", n);
        if (!point_taken(file, name, count)) return n == nth;
    }
    return 0;
}

static void point_log(const char *file, const char *name)
{
    char text[1024];
    int fd, n;

    (void)snprintf(text, sizeof text, "%s.log", file);
    if ((fd = open(text, O_CREAT | O_APPEND | O_WRONLY, 0666)) < 0) return;
    n = snprintf(text, sizeof text, "%s\n", name);
    if (write(fd, text, (size_t)n) != n) (void)fputs("tds_point: the log cannot be written\n", stderr);
    (void)close(fd);
}

static void point_act(const char *file, const char *name, char *line)
{
    char *save = NULL, *word = strtok_r(line, " \n", &save), *verb, *arg, *last;

    if (!word || (strcmp(word, name) && strcmp(word, "*")) || !(verb = strtok_r(NULL, " \n", &save))) return;
    arg = strcmp(verb, "sleep") ? NULL : strtok_r(NULL, " \n", &save);
    last = strtok_r(NULL, " \n", &save);
    if (last && !strcmp(last, "once") && point_taken(file, name, "")) return;
    if (last && !strcmp(last, "nth")) {
        const char *nth = strtok_r(NULL, " \n", &save);
        if (!nth || !point_is_nth(file, name, strtoul(nth, NULL, 10))) return;
    }
    if (!strcmp(verb, "log")) point_log(file, name);
    if (!strcmp(verb, "kill")) (void)raise(SIGKILL);
    if (arg) (void)usleep((useconds_t)strtoul(arg, NULL, 10) * 1000);
}

void tds_point(const char *name)
{
    const char *file = getenv("TDS_POINT_FILE");
    char line[256];
    FILE *f = file ? fopen(file, "r") : NULL;

    if (!f) return;
    while (fgets(line, sizeof line, f)) point_act(file, name, line);
    (void)fclose(f);
}
#else
typedef int tds_point_unused_t; /* a translation unit must not be empty */
#endif
