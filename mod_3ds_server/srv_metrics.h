/* The counters of mod_3ds_server by name. */
#ifndef SRV_METRICS_H
#define SRV_METRICS_H

#include "tds_metric.h"

enum {
#define C(id, name, labels, help) SRV_M_##id,
#include "srv_metrics.def"
#undef C
    SRV_M_COUNT
};

extern const tds_metric_row_t srv_metric_rows[SRV_M_COUNT];

#endif
