#include "tds_ap_request.h"

#include <apr_network_io.h>
#include <apr_optional.h>
#include <apr_strings.h>
#include <http_config.h>
#include <http_connection.h>
#include <http_protocol.h>
#include <http_request.h>
#include <mod_ssl.h>

static conn_rec *conn_make(apr_pool_t *p, server_rec *s)
{
    static apr_sockaddr_t nowhere;
    conn_rec *c = apr_pcalloc(p, sizeof *c);

    c->pool = p;
    c->base_server = s;
    c->bucket_alloc = apr_bucket_alloc_create(p);
    c->conn_config = ap_create_conn_config(p);
    c->notes = apr_table_make(p, 1);
    c->client_addr = c->local_addr = &nowhere;
    c->client_ip = c->local_ip = (char *)"internal";
    c->keepalive = AP_CONN_CLOSE;
    return c;
}

/* The socket leads nowhere: core and other modules set options of it, and who writes to it gets an error. */
static conn_rec *conn_open(apr_pool_t *p, server_rec *s)
{
    APR_OPTIONAL_FN_TYPE(ssl_engine_disable) *no_tls = APR_RETRIEVE_OPTIONAL_FN(ssl_engine_disable);
    conn_rec *c = conn_make(p, s);
    apr_socket_t *socket;
    int rv;

    if (apr_socket_create(&socket, APR_INET, SOCK_STREAM, APR_PROTO_TCP, p) != APR_SUCCESS) return NULL;
    if (no_tls) (void)no_tls(c);
    rv = ap_run_pre_connection(c, socket);
    return rv == OK || rv == DONE ? c : NULL;
}

request_rec *tds_ap_request_make(apr_pool_t *p, server_rec *s, const char *method, const char *url)
{
    conn_rec *c = conn_open(p, s);
    request_rec *r = c ? ap_create_request(c) : NULL;

    if (!r) return NULL;
    r->request_time = apr_time_now();
    r->method = method;
    r->method_number = ap_method_number_of(method);
    r->protocol = (char *)"HTTP/1.1";
    r->proto_num = HTTP_VERSION(1, 1);
    r->uri = r->unparsed_uri = apr_pstrdup(r->pool, url);
    (void)apr_uri_parse(r->pool, url, &r->parsed_uri);
    r->the_request = apr_pstrcat(r->pool, method, " ", url, " HTTP/1.1", NULL);
    return r;
}
