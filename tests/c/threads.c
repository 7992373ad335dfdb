/* Threads: two in one session, closing under somebody's feet, many sessions side by side. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#ifndef _WIN32
#include <unistd.h>
#endif

#include "world.h"

enum { LONG_FEED = 4 << 20 };

/* Well-formed answers that nobody waits for: to look at all of them takes a while. */
static uint8_t *foreign_frames(void) {
    static const uint8_t frame[] = {3, 0, 0, 1, 0, 99, 0, 0, 0xa0};
    uint8_t *bytes = malloc(LONG_FEED);
    CHECK(bytes != NULL);
    for (size_t i = 0; i < LONG_FEED; i++) bytes[i] = frame[i % sizeof frame];
    return bytes;
}

static pthread_t start_thread(void *(*body)(void *), void *argument) {
    pthread_t thread;
    EQUAL(pthread_create(&thread, NULL, body, argument), 0);
    return thread;
}

static void join_thread(pthread_t thread) { EQUAL(pthread_join(thread, NULL), 0); }

/* ---- Two threads in one session: the second is told BUSY and has changed nothing. ---- */

typedef struct {
    uintptr_t session;
    const uint8_t *bytes;
    atomic_int feeding, enough;
} feeder;

static void *feed_until_enough(void *argument) {
    feeder *f = argument;
    while (!atomic_load(&f->enough)) {
        atomic_store(&f->feeding, 1);
        int32_t status = smpfota_session_feed(f->session, 0, f->bytes, LONG_FEED);
        CHECK(status == SMPFOTA_OK || status == SMPFOTA_BUSY);
    }
    return NULL;
}

static void two_threads_in_one_session(void) {
    uint8_t *bytes = foreign_frames();
    feeder f = {.bytes = bytes};
    uint8_t frame[300];
    char text[300];
    size_t length = 77;
    uint64_t deadline = 77;
    smpfota_error error = no_error();
    OK(smpfota_session_open(NULL, &f.session, NULL));
    pthread_t thread = start_thread(feed_until_enough, &f);
    while (!atomic_load(&f.feeding)) sched_yield();
    /* Every function of a session says it but those that only look or cancel (watched.c); each is tried until it met the other thread. */
    for (int function = 0; function < 12; function++) {
        int32_t status = SMPFOTA_OK;
        for (long tries = 0; status != SMPFOTA_BUSY; tries++) {
            CHECK(tries < 50000000);
            switch (function) {
                case 0: status = smpfota_session_next_frame(f.session, 0, frame, sizeof frame, &length); break;
                case 1: status = smpfota_session_feed(f.session, 0, NULL, 0); break;
                case 2: status = smpfota_session_deadline(f.session, &deadline); break;
                case 3: status = smpfota_session_link(f.session, 0, SMPFOTA_LINK_EVENT_UP, 0); break;
                case 4: status = smpfota_session_resume(f.session, 0); break;
                case 5: status = smpfota_session_pause(f.session, 0); break;
                case 6: status = smpfota_session_result(f.session, text, sizeof text, &length); break;
                case 7: status = smpfota_session_error(f.session, &error); break;
                case 8: status = smpfota_session_next_event(f.session, text, sizeof text, &length); break;
                case 9: status = smpfota_session_save(f.session, frame, sizeof frame, &length); break;
                case 10: status = smpfota_session_health(f.session, 0, 1); break;
                default: status = smpfota_session_start_request(f.session, 0, 0, 6, NULL, 0, &error);
            }
        }
    }
    EQUAL(deadline, 77);
    atomic_store(&f.enough, 1);
    join_thread(thread);
    OK(smpfota_session_close(f.session));
    free(bytes);
}

/* ---- Closing while another thread is inside: that call finishes first, the next one is told. ---- */

static void *use_until_closed(void *argument) {
    uintptr_t session = *(uintptr_t *)argument;
    const uint8_t some[] = {3, 0, 0, 1, 0, 99, 0, 0, 0xa0};
    uint8_t frame[300];
    size_t length = 0;
    for (uint64_t now = 0;; now++) {
        int32_t status = smpfota_session_next_frame(session, now, frame, sizeof frame, &length);
        if (status == SMPFOTA_INVALID_HANDLE) return NULL;
        CHECK(status == SMPFOTA_OK || status == SMPFOTA_WAIT || status == SMPFOTA_BUSY || status == SMPFOTA_LINK_RESET ||
              status == SMPFOTA_TIMEOUT);
        status = smpfota_session_feed(session, now, some, sizeof some);
        if (status == SMPFOTA_INVALID_HANDLE) return NULL;
        CHECK(status == SMPFOTA_OK || status == SMPFOTA_BUSY);
    }
}

