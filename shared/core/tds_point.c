#include "tds_point.h"

#ifdef TDS_TEST_POINTS
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int point_taken(const char *file, const char *name)
{
    char path[1024];
    int fd;

    (void)snprintf(path, sizeof path, "%s.%s.taken", file, name);
    fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0666);
    if (fd >= 0) (void)close(fd);
    return fd < 0;
}

static void point_act(const char *file, const char *name, char *line)
{
    char *save = NULL, *word = strtok_r(line, " \n", &save), *verb, *arg, *last;

    if (!word || strcmp(word, name) || !(verb = strtok_r(NULL, " \n", &save))) return;
    arg = strcmp(verb, "sleep") ? NULL : strtok_r(NULL, " \n", &save);
    last = strtok_r(NULL, " \n", &save);
    if (last && !strcmp(last, "once") && point_taken(file, name)) return;
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
