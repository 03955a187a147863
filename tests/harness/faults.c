/* Loaded into a program by LD_PRELOAD: its machine fails as a small file says, which the test writes while
   the program runs. No privilege, clock or disk of the real machine is needed for it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct faults {
    int64_t realtime; /* seconds that the wall clock is ahead */
    int64_t boottime; /* seconds that the counting clock is ahead */
    int64_t sync;     /* the error of fsync and fdatasync; 0: they work */
    int64_t names;    /* of the name below: 0 loopback, 1 unknown, 2 an address where nothing listens */
    int64_t write;    /* the error of a write to a place in a file, as databases write; 0: they work */
};

static volatile struct faults *faults;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("FAULTS_FILE");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        abort();
    void *mapped = mmap(NULL, sizeof *faults, PROT_READ, MAP_SHARED, file, 0);
    if (mapped == MAP_FAILED)
        abort();
    close(file);
    faults = mapped;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real)
        real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, now);
    if (faults && result == 0 && clock == CLOCK_REALTIME)
        now->tv_sec += faults->realtime;
    if (faults && result == 0 && clock == CLOCK_BOOTTIME)
        now->tv_sec += faults->boottime;
    return result;
}

static int sync_as(const char *name, int file) {
    if (faults->sync) {
        errno = (int)faults->sync;
        return -1;
    }
    return ((int (*)(int))dlsym(RTLD_NEXT, name))(file);
}

int fsync(int file) { return sync_as("fsync", file); }

int fdatasync(int file) { return sync_as("fdatasync", file); }

static ssize_t write_as(const char *name, int file, const void *bytes, size_t length, off_t at) {
    if (faults->write) {
        errno = (int)faults->write;
        return -1;
    }
    return ((ssize_t(*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, name))(file, bytes, length, at);
}

ssize_t pwrite(int file, const void *bytes, size_t length, off_t at) {
    return write_as("pwrite", file, bytes, length, at);
}

ssize_t pwrite64(int file, const void *bytes, size_t length, off_t at) {
    return write_as("pwrite64", file, bytes, length, at);
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    if (!real)
        real = (int (*)(const char *, const char *, const struct addrinfo *, struct addrinfo **))dlsym(
            RTLD_NEXT, "getaddrinfo");
    const char *name = getenv("FAULTS_NAME");
    if (!node || !name || strcmp(node, name) != 0)
        return real(node, service, hints, found);
    if (faults->names == 1)
        return EAI_NONAME;
    return real(faults->names == 2 ? "127.0.0.99" : "127.0.0.1", service, hints, found);
}
