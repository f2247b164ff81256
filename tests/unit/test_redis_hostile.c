/* A Redis that is broken, hostile, full or somebody else's: a thread of this test listens on a socket and answers whatever it is
 * asked with the bytes of the case. What is right: an error with a reason, in time; never a crash, never what was not asked for. */
#include "unit.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "store_behaviour.h"
#include "tds_store_redis.h"

#define LIMIT apr_time_from_msec(150)

/* ---- the other side --------------------------------------------------------- */

static struct {
    pthread_mutex_t lock;
    char path[64];
    const char *bytes;  /* sent for each read */
    apr_size_t len;
    int times;          /* so often for each read */
    int close;          /* and then hangs up */
    int pace_ms;        /* between two bytes; 0: all at once */
    int delay_ms;       /* before the answer */
    int open, peak, accepted;
    char heard[4096];   /* what has come in */
    apr_size_t nheard;
} fake = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int send_bytes(int fd, const char *bytes, apr_size_t len, int pace_ms)
{
    apr_size_t i, step = pace_ms ? 1 : len;

    for (i = 0; i < len; i += step) {
        if (send(fd, bytes + i, step, MSG_NOSIGNAL) < 0) return 0;
        if (pace_ms) (void)usleep((unsigned)pace_ms * 1000);
    }
    return 1;
}

static void hear(const char *bytes, apr_size_t n)
{
    if (n > sizeof fake.heard - fake.nheard - 1) n = sizeof fake.heard - fake.nheard - 1;
    memcpy(fake.heard + fake.nheard, bytes, n);
    fake.nheard += n;
    fake.heard[fake.nheard] = '\0';
}

static void *serve_one(void *data)
{
    int fd = (int)(intptr_t)data, i, good = 1;
    char in[65536];
    ssize_t n;

    while (good && (n = recv(fd, in, sizeof in, 0)) > 0) {
        const char *bytes;
        apr_size_t len;
        int times, pace, delay, hang_up;

        pthread_mutex_lock(&fake.lock);
        hear(in, (apr_size_t)n);
        bytes = fake.bytes;
        len = fake.len;
        times = fake.times;
        pace = fake.pace_ms;
        delay = fake.delay_ms;
        hang_up = fake.close;
        pthread_mutex_unlock(&fake.lock);
        if (delay) (void)usleep((unsigned)delay * 1000);
        for (i = 0; good && i < times; ++i) good = send_bytes(fd, bytes, len, pace);
        if (hang_up) good = 0;
    }
    (void)shutdown(fd, SHUT_RDWR);
    (void)close(fd);
    pthread_mutex_lock(&fake.lock);
    --fake.open;
    pthread_mutex_unlock(&fake.lock);
    return NULL;
}

static void *serve(void *data)
{
    int fd, listener = (int)(intptr_t)data;
    pthread_t t;

    while ((fd = accept(listener, NULL, NULL)) >= 0) {
        pthread_mutex_lock(&fake.lock);
        ++fake.accepted;
        if (++fake.open > fake.peak) fake.peak = fake.open;
        pthread_mutex_unlock(&fake.lock);
        if (pthread_create(&t, NULL, serve_one, (void *)(intptr_t)fd) == 0) (void)pthread_detach(t);
    }
    return NULL;
}

static int begin(void **state)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    pthread_t t;

    (void)signal(SIGPIPE, SIG_IGN); /* as httpd does */
    (void)snprintf(fake.path, sizeof fake.path, "/tmp/tds-fake-%ld.sock", (long)getpid());
    (void)unlink(fake.path);
    memcpy(at.sun_path, fake.path, strlen(fake.path) + 1);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 64)) return -1;
    if (pthread_create(&t, NULL, serve, (void *)(intptr_t)fd)) return -1;
    return pthread_detach(t);
}

static int finish(void **state)
{
    return unlink(fake.path);
}

static void answers(const char *bytes, apr_size_t len, int times)
{
    pthread_mutex_lock(&fake.lock);
    fake.bytes = bytes;
    fake.len = len;
    fake.times = times;
    fake.close = fake.pace_ms = fake.delay_ms = 0;
    fake.peak = fake.accepted = 0;
    fake.nheard = 0;
    pthread_mutex_unlock(&fake.lock);
}