static void *feed_once(void *argument) {
    feeder *f = argument;
    atomic_store(&f->feeding, 1);
    int32_t status = smpfota_session_feed(f->session, 0, f->bytes, LONG_FEED);
    /* BUSY when it comes while close() is inside. */
    CHECK(status == SMPFOTA_OK || status == SMPFOTA_INVALID_HANDLE || status == SMPFOTA_BUSY);
    atomic_store(&f->enough, 1);
    return NULL;
}

static void close_while_another_thread_is_inside(void) {
    uint8_t *bytes = foreign_frames();
    for (int round = 0; round < 10; round++) {
        feeder f = {.bytes = bytes};
        OK(smpfota_session_open(NULL, &f.session, NULL));
        pthread_t thread = start_thread(feed_once, &f);
        while (!atomic_load(&f.feeding)) sched_yield();
        nanosleep(&(struct timespec){.tv_nsec = round * 100000}, NULL);
        OK(smpfota_session_close(f.session));
        STATUS(smpfota_session_feed(f.session, 0, NULL, 0), SMPFOTA_INVALID_HANDLE);
        join_thread(thread);
    }
    free(bytes);
    uintptr_t image = open_image("1.1.0", 5000, 1);
    for (int round = 0; round < 100; round++) {
        uintptr_t session = 0;
        OK(smpfota_session_open(NULL, &session, NULL));
        OK(smpfota_session_start_update(session, image, NULL, NULL));
        pthread_t first = start_thread(use_until_closed, &session), second = start_thread(use_until_closed, &session);
        nanosleep(&(struct timespec){.tv_nsec = round * 5000}, NULL);
        OK(smpfota_session_close(session));
        STATUS(smpfota_session_close(session), SMPFOTA_INVALID_HANDLE);
        join_thread(first);
        join_thread(second);
    }
    OK(smpfota_image_close(image));
}

/* Of several threads that close one handle, one is told OK. */
static atomic_int closed;

static void *close_it(void *argument) {
    int32_t status = smpfota_session_close(*(uintptr_t *)argument);
    if (status == SMPFOTA_OK) atomic_fetch_add(&closed, 1);
    else EQUAL(status, SMPFOTA_INVALID_HANDLE);
    return NULL;
}

static void double_close(void) {
    for (int round = 0; round < 100; round++) {
        uintptr_t session = 0;
        pthread_t threads[4];
        OK(smpfota_session_open(NULL, &session, NULL));
        atomic_store(&closed, 0);
        for (int i = 0; i < 4; i++) threads[i] = start_thread(close_it, &session);
        for (int i = 0; i < 4; i++) join_thread(threads[i]);
        EQUAL(atomic_load(&closed), 1);
    }
}

/* ---- Sessions side by side share an image and never hear of each other. ---- */

typedef struct {
    uintptr_t image;
    uint64_t seed;
    pthread_barrier_t *started;
} worker;

static void *update_a_device(void *argument) {
    worker *me = argument;
    world w = {0};
    w.controls_link = 1;
    w.device = open_device((uint32_t)(me->seed & 1), 2, 0, me->seed, 0);
    OK(smpfota_session_open(NULL, &w.session, NULL));
    OK(smpfota_session_start_update(w.session, me->image, NULL, NULL));
    pthread_barrier_wait(me->started);
    expect_end(&w, SMPFOTA_DONE); /* BUSY would end it too */
    char *text = text_of(smpfota_device_describe, w.device);
    expect_words(text, "\"running\":\"1.1.0\"");
    free(text);
    OK(smpfota_session_close(w.session));
    OK(smpfota_device_close(w.device));
    return NULL;
}

static void sessions_outlive_their_image(void) {
    enum { THREADS = 8 };
    pthread_barrier_t started;
    EQUAL(pthread_barrier_init(&started, NULL, THREADS + 1), 0);
    uintptr_t image = open_image("1.1.0", 30000, 4);
    worker workers[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (worker){image, (uint64_t)i + 1, &started};
        threads[i] = start_thread(update_a_device, &workers[i]);
    }
    pthread_barrier_wait(&started);
    OK(smpfota_image_close(image));
    smpfota_image_info info = {.struct_size = sizeof info};
    STATUS(smpfota_image_info_get(image, 0, &info), SMPFOTA_INVALID_HANDLE);
    for (int i = 0; i < THREADS; i++) join_thread(threads[i]);
    pthread_barrier_destroy(&started);
}

/* ---- One image is read by many threads at once; nobody is told BUSY. ---- */

static void *read_image(void *argument) {
    uintptr_t image = *(uintptr_t *)argument;
    for (int i = 0; i < 500; i++) {
        smpfota_image_info info = {.struct_size = sizeof info};
        OK(smpfota_image_info_get(image, 0, &info));
        EQUAL(info.version_minor, 1);
    }
    return NULL;
}

static void an_image_is_read_by_many(void) {
    uintptr_t image = open_image("1.1.0", 3000, 4);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) threads[i] = start_thread(read_image, &image);
    for (int i = 0; i < 4; i++) join_thread(threads[i]);
    OK(smpfota_image_close(image));
}

