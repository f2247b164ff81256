/* Load over mTLS: one thread and one kept connection each, blocking, a fresh message per request.
 *
 *   load [options] TEMPLATE-FILE
 *     --port N --path /x --ca PEM --cert PEM (certificate and key) --connections N
 *     --warm SECONDS --seconds SECONDS | --count REQUESTS, --rate REQUESTS-PER-SECOND (all connections together)
 *     --expect TEXT (in the body, with the dsTransID that was sent) | --expect-len N
 *
 * When all connections stand and are warm it prints "ready" and waits for a line; when the time is up it prints the result
 * as one line of JSON and waits for another line before it closes: who measures CPU time does so in between. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#define UUID_LEN   36
#define BUF_MAX    65536
#define SUB_BITS   5 /* 32 steps per power of two: 3 % */
#define HIST_CELLS (64 << SUB_BITS)

static struct {
    int port, connections, count;
    double warm, seconds, rate;
    const char *path, *ca, *cert, *expect;
    long expect_len;
    char *body; /* template; the ids are replaced at these places */
    size_t len, server_at, ds_at;
} opt = {.connections = 8, .warm = 1, .seconds = 5, .expect_len = -1};

enum { PHASE_WARM, PHASE_READY, PHASE_RUN, PHASE_END };
static atomic_int phase, standing;
static atomic_long left, ticket;
static double began;
static SSL_CTX *ctx;

typedef struct worker_t {
    SSL *ssl;
    int fd;
    uint64_t random;
    char *head, *body;
    size_t head_len;
    char *answer;
    long done, errors, reconnects;
    uint64_t hist[HIST_CELLS], max;
    char fault[256]; /* the first one */
} worker_t;

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what)
{
    (void)fprintf(stderr, "load: %s\n", what);
    exit(1);
}

/* ---- histogram ----------------------------------------------------------- */

static int cell_of(uint64_t us)
{
    int log;

    if (us < 1u << SUB_BITS) return (int)us;
    log = 63 - __builtin_clzll(us);
    return ((log - SUB_BITS + 1) << SUB_BITS) + (int)((us >> (log - SUB_BITS)) & ((1u << SUB_BITS) - 1));
}

static uint64_t value_of(int cell)
{
    int log = cell >> SUB_BITS;

    if (!log) return (uint64_t)cell;
    return ((uint64_t)(cell & ((1 << SUB_BITS) - 1)) + (1u << SUB_BITS)) << (log - 1);
}

static uint64_t percentile(const uint64_t *hist, uint64_t total, double share)
{
    uint64_t want = (uint64_t)((double)total * share), seen = 0;
    int i;

    for (i = 0; i < HIST_CELLS; ++i) {
        seen += hist[i];
        if (seen > want) return value_of(i);
    }
    return 0;
}

/* ---- connection ---------------------------------------------------------- */

static void hang_up(worker_t *w)
{
    if (w->ssl) SSL_free(w->ssl);
    if (w->fd >= 0) close(w->fd);
    w->ssl = NULL;
    w->fd = -1;
}

static int dial(worker_t *w)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)opt.port)};
    int one = 1;

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if ((w->fd = socket(AF_INET, SOCK_STREAM, 0)) < 0 || connect(w->fd, (struct sockaddr *)&to, sizeof to)) return 0;
    (void)setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    w->ssl = SSL_new(ctx);
    SSL_set_fd(w->ssl, w->fd);
    SSL_set_tlsext_host_name(w->ssl, "localhost");
    return SSL_set1_host(w->ssl, "localhost") && SSL_connect(w->ssl) == 1;
}

/* ---- one exchange -------------------------------------------------------- */

static uint64_t next_random(worker_t *w)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    return w->random ^= w->random << 17;
}

static void put_uuid(worker_t *w, char *to)
{
    static const char hex[] = "0123456789abcdef";
    uint64_t r = 0;
    int i;

    for (i = 0; i < UUID_LEN; ++i) {
        if (i % 16 == 0) r = next_random(w);
        if (i == 8 || i == 13 || i == 18 || i == 23) continue;
        to[i] = i == 14 ? '4' : i == 19 ? "89ab"[r & 3] : hex[r & 15];
        r >>= 4;
    }
}