#define ANSWERS(text, times) answers((text), sizeof(text) - 1, (times))

/* ---- this side --------------------------------------------------------------- */

static tds_redis_t *redis;
static tds_keys_t *keys;

static apr_time_t now_is(void)
{
    return apr_time_now();
}

static unsigned char *raw_get(const char *id, apr_size_t *len)
{
    return NULL;
}

static void raw_put(const char *id, const unsigned char *bytes, apr_size_t len)
{
}

static void connect_with(tds_redis_conf_t conf)
{
    conf.url = apr_pstrcat(pool, "unix:", fake.path, NULL);
    if (!conf.timeout) conf.timeout = LIMIT;
    assert_ok(tds_redis_make(&redis, &conf, pool, &err));
    keys = tds_keys_make(pool);
    assert_ok(tds_keys_add(keys, KEY_A, &err));
    store = tds_store_make(&tds_store_redis_ops, redis, "acs", keys, now_is, pool);
    tds_store_redis_init();
}

static tds_store_t *store_with(const char *key)
{
    tds_keys_t *other = tds_keys_make(pool);

    assert_ok(tds_keys_add(other, key, &err));
    return tds_store_make(&tds_store_redis_ops, redis, "acs", other, now_is, pool);
}

/* ---- replies that are none, or not to this question --------------------------- */

#define T(text) {text, sizeof(text) - 1}
static const struct {
    const char *bytes;
    apr_size_t len;
} garbage[] = {
    T("*2147483647\r\n"), T("*1000000000\r\n"), T("*4294967297\r\n"), T("*-5\r\n"), T("*99999999999999999999\r\n"), T("*x\r\n"),
    T("$2147483647\r\n"), T("$9223372036854775807\r\n"), T("$-7\r\n"), T("$x\r\n"), T("$5\r\nab"), T("$2\r\nabXX"),
    T("+OK"), T(":\r\n"), T(":x\r\n"), T(":99999999999999999999999\r\n"), T("?what\r\n"), T("\r\n"), T("\0\0\0\0\0\0\0\0"),
    T("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"), T("_\r\n"), T("#t\r\n"), T(",1.5\r\n"), T("(12345\r\n"),
    T("%1\r\n+a\r\n+b\r\n"), T("~1\r\n+a\r\n"), T(">2\r\n+message\r\n+x\r\n"), T("=7\r\ntxt:abc\r\n"), T("|1\r\n+a\r\n+b\r\n+c\r\n"),
    T("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n+deep\r\n"),
    T("*3\r\n*9999999\r\n+a\r\n"), T("*2\r\n+half\r\n"),
    /* whole replies, of types that were not asked for */
    T("*2\r\n*0\r\n*0\r\n"), T("*2\r\n$-1\r\n$-1\r\n"), T("*2\r\n:1\r\n:2\r\n"), T("*1\r\n*2\r\n+a\r\n*-1\r\n"), T("*3\r\n+a\r\n:1\r\n+b\r\n"),
    T("*2\r\n-ERR a\r\n-ERR b\r\n"), T("*0\r\n"), T("*-1\r\n"), T("$-1\r\n"), T("$0\r\n\r\n"), T("+\r\n"), T("-\r\n"), T(":7\r\n"),
    T("+QUEUED\r\n"), T("-ERR \r\n"), T("-\xff\xfe\x01 \x1b[31m\r\n"), T("$3\r\nOK\0\r\n"), T("$28\r\nTDS1zzzzzzzzabcdefghijklmnop\r\n"),
    T("$4\r\nTDS1\r\n"), T("$28\r\nTDS100000001abcdefghijklmnop\r\n"),
};

