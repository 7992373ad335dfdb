/* Everything that can come from a device, a gateway or a clock: counted, and no harm done. */
#include "world.h"

/* The progress counts them and the update goes on. */
static uint32_t ignored(world *w) {
    smpfota_progress progress;
    memset(&progress, 0, sizeof progress);
    progress.struct_size = sizeof progress;
    OK(smpfota_session_progress_get(w->session, w->now, &progress));
    return progress.ignored;
}

/* As `drive`, but every notification comes with garbage, in halves, together with others, twice. */
static int32_t drive_through_rubbish(world *w, unsigned kind) {
    uint8_t frame[512], joined[8192];
    size_t missing = 0; /* of the frame that is under way */
    unsigned count = 0;
    uint64_t state = 1234567 + kind;
    for (unsigned round = 0; round < 200000; round++) {
        size_t length = 0;
        int32_t status = smpfota_session_next_frame(w->session, w->now, frame, sizeof frame, &length);
        if (status == SMPFOTA_OK) {
            OK(smpfota_device_write(w->device, w->now, frame, length));
            continue;
        }
        if (status != SMPFOTA_WAIT && status != SMPFOTA_LINK_RESET) return status;
        uint8_t got[4096];
        int any = 0;
        while (smpfota_device_read(w->device, w->now, got, sizeof got, &length) == SMPFOTA_OK) {
            any = 1;
            state ^= state << 13, state ^= state >> 7, state ^= state << 17;
            int starts = missing == 0;
            if (starts) missing = 8 + ((size_t)got[2] << 8 | got[3]);
            CHECK(missing >= length);
            missing -= length;
            switch (kind) {
                case 0: { /* garbage in front of every frame, in a feed of its own */
                    uint8_t noise[64];
                    for (size_t i = 0; i < sizeof noise; i++) noise[i] = (uint8_t)(state >> (i % 57));
                    noise[0] = 0xff; /* no operation has this number */
                    if (starts) OK(smpfota_session_feed(w->session, w->now, noise, state % sizeof noise));
                    OK(smpfota_session_feed(w->session, w->now, got, length));
                    break;
                }
                case 1: /* byte by byte */
                    for (size_t i = 0; i < length; i++) OK(smpfota_session_feed(w->session, w->now, got + i, 1));
                    break;
                case 2: /* halves */
                    OK(smpfota_session_feed(w->session, w->now, got, length / 2));
                    OK(smpfota_session_feed(w->session, w->now, got + length / 2, length - length / 2));
                    break;
                case 3: { /* frames of another group and of another sequence before each, all in one buffer */
                    const uint8_t foreign[] = {9,  0, 0, 1, 0, 99, got[6], 3, 0xa0, /* */
                                               11, 0, 0, 1, 0, 1, (uint8_t)(got[6] + 100), 1, 0xa0};
                    size_t front = starts ? sizeof foreign : 0;
                    memcpy(joined, foreign, front);
                    memcpy(joined + front, got, length);
                    OK(smpfota_session_feed(w->session, w->now, joined, front + length));
                    break;
                }
                case 4: /* every whole frame twice in one buffer */
                    memcpy(joined, got, length);
                    memcpy(joined + length, got, length);
                    OK(smpfota_session_feed(w->session, w->now, joined, starts && missing == 0 ? 2 * length : length));
                    break;
                default: /* every third one is lost after its half */
                    OK(smpfota_session_feed(w->session, w->now, got, count++ % 3 == 2 ? length / 2 : length));
            }
        }
        if (any) continue;
        uint64_t next = UINT64_MAX, deadline = 0;
        if (smpfota_session_deadline(w->session, &deadline) == SMPFOTA_OK && deadline < next) next = deadline;
        if (smpfota_device_deadline(w->device, &deadline) == SMPFOTA_OK && deadline < next) next = deadline;
        CHECK(next != UINT64_MAX);
        w->now = next > w->now ? next : w->now + 1;
    }
    FAIL("no end with kind %u", kind);
}

static void rubbish_from_the_device(void) {
    uintptr_t image = open_image("1.1.0", 8000, 1);
    for (unsigned kind = 0; kind < 6; kind++) {
        world w = {0};
        w.device = open_device(SMPFOTA_PROFILE_ZEPHYR_4_4, 0, 0, 1, 0);
        OK(smpfota_session_open(NULL, &w.session, NULL));
        OK(smpfota_session_start_update(w.session, image, NULL, NULL));
        int32_t status = drive_through_rubbish(&w, kind);
        if (status != SMPFOTA_DONE) {
            smpfota_error error = no_error();
            OK(smpfota_session_error(w.session, &error));
            FAIL("kind %u of rubbish ended with %d: %.*s", kind, (int)status, (int)error.text_length, (const char *)error.text);
        }
        if (kind == 0 || kind == 3 || kind == 4) CHECK(ignored(&w) > 5);
        OK(smpfota_session_close(w.session));
        OK(smpfota_device_close(w.device));
    }
    /* A session without an operation takes anything. */
    uintptr_t session = 0;
    uint8_t bytes[70000];
    OK(smpfota_session_open(NULL, &session, NULL));
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * i >> 3);
    for (size_t length = 0; length <= sizeof bytes; length += 997) OK(smpfota_session_feed(session, UINT32_MAX, bytes, length));
    OK(smpfota_session_close(session));
    OK(smpfota_image_close(image));
}

