/* What we use of mod_proxy. No symbol of it is linked: it is found among the loaded modules, so that LoadModule lines may
 * stand in any order. */
#ifndef TDS_AP_PROXY_H
#define TDS_AP_PROXY_H

#include <httpd.h>
#include <mod_proxy.h>

/* Look for mod_proxy, once per configuration: in check_config, first of all. */
void tds_ap_proxy_find(void);

/* Which module that calls need is not loaded? NULL: none. */
const char *tds_ap_proxy_lacks(apr_pool_t *pool);

/* The worker of the <Proxy> block that covers url, in the configuration of s. NULL: there is none. */
proxy_worker *tds_ap_proxy_worker(const char *url, server_rec *s, apr_pool_t *pool);

/* Run r (proxyreq, handler and filename set) by mod_proxy alone: its sections are merged, then its handler is called. Other
 * modules' rules are for the requests of clients; and of mod_proxy's own settings those that change what a peer is sent or
 * what its answer says (ProxyPreserveHost, ProxyAddHeaders, ProxyErrorOverride) do not reach the call.
 * Returns what the handler returned; DECLINED: mod_proxy is not there. */
int tds_ap_proxy_run(request_rec *r);

#endif