static void try_all(void)
{
    static const char id[] = "ab000000-0000-4000-8000-000000000001";
    tds_claim_t what = {TDS_LANE_STEPS, 0, TDS_STORE_SHARDS, 32, HOUR};
    tds_store_read_t reads[] = {{.kind = TDS_READ_HASH, .name = "acs:card:1"},
                                {.kind = TDS_READ_COUNT, .name = id},
                                {.kind = TDS_READ_SIDE, .type = 'm', .name = id}};
    tds_side_t side = {.type = 'm', .name = id, .value = "x", .len = 1, .ttl = HOUR};
    apr_array_header_t *ids = NULL;
    tds_store_health_t health;
    const char *text;
    unsigned version;
    int i;

    assert_int_not_equal(load(id, 0, &text, &version), APR_SUCCESS);
    (void)create(id, "x", now_is());
    (void)save(id, "x", 1, now_is());
    (void)tds_store_put(store, &side, pool, &err);
    side.unless = id;
    (void)tds_store_put(store, &side, pool, &err);
    (void)tds_store_arm(store, TDS_LANE_STEPS, id, now_is(), pool, &err);
    if (tds_store_claim(store, &what, &ids, pool, &err) == APR_SUCCESS) {
        assert_true(ids->nelts <= what.max);
        for (i = 0; i < ids->nelts; ++i) assert_non_null(APR_ARRAY_IDX(ids, i, const char *));
    }
    if (tds_store_batch(store, reads, 3, pool, &err) == APR_SUCCESS) assert_int_not_equal(reads[2].rv, APR_SUCCESS);
    (void)tds_store_health(store, &health, pool, &err);
}

static void what_is_no_answer(void **state)
{
    int i, times;

    for (i = 0; i < COUNT(garbage); ++i) {
        for (times = 1; times <= 40; times += 39) { /* the second time there is one for each command of a pipeline */
            answers(garbage[i].bytes, garbage[i].len, times);
            fake.close = 1;
            connect_with((tds_redis_conf_t){.timeout = apr_time_from_msec(20)});
            try_all();
            apr_pool_clear(pool);
            tds_err_init(&err, pool);
        }
    }
}

/* A good answer, cut at every place. */
static void cut_anywhere(void **state)
{
    static const char good[] = "*2\r\n$3\r\nabc\r\n$1\r\n7\r\n", id[] = "ab000000-0000-4000-8000-000000000001";
    tds_store_read_t read = {.kind = TDS_READ_HASH, .name = "acs:card:1"};
    apr_size_t n;

    for (n = 0; n <= sizeof good - 1; ++n) {
        answers(good, n, 1);
        fake.close = 1;
        connect_with((tds_redis_conf_t){0});
        if (n < sizeof good - 1) {
            assert_int_not_equal(tds_store_batch(store, &read, 1, pool, &err), APR_SUCCESS);
            assert_int_equal(err.proto, 403);
            assert_non_null(err.detail);
        }
        else {
            assert_ok(tds_store_batch(store, &read, 1, pool, &err));
            assert_string_equal(apr_table_get(read.fields, "abc"), "7");
        }
        tds_err_clear(&err);
        assert_int_not_equal(create(id, "x", 0), APR_EEXIST); /* nobody has said that it is there */
        tds_err_clear(&err);
    }
}

/* X-TIME-31: what the node itself has against it is transient: 403, with its reason. */
static void refusals(void **state)
{
    static const char *const words[] = {"LOADING Redis is loading the dataset in memory", "BUSY Redis is busy running a script.",
                                        "OOM command not allowed when used memory > 'maxmemory'.",
                                        "NOREPLICAS Not enough good replicas to write.",
                                        "READONLY You can't write against a read only replica.", "MISCONF Redis is configured to save",
                                        "MASTERDOWN Link with MASTER is down", "ERR max number of clients reached",
                                        "NOPERM this user has no permissions to run the 'set' command", "NOAUTH Authentication required.",
                                        "CLUSTERDOWN Hash slot not served", "ERR unknown command 'SET'"};
    int i, again;

    for (i = 0; i < COUNT(words); ++i) {
        const char *bytes = apr_psprintf(pool, "-%s\r\n", words[i]);

        answers(bytes, strlen(bytes), 1);
        fake.close = !strncmp(words[i], "ERR max", 7);
        connect_with((tds_redis_conf_t){0});
        for (again = 0; again < 2; ++again) {
            assert_int_equal(create(new_id(), "x", 0), APR_EGENERAL);
            assert_int_equal(err.proto, 403);
            assert_non_null(strstr(err.detail, apr_pstrmemdup(pool, words[i], strcspn(words[i], " "))));
            tds_err_clear(&err);
        }
    }
}

