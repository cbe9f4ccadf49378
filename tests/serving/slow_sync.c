/* A disk that takes its time: every fsync and fdatasync first waits as many milliseconds as the file named by
   SLOW_SYNC says, if it is there. For LD_PRELOAD. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void wait_a_while(void) {
    const char *name = getenv("SLOW_SYNC");
    FILE *told = name ? fopen(name, "r") : NULL;
    int milliseconds = 0;
    if (told) {
        if (fscanf(told, "%d", &milliseconds) == 1 && milliseconds > 0) usleep(milliseconds * 1000);
        fclose(told);
    }
}

int fsync(int file) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    wait_a_while();
    return real(file);
}

int fdatasync(int file) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    wait_a_while();
    return real(file);
}
