/* A session that one thread drives while others look at its progress and cancel: nobody disturbs anybody, and no cancel is lost. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include "world.h"

enum { UPDATES = 1000, IMAGE = 3000, FOREIGN = 9 * 2000 };

static pthread_t start_thread(void *(*body)(void *), void *argument) {
    pthread_t thread;
    EQUAL(pthread_create(&thread, NULL, body, argument), 0);
    return thread;
}

static void join_thread(pthread_t thread) { EQUAL(pthread_join(thread, NULL), 0); }

static uintptr_t session;
/* Odd while the driver is inside a call; which of the updates it is at; whether it is done. */
static atomic_ulong call_number, update_number;
static atomic_int over;

/* ---- The driver. ---- */

static unsigned long busy;

/* Counts the calls of the driver, and those that said BUSY. */
#define DRIVE(call)                             \
    (atomic_fetch_add(&call_number, 1),         \
     driven = (call),                           \
     atomic_fetch_add(&call_number, 1),         \
     busy += driven == SMPFOTA_BUSY,            \
     driven)

/* How each update ended, and the call in which it ended by itself. */
static struct {
    int32_t status;
    unsigned long ended_in;
} ends[UPDATES];

/* What may have been cancelled, by every cancel that said OK; and what was for sure, with the call by which that was known. */
static atomic_int perhaps[UPDATES + 1];
static atomic_ulong surely[UPDATES + 1];

static int32_t driven;

/* Feeds what arrived; whether anything did. `*ended` receives the call in which the operation ended, if one did. */
static int feed_arrived(uintptr_t device, uint64_t now, unsigned long *ended) {
    uint8_t bytes[4096];
    size_t length = 0;
    int any = 0;
    while (smpfota_device_read(device, now, bytes, sizeof bytes, &length) == SMPFOTA_OK) {
        EQUAL(DRIVE(smpfota_session_feed(session, now, bytes, length)), SMPFOTA_OK);
        unsigned long fed = atomic_load(&call_number);
        uint64_t deadline = 0;
        if (DRIVE(smpfota_session_deadline(session, &deadline)) == SMPFOTA_EMPTY && *ended == 0) *ended = fed;
        any = 1;
    }
    return any;
}

/* One update to its end. */
static void update(unsigned long number, uintptr_t image, const uint8_t *foreign) {
    uintptr_t device = open_device(0, 0, 0, number + 1, 0);
    uint64_t now = 0;
    unsigned long ended = 0;
    atomic_store(&update_number, number);
    EQUAL(DRIVE(smpfota_session_start_update(session, image, NULL, NULL)), SMPFOTA_OK);
    /* Long calls, in which others have time to meet this one. */
    EQUAL(DRIVE(smpfota_session_feed(session, now, foreign, FOREIGN)), SMPFOTA_OK);
    for (;;) {
        uint8_t frame[512];
        size_t length = 0;
        sched_yield(); /* with one core for all of them the others would seldom run */
        int32_t status = DRIVE(smpfota_session_next_frame(session, now, frame, sizeof frame, &length));
        if (status == SMPFOTA_OK) {
            OK(smpfota_device_write(device, now, frame, length));
            continue;
        }
        if (status != SMPFOTA_WAIT && status != SMPFOTA_LINK_RESET) {
            ends[number].status = status;
            ends[number].ended_in = ended != 0 ? ended : atomic_load(&call_number);
            break;
        }
        if (feed_arrived(device, now, &ended)) continue;
        uint64_t next = now + 60000, deadline = 0;
        if (DRIVE(smpfota_session_deadline(session, &deadline)) == SMPFOTA_OK && deadline < next) next = deadline;
        if (smpfota_device_deadline(device, &deadline) == SMPFOTA_OK && deadline < next) next = deadline;
        now = next > now ? next : now + 1;
    }
    OK(smpfota_device_close(device));
}

/* ---- Who looks on. ---- */

static unsigned long polls, polls_inside, cancels, cancels_inside;

