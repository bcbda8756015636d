#pragma once
// No _GNU_SOURCE here: Swift's Glibc module is built without it, and a file that imports both modules must see one
// definition of each type.
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
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
#include <sys/syscall.h>
#include <linux/openat2.h>
#include <linux/stat.h>

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

/// Opens a name beneath a folder's descriptor; links may not lead out of the folder (openat2, Linux 5.6). -1 and `errno`.
static inline int sly_open_beneath(int folder, const char *name, int flags) {
  struct open_how how = {.flags = (unsigned)flags, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
  return (int)syscall(SYS_openat2, folder, name, &how, sizeof how);
}
/// Whether an open file is the root of a mount, as a `subPath` volume's is (statx, Linux 5.8). 0 when the kernel cannot say.
static inline int sly_is_mount_root(int descriptor) {
  struct statx status = {0};
  const int emptyPath = 0x1000;
  if (syscall(SYS_statx, descriptor, "", emptyPath, 0, &status) != 0) return 0;
  return (status.stx_attributes & status.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) != 0;
}
/// Whether this process may be dumped and inspected; see `sly_forbid_dumps`.
static inline int sly_is_dumpable(void) { return prctl(PR_GET_DUMPABLE, 0L, 0L, 0L, 0L); }