/* Who sends a byte now and then holds nobody longer than who sends none. */
static void trickle(void **state)
{
    static const char slow[] = "$60\r\n000000000000000000000000000000000000000000000000000000000000\r\n";
    apr_time_t start = now_is();
    const char *text;
    unsigned version;

    answers(slow, sizeof slow - 1, 1);
    fake.pace_ms = 40;
    connect_with((tds_redis_conf_t){0});
    assert_int_equal(load(new_id(), 0, &text, &version), APR_TIMEUP);
    assert_true(now_is() - start < apr_time_from_msec(1200));
}

/* One reply too many would be taken for the answer to the next command. */
static void more_than_asked_for(void **state)
{
    tds_redis_cmd_t cmd = {0};
    tds_redis_reply_t *reply;

    tds_redis_arg(&cmd, "PING");
    ANSWERS("+PONG\r\n+another\r\n", 1);
    connect_with((tds_redis_conf_t){0});
    assert_int_equal(tds_redis_run(redis, &cmd, 1, &reply, NULL, pool, &err), APR_EGENERAL);
}

#ifndef BEFORE
/* ---- what is told, and what never is -------------------------------------------- */

static int gone, back;
static const char *why, *where;

static void note(void *baton, const char *address, const char *cause)
{
    if (cause) ++gone;
    else ++back;
    if (cause) why = apr_pstrdup(pool, cause);
    where = apr_pstrdup(pool, address);
}

static void told_once(void **state)
{
    static const char *const words[] = {"OOM command not allowed when used memory > 'maxmemory'.", "LOADING Redis is loading"};
    int i, n;

    for (i = 0; i < COUNT(words); ++i) {
        const char *bytes = apr_psprintf(pool, "-%s\r\n", words[i]);

        gone = back = 0;
        answers(bytes, strlen(bytes), 1);
        connect_with((tds_redis_conf_t){.changed = note});
        for (n = 0; n < 5; ++n) (void)create(new_id(), "x", 0);
        assert_int_equal(gone, 1);
        assert_int_equal(back, 0);
        assert_non_null(strstr(why, apr_pstrmemdup(pool, words[i], strcspn(words[i], " "))));
        assert_non_null(strstr(where, fake.path));
        ANSWERS("+OK\r\n", 1);
        for (n = 0; n < 200 && create(new_id(), "x", 0) != APR_SUCCESS; ++n) (void)usleep(10000); /* until the breaker tries */
        assert_ok(create(new_id(), "x", 0));
        assert_int_equal(gone, 1);
        assert_int_equal(back, 1);
    }
}

/* Reads go on while Redis is full: they do not say that it is back. */
static void reads_do_not_bring_it_back(void **state)
{
    const char *text;
    unsigned version;

    gone = back = 0;
    ANSWERS("-OOM command not allowed\r\n", 1);
    connect_with((tds_redis_conf_t){.changed = note});
    (void)create(new_id(), "x", 0);
    ANSWERS("$-1\r\n", 1);
    assert_int_equal(load(new_id(), 0, &text, &version), APR_ENOENT);
    assert_int_equal(gone, 1);
    assert_int_equal(back, 0);
}

static void password_in_no_text(void **state)
{
    static const char *const replies[] = {"-WRONGPASS invalid username-password pair\r\n",
                                          "-ERR unknown command 'AUTH', with args beginning with: 'joe' 's3cretpw'\r\n",
                                          "-s3cretpw\r\n", "-S3CRETPW joe:s3cretpw\r\n", "+s3cretpw\r\n", "*1\r\n+s3cretpw\r\n"};
    int i;

    for (i = 0; i < COUNT(replies); ++i) {
        gone = 0;
        why = "";
        answers(replies[i], strlen(replies[i]), 1);
        connect_with((tds_redis_conf_t){.auth = {"joe", "s3cretpw"}, .changed = note});
        while (!gone) {
            assert_int_equal(create(new_id(), "x", 0), APR_EGENERAL);
            assert_int_equal(err.proto, 403);
            assert_null(strstr(err.detail, "s3cret"));
            tds_err_clear(&err);
        }
        assert_null(strstr(why, "s3cret"));
        assert_non_null(strstr(fake.heard, "*3\r\n$4\r\nAUTH\r\n$3\r\njoe\r\n$8\r\ns3cretpw\r\n"));
        assert_null(strstr(fake.heard, "SET")); /* nothing is asked of a Redis that has not let us in */
    }
}

