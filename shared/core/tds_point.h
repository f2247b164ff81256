/* Named test points: places where a test may kill or delay the process. Compiled in only with
 * --enable-test-points; in a normal build tds_point() is nothing and the names are not in the file. */
#ifndef TDS_POINT_H
#define TDS_POINT_H

#ifdef TDS_TEST_POINTS
/* Reads the file named by the environment variable TDS_POINT_FILE at each call. Lines:
 * "NAME kill" (SIGKILL to this process), "NAME sleep MILLISECONDS", "NAME log" (a line NAME into FILE.log). Behind kill and sleep
 * may stand "once" or "nth N": the line is then taken once, at the first or Nth time that any process comes by (which is
 * counted by files FILE.NAME.taken and FILE.NAME.N.taken). The name * is any. */
void tds_point(const char *name);
#else
#define tds_point(name) ((void)0)
#endif

#endif