static void *poll_until_over(void *argument) {
    (void)argument;
    while (!atomic_load(&over)) {
        smpfota_progress progress = {.struct_size = sizeof progress};
        unsigned long before = atomic_load(&call_number);
        OK(smpfota_session_progress_get(session, 0, &progress));
        polls_inside += before % 2 == 1 && atomic_load(&call_number) == before;
        CHECK(progress.phase <= SMPFOTA_PHASE_COMMAND && progress.bytes_acknowledged <= progress.bytes_total);
        CHECK(progress.bytes_total == 0 || progress.bytes_total == IMAGE);
        polls++;
    }
    return NULL;
}

static void *cancel_until_over(void *argument) {
    (void)argument;
    uint64_t state = 88172645463325252u;
    while (!atomic_load(&over)) {
        /* Some at once, some in the midst, some too late: updates end in every way. */
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        for (unsigned long first = atomic_load(&call_number), calls = state % 60; atomic_load(&call_number) - first < calls;)
            if (atomic_load(&over)) return NULL;
        unsigned long before = atomic_load(&update_number), inside = atomic_load(&call_number);
        int32_t status = smpfota_session_cancel(session, 0);
        unsigned long known = atomic_load(&call_number), after = atomic_load(&update_number);
        if (status == SMPFOTA_NO_OPERATION) continue;
        EQUAL(status, SMPFOTA_OK);
        cancels++;
        cancels_inside += inside % 2 == 1 && known == inside;
        for (unsigned long number = before; number <= after; number++) atomic_store(&perhaps[number], 1);
        if (before == after) {
            unsigned long none = 0;
            atomic_compare_exchange_strong(&surely[before], &none, known);
        }
    }
    return NULL;
}

static void updates_are_watched_and_cancelled(void) {
    const char *mode = getenv("SMPFOTA_TEST_MODE");
    /* Valgrind lets one thread run at a time, and slowly. */
    unsigned long updates = mode != NULL && strcmp(mode, "valgrind") == 0 ? 40 : UPDATES;
    uint8_t foreign[FOREIGN];
    static const uint8_t frame[] = {3, 0, 0, 1, 0, 99, 0, 0, 0xa0};
    for (size_t i = 0; i < sizeof foreign; i++) foreign[i] = frame[i % sizeof frame];
    uintptr_t image = open_image("1.1.0", IMAGE, 1);
    OK(smpfota_session_open(NULL, &session, NULL));
    pthread_t poller = start_thread(poll_until_over, NULL), canceller = start_thread(cancel_until_over, NULL);
    for (unsigned long number = 0; number < updates; number++) update(number, image, foreign);
    atomic_store(&over, 1);
    join_thread(poller);
    join_thread(canceller);
    unsigned long done = 0, cancelled = 0, lost = 0;
    for (unsigned long number = 0; number < updates; number++) {
        if (ends[number].status == SMPFOTA_CANCELLED) {
            /* Nobody else's cancel reached it. */
            CHECK(atomic_load(&perhaps[number]));
            cancelled++;
            continue;
        }
        EQUAL(ends[number].status, SMPFOTA_DONE);
        done++;
        unsigned long known = atomic_load(&surely[number]);
        /* Wanted before the call began in which it ended by itself. */
        lost += known != 0 && known < ends[number].ended_in - 1;
    }
    printf("%lu updates (%lu done, %lu cancelled); %lu polls, %lu of them inside a running call; %lu cancels, %lu inside\n", updates,
           done, cancelled, polls, polls_inside, cancels, cancels_inside);
    printf("%lu times BUSY, %lu cancels lost\n", busy, lost);
    EQUAL(busy, 0);
    EQUAL(lost, 0);
    if (updates == UPDATES) CHECK(polls_inside > 1000 && cancelled > 10 && done > 10);
    OK(smpfota_session_close(session));
    OK(smpfota_image_close(image));
}

/* ---- By one thread alone: what a cancel does until the session is driven again. ---- */