/* ---- how many connections ---------------------------------------------------------- */

static int done;

static void *one_write(void *data)
{
    tds_redis_cmd_t cmd = {0};
    tds_redis_reply_t *reply;
    apr_pool_t *p;

    if (apr_pool_create(&p, NULL) != APR_SUCCESS) return NULL;
    tds_redis_arg(&cmd, "PING");
    if (tds_redis_run(redis, &cmd, 1, &reply, NULL, p, NULL) == APR_SUCCESS) __atomic_add_fetch(&done, 1, __ATOMIC_RELAXED);
    apr_pool_destroy(p);
    return NULL;
}

static void never_more_connections(void **state)
{
    pthread_t t[8];
    int i;

    ANSWERS("+PONG\r\n", 1);
    fake.delay_ms = 20;
    connect_with((tds_redis_conf_t){.max = 2, .timeout = apr_time_from_sec(5)});
    done = 0;
    for (i = 0; i < COUNT(t); ++i) assert_int_equal(pthread_create(&t[i], NULL, one_write, NULL), 0);
    for (i = 0; i < COUNT(t); ++i) (void)pthread_join(t[i], NULL);
    assert_int_equal(done, COUNT(t)); /* who found none free has waited */
    assert_int_equal(fake.accepted, 2);
}

static void none_free_in_time(void **state)
{
    tds_redis_cmd_t cmd = {0};
    tds_redis_reply_t *reply;
    pthread_t t;
    int n;

    tds_redis_arg(&cmd, "PING");
    ANSWERS("+PONG\r\n", 1);
    fake.delay_ms = 700;
    connect_with((tds_redis_conf_t){.max = 1, .timeout = apr_time_from_msec(300)});
    assert_int_equal(pthread_create(&t, NULL, one_write, NULL), 0);
    for (n = 0; !fake.accepted && n < 1000; ++n) (void)usleep(1000);
    /* The other one gives up after 300 ms; who came behind it has a little less than that left then, or gets the place. */
    if (tds_redis_run(redis, &cmd, 1, &reply, NULL, pool, &err) == APR_EBUSY) assert_int_equal(err.proto, 403);
    else assert_int_equal(err.rv, APR_TIMEUP);
    (void)pthread_join(t, NULL);
}

/* ---- time ------------------------------------------------------------------------------ */

static apr_time_t mono = APR_TIME_C(5000000);

static apr_time_t mono_is(void)
{
    return mono;
}

/* The breaker knows no wall clock: only what the monotonic one says opens and closes it. */
static void breaker_by_monotonic_clock(void **state)
{
    tds_redis_cmd_t cmd = {0};
    tds_redis_reply_t *reply;
    int i;

    tds_redis_arg(&cmd, "PING");
    ANSWERS("-LOADING x\r\n", 1);
    connect_with((tds_redis_conf_t){.mono = mono_is});
    for (i = 0; i < 3; ++i) (void)tds_redis_run(redis, &cmd, 1, &reply, NULL, pool, NULL);
    ANSWERS("+PONG\r\n", 1);
    assert_int_equal(tds_redis_run(redis, &cmd, 1, &reply, NULL, pool, NULL), APR_ECONNREFUSED);
    mono += apr_time_from_msec(499);
    assert_int_equal(tds_redis_run(redis, &cmd, 1, &reply, NULL, pool, NULL), APR_ECONNREFUSED);
    mono += apr_time_from_msec(2);
    assert_ok(tds_redis_run(redis, &cmd, 1, &reply, NULL, pool, &err));
}

/* ---- addresses ------------------------------------------------------------------------- */

