/* A fuzz target without libFuzzer: runs every file of the directories and files given once, or its own corpus. Exit 1
 * when there is none; a broken promise aborts, after the file's name was printed. */
#include <dirent.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *now_running = "";

static void tell(int signal)
{
    if (write(2, now_running, strlen(now_running)) < 0) _exit(1);
    _exit(write(2, ": crash\n", 8) < 0 ? 1 : 128 + signal);
}

static int run_file(const char *path)
{
    static uint8_t buf[1 << 20];
    FILE *f = fopen(path, "rb");
    uint8_t *exact;
    size_t n;

    if (!f) return 0;
    n = fread(buf, 1, sizeof(buf), f);
    (void)fclose(f);
    exact = malloc(n ? n : 1);
    if (!exact) return 0;
    memcpy(exact, buf, n);
    now_running = path;
    LLVMFuzzerTestOneInput(exact, n);
    free(exact);
    return 1;
}

static int run(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    char name[4096];
    int n = 0;

    if (!dir) return run_file(path);
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] == '.') continue;
        (void)snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
        n += run_file(name);
    }
    (void)closedir(dir);
    return n;
}

int main(int argc, char **argv)
{
    int i, n = 0;

    (void)signal(SIGABRT, tell);
    if (argc < 2) n = run(CORPUS);
    for (i = 1; i < argc; ++i) n += run(argv[i]);
    printf("%d inputs\n", n);
    return n ? 0 : 1;
}
