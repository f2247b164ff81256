/* ACSTransactionLog: a file or a pipe that the parent opens, and children write lines to, each with one write(). */
#include "mod_acs.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <apr_atomic.h>
#include <apr_portable.h>
#include <apr_shm.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_log.h>
#include <mpm_common.h>

#define COMPLAIN_EVERY apr_time_from_sec(60)
#define HOST_MAX       256

/* Of this process. */
static struct {
    int fd, file; /* -1: off; file: it can be read */
    acs_log_state_t *state;
    apr_uint64_t complained; /* atomic: when */
    acs_txnlog_t log;
} out = {.fd = -1};

/* At most once a minute, whoever of the threads it is. */
static void complain(acs_run_t *run, int error)
{
    apr_uint64_t now = (apr_uint64_t)tds_time_mono(), last = apr_atomic_read64(&out.complained);
    char text[128];

    if (last && now - last < (apr_uint64_t)COMPLAIN_EVERY) return;
    if (apr_atomic_cas64(&out.complained, now, last) != last) return;
    tds_log(run->log, TDS_LOG_ERR, "ACS0150", NULL, "transaction log: lines are lost: %s",
            apr_strerror(APR_FROM_OS_ERROR(error), text, sizeof text));
}

/* A pipe nobody empties does not block: the line is lost. */
static void write_line(void *baton, acs_run_t *run, const char *line, apr_size_t len)
{
    int error = acs_log_write(out.fd, out.state, line, len);

    if (!error) return;
    tds_metric_add(run->metrics, ACS_M_TXNLOG_LOST, 1);
    complain(run, error);
}

static int failing(void)
{
    return (int)__atomic_load_n(&out.state->failing, __ATOMIC_RELAXED);
}

const acs_txnlog_t *acs_txnlog(void)
{
    return out.fd < 0 ? NULL : &out.log;
}

int acs_txnlog_file(void)
{
    return out.fd >= 0 && out.file ? out.fd : -1;
}

/* Lines were lost: is it over? A line that says so is the only way to know. */
int acs_txnlog_good(acs_run_t *run)
{
    const char *line;

    if (out.fd < 0 || !failing()) return 1;
    line = apr_psprintf(run->pool, "{\"time\":\"%s\",\"event\":\"resumed\"}\n", acs_log_time(run->clock(), run->pool));
    write_line(NULL, run, line, strlen(line));
    return !failing();
}

/* ---- opening --------------------------------------------------------------- */

static const char *open_pipe(const char *command, apr_pool_t *pconf)
{
    piped_log *pipe = ap_open_piped_log(pconf, command);
    apr_os_file_t fd;

    if (!pipe || apr_os_file_get(&fd, ap_piped_log_write_fd(pipe)) != APR_SUCCESS) return "the command cannot be started";
    if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0) return "the pipe cannot be set up";
    out.fd = fd;
    out.file = 0;
    return NULL;
}

static const char *open_file(const char *path, apr_pool_t *pconf)
{
    apr_file_t *file;
    apr_os_file_t fd;
    apr_status_t rv = apr_file_open(&file, path, APR_FOPEN_READ | APR_FOPEN_WRITE | APR_FOPEN_APPEND | APR_FOPEN_CREATE,
                                    APR_FPROT_UREAD | APR_FPROT_UWRITE | APR_FPROT_GREAD, pconf);
    char text[128];

    if (rv != APR_SUCCESS) return apr_pstrdup(pconf, apr_strerror(rv, text, sizeof text));
    if (apr_os_file_get(&fd, file) != APR_SUCCESS) return "it cannot be used";
    out.fd = fd;
    out.file = 1;
    out.state->torn = (apr_uint32_t)acs_log_torn(fd);
    return NULL;
}

static apr_status_t off(void *baton)
{
    out.fd = -1;
    return APR_SUCCESS;
}

/* The parent opens it, as it does the error log. */
static int open_logs(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    const char *where = acs_server_of(s)->txn_log, *fault;
    char *host = apr_pcalloc(pconf, HOST_MAX);
    apr_shm_t *shm;

    if (!where || ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) return OK;
    if (apr_shm_create(&shm, sizeof *out.state, NULL, pconf) != APR_SUCCESS) return HTTP_INTERNAL_SERVER_ERROR;
    out.state = apr_shm_baseaddr_get(shm);
    *out.state = (acs_log_state_t){0};
    apr_pool_cleanup_register(pconf, NULL, off, apr_pool_cleanup_null);
    fault = *where == '|' ? open_pipe(where + 1, pconf) : open_file(where, pconf);
    if (fault) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, "ACS0151: ACSTransactionLog %s: %s", where, fault);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    if (gethostname(host, HOST_MAX - 1)) apr_cpystrn(host, "?", HOST_MAX);
    out.log = (acs_txnlog_t){.write = write_line, .node = host};
    return OK;
}

const char *acs_set_txn_log(cmd_parms *cmd, void *dconf, const char *arg)
{
    acs_server_t *srv = ap_get_module_config(cmd->server->module_config, &acs_module);
    const char *fault = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    if (fault) return fault;
    if (*arg == '|') srv->txn_log = arg[1] ? arg : NULL;
    else srv->txn_log = ap_server_root_relative(cmd->pool, arg);
    return srv->txn_log && *arg ? NULL : "ACSTransactionLog: must be the path of a file, or \"|command\"";
}

void acs_txnlog_register(void)
{
    ap_hook_open_logs(open_logs, NULL, NULL, APR_HOOK_MIDDLE);
}