static void addresses(void **state)
{
    static const char *const good[] = {"redis://[::1]:6379/0", "redis://[::1]", "redis://[2001:db8::7]:7000/3", "redis://[fe80::1%eth0]:1",
                                       "redis://[::ffff:192.0.2.1]/1", "redis://127.0.0.1", "redis://127.0.0.1:6379",
                                       "redis://127.0.0.1:6379/", "redis://h/5", "unix:/run/redis.sock", "unix:/run/redis.sock?db=3"};
    static const char *const bad[] = {"redis://[::1", "redis://::1", "redis://::1:6379", "redis://[]:1", "redis://[::1]x:1", "redis://[::1]:",
                                      "redis://[::1]:0", "redis://[h]:1", "redis://[1.2.3.4]:1", "redis://h :1", "redis://h:+1",
                                      "redis://h:1/ 2", "redis://h?x", "", "redis:", "redis://", "redis://:6379", "redis://h:0",
                                      "redis://h:65536", "redis://h:x", "redis://u:p@h:1", "redis://h:1/x", "redis://h:1/-1", "unix:",
                                      "unix:relative", "unix:/x?db=y", "unix:/x?db=1x", "rediss://h:1", "http://h"};
    int i;

    for (i = 0; i < COUNT(good); ++i)
        if (tds_redis_url_fault(good[i], pool)) fail_msg("refused: %s", good[i]);
    for (i = 0; i < COUNT(bad); ++i)
        if (!tds_redis_url_fault(bad[i], pool)) fail_msg("accepted: %s", bad[i]);
}

static void user_in_url(void **state)
{
    static const char *const urls[] = {"redis://joe:s3cret@h:1", "redis://:s3cret@h", "redis://joe@[::1]:1/0", "redis://joe:s3/cret@h"};
    const char *fault;
    int i;

    for (i = 0; i < COUNT(urls); ++i) {
        fault = tds_redis_url_fault(urls[i], pool);
        assert_non_null(fault);
        assert_non_null(strstr(fault, "password"));
        assert_null(strstr(fault, "s3"));
        assert_null(strstr(fault, "joe"));
    }
}

static void auth_forms(void **state)
{
    static const struct {
        const char *text, *user, *password;
    } cases[] = {{"pw", NULL, "pw"}, {"joe:pw", "joe", "pw"}, {"joe:p:w:", "joe", "p:w:"}, {"", NULL, NULL}, {":pw", NULL, NULL},
                 {"joe:", NULL, NULL}, {"two\nlines", NULL, NULL}};
    tds_redis_auth_t auth;
    int i;

    for (i = 0; i < COUNT(cases); ++i) {
        assert_int_equal(setenv("TDS_TEST_AUTH", cases[i].text, 1), 0);
        if (!cases[i].password) {
            assert_int_not_equal(tds_redis_auth_read(&auth, "env:TDS_TEST_AUTH", pool, &err), APR_SUCCESS);
            tds_err_clear(&err);
            continue;
        }
        assert_ok(tds_redis_auth_read(&auth, "env:TDS_TEST_AUTH", pool, &err));
        assert_string_equal(auth.password, cases[i].password);
        if (cases[i].user) assert_string_equal(auth.user, cases[i].user);
        else assert_null(auth.user);
    }
    assert_int_not_equal(tds_redis_auth_read(&auth, "s3cret", pool, &err), APR_SUCCESS);
    assert_null(strstr(err.detail, "s3cret"));
}
#endif

static const struct CMUnitTest tests[] = {UNIT(what_is_no_answer),
                                          UNIT(cut_anywhere),
                                          UNIT(refusals),
                                          UNIT(trickle),
                                          UNIT(more_than_asked_for),
#ifndef BEFORE
                                          UNIT(told_once),
                                          UNIT(reads_do_not_bring_it_back),
                                          UNIT(password_in_no_text),
                                          UNIT(never_more_connections),
                                          UNIT(none_free_in_time),
                                          UNIT(breaker_by_monotonic_clock),
                                          UNIT(addresses),
                                          UNIT(user_in_url),
                                          UNIT(auth_forms)
#endif
};

int main(void)
{
    int failed;

    if (apr_initialize() != APR_SUCCESS) return 1;
    failed = cmocka_run_group_tests(tests, begin, finish);
    apr_terminate();
    return failed;
}
