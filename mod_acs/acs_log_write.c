/* Lines into the file or pipe of the transaction log, by many processes. */
#include "acs_log.h"

#include <errno.h>
#include <sys/uio.h>
#include <unistd.h>

/* A full disk takes a part of a line. Whoever writes next, in whatever process, begins on a line of its own: an empty line may
 * come of it when two do at a time, a line that holds two never. */
int acs_log_write(int fd, acs_log_state_t *state, const char *line, apr_size_t len)
{
    int torn = (int)__atomic_load_n(&state->torn, __ATOMIC_ACQUIRE);
    struct iovec parts[] = {{(void *)"\n", 1}, {(void *)line, len}};
    ssize_t n, want = (ssize_t)len + (torn ? 1 : 0);

    do n = torn ? writev(fd, parts, 2) : write(fd, line, len);
    while (n < 0 && errno == EINTR);
    if (n == want) {
        if (torn) __atomic_store_n(&state->torn, 0, __ATOMIC_RELEASE);
        if (__atomic_load_n(&state->failing, __ATOMIC_RELAXED)) __atomic_store_n(&state->failing, 0, __ATOMIC_RELAXED);
        return 0;
    }
    if (n > 0) __atomic_store_n(&state->torn, 1, __ATOMIC_RELEASE);
    __atomic_store_n(&state->failing, 1, __ATOMIC_RELAXED);
    return n < 0 ? errno : ENOSPC;
}

/* What a crash or a full disk has left. A file that is empty, or cannot be read, has no torn line. */
int acs_log_torn(int fd)
{
    off_t end = lseek(fd, 0, SEEK_END);
    char last;

    return end > 0 && pread(fd, &last, 1, end - 1) == 1 && last != '\n';
}
