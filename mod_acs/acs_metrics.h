/* The counters of mod_acs by name. */
#ifndef ACS_METRICS_H
#define ACS_METRICS_H

#include "tds_metric.h"

enum {
#define C(id, name, labels, help) ACS_M_##id,
#include "acs_metrics.def"
#undef C
    ACS_M_COUNT
};

extern const tds_metric_row_t acs_metric_rows[ACS_M_COUNT];

#endif
