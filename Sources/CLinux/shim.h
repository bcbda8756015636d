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
#include <unistd.h>
#include <time.h>
#include <dirent.h>
#include <string.h>

/// The environment block of this process; shared memory that nothing guards.
static inline char **sly_environ(void) {
  extern char **environ;
  return environ;
}