/* The length of the body at *body, or -1: broken off, or not HTTP. */
static long read_answer(worker_t *w, int *status, char **body)
{
    size_t have = 0, want = 0;
    char *end = NULL, *cl;

    while (!end || have < want) {
        int n = SSL_read(w->ssl, w->answer + have, (int)(BUF_MAX - 1 - have));

        if (n <= 0) return -1;
        have += (size_t)n;
        w->answer[have] = '\0';
        if (end || !(end = strstr(w->answer, "\r\n\r\n"))) continue;
        cl = strcasestr(w->answer, "\r\nContent-Length:");
        if (!cl || cl > end) return -1;
        *body = end + 4;
        want = (size_t)(*body - w->answer) + strtoul(cl + 17, NULL, 10);
        if (want > BUF_MAX - 1) return -1;
    }
    *status = (int)strtol(w->answer + 9, NULL, 10);
    return (long)(w->answer + want - *body);
}

static int is_expected(worker_t *w, int status, const char *body, long len)
{
    char id[UUID_LEN + 1];

    if (status != 200) return 0;
    if (opt.expect_len >= 0) return len == opt.expect_len;
    memcpy(id, w->body + opt.ds_at, UUID_LEN);
    id[UUID_LEN] = '\0';
    return strstr(body, opt.expect) && strstr(body, id);
}

static void exchange(worker_t *w, int measured)
{
    double start = now();
    char *body = NULL;
    int status = 0;
    uint64_t us;
    long len;

    put_uuid(w, w->body + opt.server_at);
    put_uuid(w, w->body + opt.ds_at);
    memcpy(w->head + w->head_len, w->body, opt.len);
    if (SSL_write(w->ssl, w->head, (int)(w->head_len + opt.len)) <= 0 || (len = read_answer(w, &status, &body)) < 0) {
        hang_up(w);
        ++w->reconnects;
        if (!dial(w)) ++w->errors;
        return;
    }
    if (!measured) return;
    us = (uint64_t)((now() - start) * 1e6);
    ++w->done;
    ++w->hist[cell_of(us)];
    if (us > w->max) w->max = us;
    if (is_expected(w, status, body, len)) return;
    if (!w->errors++) (void)snprintf(w->fault, sizeof w->fault, "%d %s", status, body);
}

/* Until it is this request's turn. */
static void pace(void)
{
    double until = began + (double)atomic_fetch_add(&ticket, 1) / opt.rate, wait = until - now();

    if (wait > 0) usleep((useconds_t)(wait * 1e6));
}

static void *work(void *data)
{
    worker_t *w = data;

    if (getrandom(&w->random, sizeof w->random, 0) != sizeof w->random) die("no random bytes");
    w->random |= 1;
    w->answer = malloc(BUF_MAX);
    w->body = malloc(opt.len);
    memcpy(w->body, opt.body, opt.len);
    w->head = malloc(opt.len + 512);
    w->head_len = (size_t)snprintf(w->head, 512,
                                   "POST %s HTTP/1.1\r\nHost: localhost:%d\r\nContent-Type: application/json; charset=utf-8\r\n"
                                   "Content-Length: %zu\r\n\r\n",
                                   opt.path, opt.port, opt.len);
    if (!dial(w)) {
        ERR_print_errors_fp(stderr);
        die("cannot connect");
    }
    atomic_fetch_add(&standing, 1);
    while (phase == PHASE_WARM) exchange(w, 0);
    while (phase == PHASE_READY) usleep(500);
    while (phase == PHASE_RUN && (!opt.count || atomic_fetch_sub(&left, 1) > 0)) {
        if (opt.rate > 0) pace();
        exchange(w, 1);
    }
    atomic_fetch_sub(&standing, 1);
    return NULL;
}

/* ---- the whole ------------------------------------------------------------ */

static void wait_line(void)
{
    char line[64];

    (void)fflush(stdout);
    if (!fgets(line, sizeof line, stdin)) exit(1);
}

static void read_template(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *at;

    if (!f) die("cannot open the template");
    opt.body = calloc(1, BUF_MAX);
    opt.len = fread(opt.body, 1, BUF_MAX - 1, f);
    (void)fclose(f);
    if (!(at = strstr(opt.body, "\"threeDSServerTransID\":\""))) die("the template has no threeDSServerTransID");
    opt.server_at = (size_t)(at - opt.body) + strlen("\"threeDSServerTransID\":\"");
    if (!(at = strstr(opt.body, "\"dsTransID\":\""))) die("the template has no dsTransID");
    opt.ds_at = (size_t)(at - opt.body) + strlen("\"dsTransID\":\"");
}

