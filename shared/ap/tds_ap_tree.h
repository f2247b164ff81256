/* The configuration as it was written: what other modules' directives say where something of ours stands. In check_config
 * and in directives only: the tree goes with the reading of the configuration. <IfModule>, <IfDefine> and macros are expanded
 * in it; <If> sections count as if they were not there. */
#ifndef TDS_AP_TREE_H
#define TDS_AP_TREE_H

#include <httpd.h>
#include <http_config.h>

/* The directive of that name that counts last for a URL we call: in a <Proxy> that covers it, else at server level. NULL: none. */
const ap_directive_t *tds_ap_tree_out(const char *name, const char *url, apr_pool_t *pool);

/* The <Proxy> block that covers url and stands last. NULL: none. */
const ap_directive_t *tds_ap_tree_block(const char *url, apr_pool_t *pool);

/* The directive of that name that counts last for requests to path at the server s: in a <Location>, else in the virtual
 * host, else in the main server. NULL: none. */
const ap_directive_t *tds_ap_tree_in(const char *name, server_rec *s, const char *path, apr_pool_t *pool);

/* Call fn for each directive in a <Location> that path at s matches, in the order in which httpd merges them. */
typedef void tds_ap_tree_fn(void *baton, const ap_directive_t *d);
void tds_ap_tree_each(server_rec *s, const char *path, tds_ap_tree_fn *fn, void *baton, apr_pool_t *pool);

/* Does it stand within a section of that name ("<Location")? */
int tds_ap_tree_within(const ap_directive_t *d, const char *section);

/* Its n-th word (0: the first), without quotes and the ">" of a section; "" when there are fewer. */
const char *tds_ap_tree_word(const ap_directive_t *d, int n, apr_pool_t *pool);

/* "line 7 of FILE" */
const char *tds_ap_tree_where(const ap_directive_t *d, apr_pool_t *pool);

#endif
