/* Callers whose clock goes back, stops or jumps, or counts something else than milliseconds: the update ends right all the same,
 * and a time of another clock is refused. */
#include "world.h"

enum { STEADY, GOES_BACK, STOPS, JUMPS, IS_REFUSED, KINDS };

typedef struct {
    world w;
    int kind;
    /* What the caller's clock is ahead of the device's. */
    uint64_t ahead;
    unsigned calls, refused;
} host;

/* The time of the next call. */
static uint64_t told(host *h) {
    const uint64_t now = h->w.now + h->ahead;
    h->calls++;
    switch (h->kind) {
    case GOES_BACK: return h->calls % 7 == 0 ? now - 3600000 : h->calls % 3 == 0 ? now - 1 : now;
    case STOPS: return h->calls % 8 < 4 ? now - now % 1000 : now;
    case JUMPS:
        if (h->calls % 50 == 0) h->ahead += 3600000;
        return h->w.now + h->ahead;
    default: return now;
    }
}

/* No call with such a time changes anything. */
static void refuse(host *h) {
    static const uint64_t wrong[] = {UINT64_MAX, UINT64_MAX / 2, 1700000000000000000u, 1000000000u + 400000000000u};
    const uintptr_t session = h->w.session;
    uint8_t frame[512], bytes[16] = {0};
    size_t length = 0;
    uint32_t delay = 0;
    uint64_t before = 0, after = 0;
    const int32_t waits = smpfota_session_deadline(session, &before);
    for (size_t n = 0; n < sizeof wrong / sizeof *wrong; n++) {
        const uint64_t now = wrong[n];
        STATUS(smpfota_session_next_frame(session, now, frame, sizeof frame, &length), SMPFOTA_TIME_REFUSED);
        STATUS(smpfota_session_next_write(session, now, frame, sizeof frame, &length, &delay), SMPFOTA_TIME_REFUSED);
        STATUS(smpfota_session_feed(session, now, bytes, sizeof bytes), SMPFOTA_TIME_REFUSED);
        STATUS(smpfota_session_link(session, now, SMPFOTA_LINK_EVENT_DOWN, 0), SMPFOTA_TIME_REFUSED);
        STATUS(smpfota_session_call_returned(session, now), SMPFOTA_TIME_REFUSED);
        STATUS(smpfota_session_pause(session, now), SMPFOTA_TIME_REFUSED);
        STATUS(smpfota_session_health(session, now, 1), SMPFOTA_TIME_REFUSED);
        h->refused++;
    }
    STATUS(smpfota_session_deadline(session, &after), waits);
    EQUAL(after, before);
}

static int32_t run(host *h) {
    uint8_t frame[512], bytes[4096];
    for (unsigned rounds = 0; rounds < 200000; rounds++) {
        size_t length = 0;
        if (h->kind == IS_REFUSED && rounds > 0) refuse(h);
        int32_t status = smpfota_session_next_frame(h->w.session, told(h), frame, sizeof frame, &length);
        if (status == SMPFOTA_OK) {
            OK(smpfota_device_write(h->w.device, h->w.now, frame, length));
            continue;
        }
        if (status != SMPFOTA_WAIT && status != SMPFOTA_LINK_RESET) return status;
        uint64_t due = 0, next = 0;
        OK(smpfota_session_deadline(h->w.session, &due));
        /* A clock that lags behind is waited for a little at a time. */
        due = due > h->w.now + h->ahead ? due - h->ahead : h->w.now + 1;
        if (smpfota_device_deadline(h->w.device, &next) == SMPFOTA_OK && next < due) due = next;
        h->w.now = due > h->w.now ? due : h->w.now + 1;
        while (smpfota_device_read(h->w.device, h->w.now, bytes, sizeof bytes, &length) == SMPFOTA_OK) {
            OK(smpfota_session_feed(h->w.session, told(h), bytes, length));
        }
    }
    FAIL("it hangs with clock %d", h->kind);
}

int main(void) {
    char text[256];
    size_t length = 0;
    OK(smpfota_status_text(SMPFOTA_TIME_REFUSED, text, sizeof text, &length));
    CHECK(length < sizeof text);
    text[length] = 0;
    CHECK(strstr(text, "milliseconds") != NULL);

    for (int kind = STEADY; kind < KINDS; kind++) {
        host h;
        memset(&h, 0, sizeof h);
        h.kind = kind;
        h.w.now = 1000000000;
        h.w.device = open_device(0, 0, 0, 7, 0);
        smpfota_error error = no_error();
        OK_OR_SAY(smpfota_session_open(NULL, &h.w.session, &error), error);
        uintptr_t image = open_image("1.1.0", 20000, 5);
        OK_OR_SAY(smpfota_session_start_update(h.w.session, image, NULL, &error), error);
        OK(smpfota_image_close(image));
        int32_t status = run(&h);
        if (status != SMPFOTA_DONE) {
            (void)smpfota_session_error(h.w.session, &error);
            FAIL("clock %d: %d, %.*s", kind, (int)status, (int)error.text_length, (const char *)error.text);
        }
        char *device = text_of(smpfota_device_describe, h.w.device);
        expect_words(device, "\"running\":\"1.1.0\"");
        free(device);
        CHECK(kind != IS_REFUSED || h.refused > 100);
        OK(smpfota_session_close(h.w.session));
        OK(smpfota_device_close(h.w.device));
    }
    return 0;
}
