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
#include <spawn.h>
#include <string.h>
#include <unistd.h>
#include <time.h>
#include <dirent.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <linux/filter.h>
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

/// Forbids gaining rights by execve for good, for this thread and those it makes. 0, or -1 and `errno`.
static inline int sly_forbid_new_privileges(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L); }
/// Installs a filter of system calls (seccomp(2)) in every thread of the process (TSYNC), or in the calling thread alone. 0;
/// the id of a thread that could not follow; or -1 and `errno`.
static inline int sly_filter_calls(const struct sock_filter *steps, unsigned short count, int allThreads) {
  const struct sock_fprog program = {count, (struct sock_filter *)steps};
  const unsigned filterMode = 1;
  return (int)syscall(SYS_seccomp, filterMode, allThreads ? 1U : 0U, &program);
}
/// A system call by its number, for trials of what is refused: the result, or minus the error number.
static inline long sly_try_call(long number, long a, long b, long c, long d) {
  const long result = syscall(number, a, b, c, d, 0L, 0L);
  return result < 0 ? -(long)errno : result;
}

// Landlock (landlock(7)). Numbers instead of <linux/landlock.h>: the kernel that runs may be newer than the headers.

/// The version of the kernel's Landlock; -1 and `errno` without one.
static inline int sly_landlock_version(void) { return (int)syscall(444, (void *)0, 0UL, 1U); }
/// A new ruleset that denies the given kinds of access but for what rules admit; -1 and `errno`. `size`: bytes of the three
/// numbers that this kernel's version knows (8, 16 or 24).
static inline int sly_landlock_create(uint64_t files, uint64_t ports, uint64_t scopes, unsigned long size) {
  const uint64_t attributes[3] = {files, ports, scopes};
  return (int)syscall(444, attributes, size, 0U);
}
/// Admits access to what lies beneath an open file or folder. 0, or -1 and `errno`.
static inline int sly_landlock_admit_path(int ruleset, int descriptor, uint64_t access) {
  const struct __attribute__((packed)) { uint64_t access; int32_t parent; } rule = {access, descriptor};
  return (int)syscall(445, ruleset, 1, &rule, 0U);
}
/// Admits access to a TCP port. 0, or -1 and `errno`.
static inline int sly_landlock_admit_port(int ruleset, uint64_t port, uint64_t access) {
  const struct { uint64_t access; uint64_t port; } rule = {access, port};
  return (int)syscall(445, ruleset, 2, &rule, 0U);
}
/// Binds the calling thread, and those it makes, to a ruleset for good. 0, or -1 and `errno`.
static inline int sly_landlock_apply(int ruleset) { return (int)syscall(446, ruleset, 0U); }
// Declared by the headers for GNU sources only.
extern int pipe2(int ends[2], int flags);
extern int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *actions, const char *folder);

/// Two ends of a pipe that programs we start do not inherit.
static inline int sly_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }
/// Has a program that is started begin in a folder.
static inline int sly_spawn_in_folder(posix_spawn_file_actions_t *actions, const char *folder) {
  return posix_spawn_file_actions_addchdir_np(actions, folder);
}

/// Opens a file or folder as a place only, without reading it; -1 and `errno`.
static inline int sly_open_place(const char *path) { return open(path, 010000000 /* O_PATH */ | O_CLOEXEC); }