static uint32_t phase_of(uintptr_t handle) {
    smpfota_progress progress = {.struct_size = sizeof progress};
    OK(smpfota_session_progress_get(handle, 0, &progress));
    return progress.phase;
}

static void a_cancel_counts_at_once(void) {
    uintptr_t image = open_image("1.1.0", IMAGE, 1), one = 0;
    uint8_t frame[512];
    size_t length = 0;
    uint64_t deadline = 0;
    smpfota_error error = no_error();
    OK(smpfota_session_open(NULL, &one, NULL));
    STATUS(smpfota_session_cancel(one, 0), SMPFOTA_NO_OPERATION);
    OK(smpfota_session_start_update(one, image, NULL, NULL));
    OK(smpfota_session_next_frame(one, 0, frame, sizeof frame, &length));
    EQUAL(phase_of(one), SMPFOTA_PHASE_DISCOVER);
    OK(smpfota_session_cancel(one, 0));
    EQUAL(phase_of(one), SMPFOTA_PHASE_FAILED);
    STATUS(smpfota_session_deadline(one, &deadline), SMPFOTA_EMPTY);
    STATUS(smpfota_session_cancel(one, 0), SMPFOTA_NO_OPERATION);
    OK(smpfota_session_error(one, &error));
    EQUAL(error.status, SMPFOTA_CANCELLED);
    /* It does not reach the operation after it, whether the session was driven in between or not. */
    OK(smpfota_session_start_update(one, image, NULL, NULL));
    OK(smpfota_session_next_frame(one, 0, frame, sizeof frame, &length));
    OK(smpfota_session_cancel(one, 0));
    STATUS(smpfota_session_cancel(one, 0), SMPFOTA_NO_OPERATION);
    OK(smpfota_session_start_update(one, image, NULL, NULL));
    OK(smpfota_session_next_frame(one, 0, frame, sizeof frame, &length));
    EQUAL(phase_of(one), SMPFOTA_PHASE_DISCOVER);
    OK(smpfota_session_cancel(one, 0));
    STATUS(smpfota_session_next_frame(one, 0, frame, sizeof frame, &length), SMPFOTA_CANCELLED);
    OK(smpfota_session_close(one));
    STATUS(smpfota_session_cancel(one, 0), SMPFOTA_INVALID_HANDLE);
    OK(smpfota_image_close(image));
}

/* ---- Closing: who looks or cancels is told that the handle is invalid, never that it is busy. ---- */

static atomic_int looking;

static void *look_until_closed(void *argument) {
    uintptr_t handle = *(uintptr_t *)argument;
    for (;;) {
        smpfota_progress progress = {.struct_size = sizeof progress};
        int32_t status = smpfota_session_progress_get(handle, 0, &progress);
        if (status == SMPFOTA_INVALID_HANDLE) break;
        EQUAL(status, SMPFOTA_OK);
        status = smpfota_session_cancel(handle, 0);
        if (status == SMPFOTA_INVALID_HANDLE) break;
        CHECK(status == SMPFOTA_OK || status == SMPFOTA_NO_OPERATION);
        atomic_store(&looking, 1);
    }
    return NULL;
}

static void looking_at_what_is_closed(void) {
    uintptr_t image = open_image("1.1.0", IMAGE, 1);
    for (int round = 0; round < 100; round++) {
        uintptr_t handle = 0;
        OK(smpfota_session_open(NULL, &handle, NULL));
        OK(smpfota_session_start_update(handle, image, NULL, NULL));
        atomic_store(&looking, 0);
        pthread_t first = start_thread(look_until_closed, &handle), second = start_thread(look_until_closed, &handle);
        while (!atomic_load(&looking)) sched_yield();
        nanosleep(&(struct timespec){.tv_nsec = round * 2000}, NULL);
        OK(smpfota_session_close(handle));
        join_thread(first);
        join_thread(second);
    }
    OK(smpfota_image_close(image));
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    a_cancel_counts_at_once();
    updates_are_watched_and_cancelled();
    looking_at_what_is_closed();
    puts("who looks on disturbs nobody");
    return 0;
}
