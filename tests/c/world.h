/* A session and a virtual device in virtual time, and the loop between them. */
#ifndef WORLD_H
#define WORLD_H

#include "check.h"

typedef struct {
    uintptr_t session, device;
    uint64_t now;
    /* What the loop answers when it is asked about the health of the new image. */
    uint32_t healthy;
    /* Whether it drops the link when it is asked to; a caller behind a gateway cannot. */
    int controls_link;
    /* What the loop counted. */
    unsigned writes, notifications, link_resets, health_checks;
} world;

/* Made by the library itself; freed by the caller. */
static inline uint8_t *make_image(const char *version, uint32_t size, uint64_t seed, size_t *length) {
    uint8_t *bytes = malloc(size);
    CHECK(bytes != NULL);
    OK(smpfota_simulator_make_image(version, strlen(version), size, seed, bytes, size, length));
    EQUAL(*length, size);
    return bytes;
}

static inline uintptr_t open_image(const char *version, uint32_t size, uint64_t seed) {
    size_t length = 0;
    uint8_t *bytes = make_image(version, size, seed, &length);
    uintptr_t image = 0;
    smpfota_error error = no_error();
    OK_OR_SAY(smpfota_image_open_bytes(bytes, length, &image, &error), error);
    free(bytes);
    return image;
}

static inline uintptr_t open_device(uint32_t profile, uint32_t link, uint32_t fault, uint64_t seed, uint32_t flags) {
    smpfota_device_options options;
    OK(smpfota_device_options_init(&options, sizeof options));
    options.profile = profile;
    options.link = link;
    options.fault = fault;
    options.seed = seed;
    options.flags = flags;
    uintptr_t device = 0;
    smpfota_error error = no_error();
    OK_OR_SAY(smpfota_device_open(&options, &device, &error), error);
    return device;
}

/* Everything that has arrived by now goes to the session. */
static inline int deliver(world *w) {
    uint8_t bytes[4096];
    size_t length = 0;
    int delivered = 0;
    for (;;) {
        int32_t status = smpfota_device_read(w->device, w->now, bytes, sizeof bytes, &length);
        if (status == SMPFOTA_EMPTY) return delivered;
        OK(status);
        OK(smpfota_session_feed(w->session, w->now, bytes, length));
        w->notifications++;
        delivered = 1;
    }
}

/* Drives the operation to its end, in at most twelve hours of virtual time; its last status. */
static inline int32_t drive(world *w) {
    const uint64_t limit = w->now + 12ull * 3600 * 1000;
    uint8_t frame[512];
    while (w->now < limit) {
        size_t length = 77;
        int32_t status = smpfota_session_next_frame(w->session, w->now, frame, sizeof frame, &length);
        if (status == SMPFOTA_OK) {
            CHECK(length > 0 && length <= sizeof frame);
            OK(smpfota_device_write(w->device, w->now, frame, length));
            w->writes++;
            continue;
        }
        if (status >= 0) EQUAL(length, 0);
        if (status == SMPFOTA_LINK_RESET) {
            w->link_resets++;
            if (w->controls_link) {
                OK(smpfota_device_link(w->device, w->now, SMPFOTA_LINK_EVENT_DOWN));
                OK(smpfota_session_link(w->session, w->now, SMPFOTA_LINK_EVENT_DOWN, 0));
                w->now += 2000;
                OK(smpfota_device_link(w->device, w->now, SMPFOTA_LINK_EVENT_UP));
                OK(smpfota_session_link(w->session, w->now, SMPFOTA_LINK_EVENT_UP, 0));
                continue;
            }
        } else if (status == SMPFOTA_HEALTH_CHECK) {
            w->health_checks++;
            OK(smpfota_session_health(w->session, w->now, w->healthy));
            continue;
        } else if (status != SMPFOTA_WAIT) {
            return status;
        }
        if (deliver(w)) continue;
        uint64_t next = limit, deadline = 0;
        if (smpfota_session_deadline(w->session, &deadline) == SMPFOTA_OK && deadline < next) next = deadline;
        if (smpfota_device_deadline(w->device, &deadline) == SMPFOTA_OK && deadline < next) next = deadline;
        w->now = next > w->now ? next : w->now + 1;
    }
    FAIL("no end within twelve hours of virtual time");
}

/* The sentence of the failed operation, for a test that did not expect it. */
static inline void expect_end(world *w, int32_t expected) {
    int32_t status = drive(w);
    if (status == expected) return;
    smpfota_error error = no_error();
    (void)smpfota_session_error(w->session, &error);
    FAIL("the operation ended with %d instead of %d: %.*s", (int)status, (int)expected, (int)error.text_length,
         (const char *)error.text);
}

#endif