/* A device that never answers, and one that says the same for ever: a clear end in bounded time. */
static void devices_that_do_not_help(void) {
    uintptr_t image = open_image("1.1.0", 8000, 1);
    uint8_t frame[300];
    size_t length = 0;
    uintptr_t session = 0;
    OK(smpfota_session_open(NULL, &session, NULL));
    OK(smpfota_session_start_update(session, image, NULL, NULL));
    uint64_t now = 5, deadline = 0;
    int32_t status = SMPFOTA_OK;
    for (int round = 0; round < 10000 && status >= 0; round++) {
        status = smpfota_session_next_frame(session, now, frame, sizeof frame, &length);
        if (status == SMPFOTA_OK || status < 0) continue;
        OK(smpfota_session_deadline(session, &deadline));
        now = deadline > now ? deadline : now + 1;
    }
    EQUAL(status, SMPFOTA_TIMEOUT);
    CHECK(now < 3600 * 1000);
    smpfota_error error = no_error();
    OK(smpfota_session_error(session, &error));
    EQUAL(error.finding, SMPFOTA_FINDING_NEVER_ANSWERED);
    OK(smpfota_session_close(session));

    /* `{}` to everything. */
    OK(smpfota_session_open(NULL, &session, NULL));
    OK(smpfota_session_start_update(session, image, NULL, NULL));
    now = 5, status = SMPFOTA_OK;
    for (int round = 0; round < 100000 && status >= 0 && status != SMPFOTA_DONE; round++) {
        status = smpfota_session_next_frame(session, now, frame, sizeof frame, &length);
        if (status == SMPFOTA_OK) {
            uint8_t answer[9] = {(uint8_t)(frame[0] + 1), 0, 0, 1, frame[4], frame[5], frame[6], frame[7], 0xa0};
            now += 50;
            OK(smpfota_session_feed(session, now, answer, sizeof answer));
        } else if (status >= 0) {
            OK(smpfota_session_deadline(session, &deadline));
            now = deadline > now ? deadline : now + 1;
        }
    }
    CHECK(status < -199);
    CHECK(now < 3600 * 1000);
    OK(smpfota_session_close(session));
    OK(smpfota_image_close(image));
}

/* The clock may say anything. */
static void strange_clocks(void) {
    uintptr_t image = open_image("1.1.0", 8000, 1), device = open_device(0, 4, 0, 1, 0);
    const uint64_t times[] = {0, UINT64_MAX, 1, UINT64_MAX - 1, UINT64_MAX / 2, 0};
    uint8_t frame[600] = {0};
    size_t length = 0;
    uint64_t deadline = 0;
    for (size_t start = 0; start < sizeof times / sizeof *times; start++) {
        uintptr_t session = 0;
        OK(smpfota_session_open(NULL, &session, NULL));
        OK(smpfota_session_start_update(session, image, NULL, NULL));
        for (size_t i = start; i < sizeof times / sizeof *times; i++) {
            smpfota_progress progress;
            progress.struct_size = sizeof progress;
            CHECK(smpfota_session_next_frame(session, times[i], frame, sizeof frame, &length) != SMPFOTA_PANIC);
            /* Times of another clock are refused, and change nothing. */
            int32_t fed = smpfota_session_feed(session, times[i], frame, 20);
            CHECK(fed == SMPFOTA_OK || fed == SMPFOTA_TIME_REFUSED);
            int32_t told = smpfota_session_link(session, times[i], (uint32_t)(i & 1), 0);
            CHECK(told == fed);
            (void)smpfota_session_deadline(session, &deadline);
            OK(smpfota_session_progress_get(session, times[i], &progress));
        }
        OK(smpfota_session_close(session));
    }
    OK(smpfota_device_write(device, 1000, frame, 20));
    STATUS(smpfota_device_write(device, UINT64_MAX, frame, 20), SMPFOTA_INVALID_ARGUMENT);
    STATUS(smpfota_device_read(device, UINT64_MAX / 2, frame, sizeof frame, &length), SMPFOTA_INVALID_ARGUMENT);
    STATUS(smpfota_device_link(device, UINT64_MAX, 1), SMPFOTA_INVALID_ARGUMENT);
    OK(smpfota_device_write(device, 1, frame, 20)); /* back in time is standing still */
    OK(smpfota_device_link(device, 1000 + 3600000ull * 24 * 30, 0));
    OK(smpfota_device_close(device));
    OK(smpfota_image_close(image));
}

int main(void) {
    rubbish_from_the_device();
    devices_that_do_not_help();
    strange_clocks();
    puts("no rubbish did any harm");
    return 0;
}