/* ---- A fleet. ---- */

/* Resident memory in bytes; 0 where the system does not say. */
static long resident(void) {
#ifdef _WIN32
    return 0;
#else
    long pages = 0, total = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL) return 0;
    if (fscanf(file, "%ld %ld", &total, &pages) != 2) pages = 0;
    fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
#endif
}

static void a_hundred_thousand_sessions(void) {
    enum { SESSIONS = 100000 };
    uintptr_t *sessions = calloc(SESSIONS, sizeof *sessions), image = open_image("1.1.0", 30000, 4);
    CHECK(sessions != NULL);
    for (int i = 0; i < SESSIONS; i++) sessions[i] = 1; /* the pages are there */
    long before = resident();
    for (int i = 0; i < SESSIONS; i++) OK(smpfota_session_open(NULL, &sessions[i], NULL));
    long idle = (resident() - before) / SESSIONS;
    for (int i = 0; i < SESSIONS; i++) OK(smpfota_session_start_update(sessions[i], image, NULL, NULL));
    long started = (resident() - before) / SESSIONS;
    if (before > 0)
        printf("memory of each of %d sessions: %ld bytes idle, %ld with an update started\n", SESSIONS, idle, started);
    /* Valgrind and AddressSanitizer keep books of their own beside every allocation. */
    const char *mode = getenv("SMPFOTA_TEST_MODE");
    if (mode != NULL && strcmp(mode, "plain") == 0) CHECK(idle <= 1024);
    OK(smpfota_image_close(image));
    uint8_t frame[300];
    size_t length = 0;
    for (int i = 0; i < SESSIONS; i += 99) OK(smpfota_session_next_frame(sessions[i], 0, frame, sizeof frame, &length));
    for (int i = SESSIONS - 1; i >= 0; i -= 2) OK(smpfota_session_close(sessions[i]));
    for (int i = SESSIONS - 1; i >= 0; i -= 2) STATUS(smpfota_session_close(sessions[i]), SMPFOTA_INVALID_HANDLE);
    /* Their places are used again, under other handles. */
    for (int i = SESSIONS - 1; i >= 0; i -= 2) {
        uintptr_t old = sessions[i];
        OK(smpfota_session_open(NULL, &sessions[i], NULL));
        CHECK(sessions[i] != old);
    }
    for (int i = 0; i < SESSIONS; i++) OK(smpfota_session_close(sessions[i]));
    free(sessions);
}

/* ---- Threads that open, use and close while others try every number. ---- */

static atomic_int over;

static void *open_use_close(void *argument) {
    uint64_t state = *(uint64_t *)argument;
    uintptr_t mine[16] = {0};
    uint8_t frame[300];
    size_t length = 0;
    for (int round = 0; round < 5000; round++) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        uintptr_t *place = &mine[state % 16];
        if (*place == 0) {
            OK(smpfota_session_open(NULL, place, NULL));
        } else {
            /* A stranger may be inside with the same number by accident, but never one with a stale handle. */
            STATUS(smpfota_session_next_frame(*place, 0, frame, sizeof frame, &length), SMPFOTA_NO_OPERATION);
            OK(smpfota_session_close(*place));
            STATUS(smpfota_session_next_frame(*place, 0, frame, sizeof frame, &length), SMPFOTA_INVALID_HANDLE);
            *place = 0;
        }
    }
    for (int i = 0; i < 16; i++)
        if (mine[i] != 0) OK(smpfota_session_close(mine[i]));
    return NULL;
}

static uintptr_t stale;

static void *try_stale_handles(void *argument) {
    (void)argument;
    uint8_t frame[300];
    size_t length = 0;
    while (!atomic_load(&over)) {
        STATUS(smpfota_session_next_frame(stale, 0, frame, sizeof frame, &length), SMPFOTA_INVALID_HANDLE);
        STATUS(smpfota_session_close(stale), SMPFOTA_INVALID_HANDLE);
        sched_yield();
    }
    return NULL;
}

static void strangers_do_not_disturb(void) {
    /* The slot of this one is the next that is given out, so its stale handle points at a living session all the time. */
    OK(smpfota_session_open(NULL, &stale, NULL));
    OK(smpfota_session_close(stale));
    uint64_t seeds[3] = {1234567, 7654321, 55555};
    pthread_t threads[3], stranger = start_thread(try_stale_handles, NULL);
    for (int i = 0; i < 3; i++) threads[i] = start_thread(open_use_close, &seeds[i]);
    for (int i = 0; i < 3; i++) join_thread(threads[i]);
    atomic_store(&over, 1);
    join_thread(stranger);
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    two_threads_in_one_session();
    close_while_another_thread_is_inside();
    double_close();
    sessions_outlive_their_image();
    an_image_is_read_by_many();
    strangers_do_not_disturb();
    a_hundred_thousand_sessions();
    puts("no thread disturbed another");
    return 0;
}