static void options(int argc, char **argv)
{
    static const struct option names[] = {
        {"port", 1, NULL, 'p'}, {"path", 1, NULL, 'u'},    {"ca", 1, NULL, 'a'},     {"cert", 1, NULL, 'c'},
        {"warm", 1, NULL, 'w'}, {"seconds", 1, NULL, 's'}, {"count", 1, NULL, 'n'},  {"connections", 1, NULL, 'k'},
        {"expect", 1, NULL, 'e'}, {"expect-len", 1, NULL, 'l'}, {"rate", 1, NULL, 'r'}, {NULL, 0, NULL, 0}};
    int c;

    while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
        if (c == 'p') opt.port = (int)strtol(optarg, NULL, 10);
        else if (c == 'u') opt.path = optarg;
        else if (c == 'a') opt.ca = optarg;
        else if (c == 'c') opt.cert = optarg;
        else if (c == 'w') opt.warm = strtod(optarg, NULL);
        else if (c == 's') opt.seconds = strtod(optarg, NULL);
        else if (c == 'n') opt.count = (int)strtol(optarg, NULL, 10);
        else if (c == 'k') opt.connections = (int)strtol(optarg, NULL, 10);
        else if (c == 'e') opt.expect = optarg;
        else if (c == 'r') opt.rate = strtod(optarg, NULL);
        else if (c == 'l') opt.expect_len = strtol(optarg, NULL, 10);
        else exit(2);
    }
    if (optind + 1 != argc || !opt.port || !opt.path || !opt.ca || !opt.cert || (!opt.expect && opt.expect_len < 0))
        die("--port, --path, --ca, --cert, --expect or --expect-len, and a template are needed");
    read_template(argv[optind]);
}

static void report(worker_t *workers, double took)
{
    static worker_t sum;
    const char *fault = "";
    int i, j;

    for (i = 0; i < opt.connections; ++i) {
        sum.done += workers[i].done;
        sum.errors += workers[i].errors;
        sum.reconnects += workers[i].reconnects;
        if (workers[i].max > sum.max) sum.max = workers[i].max;
        if (workers[i].fault[0]) fault = workers[i].fault;
        for (j = 0; j < HIST_CELLS; ++j) sum.hist[j] += workers[i].hist[j];
    }
    if (*fault) (void)fprintf(stderr, "load: not expected: %s\n", fault);
    printf("{\"requests\":%ld,\"errors\":%ld,\"reconnects\":%ld,\"seconds\":%.3f,\"rps\":%.1f", sum.done, sum.errors,
           sum.reconnects, took, (double)sum.done / took);
    printf(",\"p50\":%lu,\"p90\":%lu,\"p99\":%lu,\"p999\":%lu,\"max\":%lu}\n",
           (unsigned long)percentile(sum.hist, (uint64_t)sum.done, 0.5),
           (unsigned long)percentile(sum.hist, (uint64_t)sum.done, 0.9),
           (unsigned long)percentile(sum.hist, (uint64_t)sum.done, 0.99),
           (unsigned long)percentile(sum.hist, (uint64_t)sum.done, 0.999), (unsigned long)sum.max);
}

int main(int argc, char **argv)
{
    worker_t *workers;
    pthread_t *threads;
    double start, took;
    int i;

    (void)signal(SIGPIPE, SIG_IGN);
    options(argc, argv);
    ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    if (SSL_CTX_load_verify_locations(ctx, opt.ca, NULL) != 1 || SSL_CTX_use_certificate_chain_file(ctx, opt.cert) != 1 ||
        SSL_CTX_use_PrivateKey_file(ctx, opt.cert, SSL_FILETYPE_PEM) != 1)
        die("CA or certificate cannot be read");
    workers = calloc((size_t)opt.connections, sizeof *workers);
    threads = calloc((size_t)opt.connections, sizeof *threads);
    for (i = 0; i < opt.connections; ++i) {
        workers[i].fd = -1;
        if (pthread_create(&threads[i], NULL, work, &workers[i])) die("no thread");
    }
    while (standing < opt.connections) usleep(1000);
    usleep((useconds_t)(opt.warm * 1e6));
    phase = PHASE_READY;
    usleep(100000);
    printf("ready\n");
    wait_line();
    left = opt.count;
    began = start = now();
    phase = PHASE_RUN;
    while (standing && (opt.count || now() - start < opt.seconds)) usleep(1000);
    took = now() - start;
    phase = PHASE_END;
    for (i = 0; i < opt.connections; ++i) pthread_join(threads[i], NULL);
    report(workers, took);
    wait_line();
    return 0;
}
