/* Stands between a process and the C library, below Python and SQLite alike: counts the calls that change files in one
   folder, writes them down, and lets one of them fail, or the process die in it. Loaded with LD_PRELOAD; see
   interposer.py. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MOST_FILES 65536
#define NEXT(name) static __typeof__(name) *real; if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

static char folder[4096];
static unsigned char watched[MOST_FILES];
static long seen, at;
static int error, lasting, record = -1, fired;
static long sync_delay, clock_shift;

/* Watch `path` from now on. The `number`-th call fails with `code` (0: none; below 0: the process is killed), and with
   `stays` every later one too. What is called is written to the descriptor `log`, unless it is -1. */
void faults_arm(const char *path, long number, int code, int stays, int log) {
  strncpy(folder, path, sizeof folder - 1);
  memset(watched, 0, sizeof watched);
  seen = 0; fired = 0; at = number; error = code; lasting = stays; record = log;
}
long faults_seen(void) { return seen; }
int faults_fired(void) { return fired; }
/* Every fsync takes so many microseconds longer. */
void faults_slow_sync(long microseconds) { sync_delay = microseconds; }
/* The clock is so many seconds ahead. */
void faults_shift_clock(long seconds) { clock_shift = seconds; }

static int below(const char *path) {
  size_t length = strlen(folder);
  return length && path && strncmp(path, folder, length) == 0;
}
static int is_watched(int file) { return file >= 0 && file < MOST_FILES && watched[file]; }

static int fails(const char *call, const char *path) {
  seen++;
  if (record >= 0) {
    char line[8192];
    int length = snprintf(line, sizeof line, "%s %s\n", call, path);
    syscall(SYS_write, record, line, (size_t)length);
  }
  if (!at || !error || (seen != at && !(lasting && seen > at))) return 0;
  fired = 1;
  if (error < 0) kill(getpid(), SIGKILL);
  errno = error;
  return 1;
}
static int file_fails(const char *call, int file) {
  char link[64], path[4096];
  int kept = errno;
  if (!is_watched(file)) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path - 1);
  path[length > 0 ? length : 0] = 0;
  errno = kept;
  return fails(call, path);
}
static int opened(int file, const char *path) {
  if (file >= 0 && file < MOST_FILES) watched[file] = (unsigned char)below(path);
  return file;
}

#define OPEN(name)                                                    \
  int name(const char *path, int flags, ...) {                        \
    NEXT(name);                                                       \
    va_list rest; va_start(rest, flags);                              \
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(rest, mode_t) : 0; \
    va_end(rest);                                                     \
    if (below(path) && fails("open", path)) return -1;                \
    return opened(real(path, flags, mode), path);                     \
  }
#define OPENAT(name)                                                  \
  int name(int where, const char *path, int flags, ...) {             \
    NEXT(name);                                                       \
    va_list rest; va_start(rest, flags);                              \
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(rest, mode_t) : 0; \
    va_end(rest);                                                     \
    if (below(path) && fails("open", path)) return -1;                \
    return opened(real(where, path, flags, mode), path);              \
  }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

ssize_t write(int file, const void *data, size_t size) {
  NEXT(write);
  return file_fails("write", file) ? -1 : real(file, data, size);
}
ssize_t pwrite(int file, const void *data, size_t size, off_t offset) {
  NEXT(pwrite);
  return file_fails("write", file) ? -1 : real(file, data, size, offset);
}
ssize_t pwrite64(int file, const void *data, size_t size, off64_t offset) {
  NEXT(pwrite64);
  return file_fails("write", file) ? -1 : real(file, data, size, offset);
}
int ftruncate(int file, off_t size) {
  NEXT(ftruncate);
  return file_fails("truncate", file) ? -1 : real(file, size);
}
int ftruncate64(int file, off64_t size) {
  NEXT(ftruncate64);
  return file_fails("truncate", file) ? -1 : real(file, size);
}
int fchmod(int file, mode_t mode) {
  NEXT(fchmod);
  return file_fails("chmod", file) ? -1 : real(file, mode);
}
static int synced(int result) {
  if (sync_delay) usleep((useconds_t)sync_delay);
  return result;
}
int fsync(int file) {
  NEXT(fsync);
  return file_fails("sync", file) ? -1 : synced(real(file));
}
int fdatasync(int file) {
  NEXT(fdatasync);
  return file_fails("sync", file) ? -1 : synced(real(file));
}
int rename(const char *from, const char *to) {
  NEXT(rename);
  return below(to) && fails("rename", to) ? -1 : real(from, to);
}
int renameat(int a, const char *from, int b, const char *to) {
  NEXT(renameat);
  return below(to) && fails("rename", to) ? -1 : real(a, from, b, to);
}
int link(const char *from, const char *to) {
  NEXT(link);
  return below(to) && fails("link", to) ? -1 : real(from, to);
}
int linkat(int a, const char *from, int b, const char *to, int flags) {
  NEXT(linkat);
  return below(to) && fails("link", to) ? -1 : real(a, from, b, to, flags);
}
int mkdir(const char *path, mode_t mode) {
  NEXT(mkdir);
  return below(path) && fails("mkdir", path) ? -1 : real(path, mode);
}
int mkdirat(int where, const char *path, mode_t mode) {
  NEXT(mkdirat);
  return below(path) && fails("mkdir", path) ? -1 : real(where, path, mode);
}
/* To remove a file needs no room: this fails for the dead only. */
int unlink(const char *path) {
  NEXT(unlink);
  return below(path) && error <= 0 && fails("unlink", path) ? -1 : real(path);
}
int unlinkat(int where, const char *path, int flags) {
  NEXT(unlinkat);
  return below(path) && error <= 0 && fails("unlink", path) ? -1 : real(where, path, flags);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  NEXT(clock_gettime);
  int result = real(clock, now);
  if (result == 0 && clock == CLOCK_REALTIME) now->tv_sec += clock_shift;
  return result;
}
