/* pres generate VERSION BYTES: a PRes of that size to standard output, its ranges in no order.
 * pres parse FILE: one json_loadb() of it.  pres load FILE VERSION: stream, check, snapshot, in chunks of 64 kB.
 * Each prints what it took as one line of JSON; in a process of its own, since memory is measured by its peak. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <apr_general.h>
#include "srv_ranges.h"
#include "tds_pres.h"

#define CHUNK   65536
#define ISSUERS 5000

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Of this program: getrusage() counts that of the process before exec, too. */
static long peak_kb(void)
{
    char line[256];
    long kb = 0;
    FILE *f = fopen("/proc/self/status", "r");

    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, "VmHWM:", 6)) kb = strtol(line + 6, NULL, 10);
    if (f) fclose(f);
    return kb;
}

/* Each of 2^30 numbers once, in no order. */
static unsigned scattered(unsigned i)
{
    return i * 2654435761u & 0x3fffffffu;
}

static int item_220(unsigned i)
{
    unsigned n = scattered(i), issuer = n % ISSUERS;

    return printf("{\"startRange\":\"4%010u00000\",\"endRange\":\"4%010u99999\",\"actionInd\":\"A\","
                  "\"acsStartProtocolVersion\":\"2.1.0\",\"acsEndProtocolVersion\":\"2.2.0\","
                  "\"threeDSMethodURL\":\"https://acs-%u.example.com/3ds/method\",\"acsInfoInd\":[\"01\",\"0%u\"]}",
                  n, n, issuer, 2 + issuer % 3);
}

static int item_231(unsigned i)
{
    unsigned issuer = i % ISSUERS, k;
    int len = printf("{\"ranges\":[");

    for (k = 0; k < 16; ++k) {
        unsigned n = scattered(i * 16 + k);

        len += printf("%s{\"start\":\"4%010u00000\",\"end\":\"4%010u99999\"}", k ? "," : "", n, n);
    }
    return len + printf("],\"actionInd\":\"A\",\"issuerCountryCode\":\"250\",\"acsProtocolVersions\":["
                        "{\"version\":\"2.2.0\",\"acsInfoInd\":[\"01\",\"0%u\"],\"threeDSMethodURL\":\"https://"
                        "acs-%u.example.com/m\"},"
                        "{\"version\":\"2.3.1\",\"acsInfoInd\":[\"01\",\"1%u\"],\"threeDSMethodURL\":\"https://"
                        "acs-%u.example.com/m\"}]}",
                        2 + issuer % 3, issuer, issuer % 2, issuer);
}

static int generate(const char *version, long bytes)
{
    int is231 = !strcmp(version, "2.3.1");
    unsigned i = 0;
    long len;

    printf("{\"messageType\":\"PRes\",\"messageVersion\":\"%s\",\"threeDSServerTransID\":\"8a880dc0-d2d2-4067-bcb1-"
           "b08d1690b26e\","
           "\"dsTransID\":\"f25084f0-5b16-4c0a-ae5d-b24808a95e4b\",\"serialNum\":\"1\",%s,\"cardRangeData\":[",
           version,
           is231 ? "\"dsProtocolVersions\":[\"2.1.0\",\"2.2.0\",\"2.3.1\"],\"readOrder\":\"01\""
                 : "\"dsStartProtocolVersion\":\"2.1.0\",\"dsEndProtocolVersion\":\"2.2.0\"");
    for (len = 0; len < bytes; ++len) {
        if (i) putchar(',');
        len += is231 ? item_231(i) : item_220(i);
        ++i;
    }
    puts("]}");
    return 0;
}

static int parse(const char *path)
{
    int fd = open(path, O_RDONLY);
    struct stat st;
    json_t *root;
    char *text;
    double start;

    if (fd < 0 || fstat(fd, &st) != 0 || !(text = malloc((size_t)st.st_size))) return 1;
    for (ssize_t at = 0, n; at < st.st_size; at += n)
        if ((n = read(fd, text + at, (size_t)(st.st_size - at))) <= 0) return 1;
    start = now_s();
    root = json_loadb(text, (size_t)st.st_size, 0, NULL);
    printf("{\"seconds\":%.4f,\"bytes\":%ld,\"peak_kb\":%ld,\"ok\":%s}\n", now_s() - start, (long)st.st_size, peak_kb(),
           root ? "true" : "false");
    return 0;
}

static int load(const char *path, const char *version, apr_pool_t *pool)
{
    static const srv_ds_t ds = {.name = "ds"};
    static char buf[CHUNK];
    tds_msg_rules_t rules = {.accept = TDS_MSG_BIT(TDS_MSG_PRES), .version_must = tds_ver_parse(version)};
    FILE *in = fopen(path, "rb");
    long before = peak_kb();
    double start = now_s();
    srv_load_t *changes = srv_load_begin(&ds, NULL, 1, pool);
    tds_pres_t *pres = tds_pres_make(&rules, srv_load_add, changes, pool);
    srv_ranges_t *ranges = NULL;
    tds_msg_t *msg;
    tds_err_t err;
    size_t n;

    if (!in) return 1;
    tds_err_init(&err, pool);
    while ((n = fread(buf, 1, sizeof buf, in)) > 0)
        if (tds_pres_feed(pres, buf, n) != APR_SUCCESS) break;
    if (tds_pres_end(&msg, pres, &err) != APR_SUCCESS ||
        srv_load_commit(&ranges, changes, msg, pool, &err) != APR_SUCCESS) {
        fprintf(stderr, "%d %s\n", err.proto, err.elements);
        return 1;
    }
    printf("{\"seconds\":%.4f,\"items\":%lu,\"ranges\":%lu,\"snapshot_kb\":%lu,\"before_kb\":%ld,\"peak_kb\":%ld}\n",
           now_s() - start, (unsigned long)tds_pres_count(pres), (unsigned long)srv_ranges_count(ranges),
           (unsigned long)srv_ranges_size(ranges) / 1024, before, peak_kb());
    return 0;
}

int main(int argc, char **argv)
{
    apr_pool_t *pool;

    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS) return 1;
    if (argc == 4 && !strcmp(argv[1], "generate")) return generate(argv[2], strtol(argv[3], NULL, 10));
    if (argc == 3 && !strcmp(argv[1], "parse")) return parse(argv[2]);
    if (argc == 4 && !strcmp(argv[1], "load")) return load(argv[2], argv[3], pool);
    fprintf(stderr, "pres generate VERSION BYTES | parse FILE | load FILE VERSION\n");
    return 2;
}
