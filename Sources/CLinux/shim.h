#pragma once
// No _GNU_SOURCE here: Swift's Glibc module is built without it, and a file that imports both modules must see one
// definition of each type.
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/random.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <time.h>
#include <dirent.h>

/// The environment block of this process; shared memory that nothing guards.
static inline char **sly_environ(void) {
  extern char **environ;
  return environ;
}

/// The calling thread's error number: the macro does not reach Swift.
static inline int sly_errno(void) { return errno; }
/// The system's text for an error number, into a buffer of the caller's; always ends in NUL.
static inline void sly_error_text(int number, char *buffer, unsigned long size) {
  if (strerror_r(number, buffer, size) != 0 && size > 0) { buffer[0] = 0; }
}
/// Names the calling thread (at most 15 bytes).
static inline void sly_name_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

/// Forbids core dumps of this process and its inspection by other processes of the same user.
static inline void sly_forbid_dumps(void) { prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L); }
/// Whether this process may be dumped and inspected; see `sly_forbid_dumps`.
static inline int sly_is_dumpable(void) { return prctl(PR_GET_DUMPABLE, 0L, 0L, 0L, 0L); }
