/*
 * A worker that lives for one message: each piece of an answer wakes a fresh one, which restores the session, feeds the piece,
 * sends what is to be sent, saves and is gone. Pieces of all sizes, as they are, repeated and lost.
 */
#include "world.h"

enum carrier { PLAIN, DUPLICATES, LOSS, CARRIERS };

static const char *const carrier_name[] = {"plain", "duplicates", "loss"};

/* What one write of the gateway carries, and one notification of the device. */
static const uint32_t sizes[][2] = {{20, 20},   {61, 61},   {128, 128}, {180, 180},
                                    {244, 244}, {498, 498}, {244, 20},  {498, 244}};

typedef struct {
    uint8_t bytes[1024];
    size_t length;
} piece;

/* Numbers that are the same in every run. */
static uint32_t chance(uint64_t *state, uint32_t one_in) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33) % one_in == 0;
}

/* A snapshot of any length, asked for with a capacity of 0. Freed by the caller. */
static uint8_t *saved(uintptr_t session, size_t *size) {
    size_t length = 0;
    STATUS(smpfota_session_save(session, NULL, 0, size), SMPFOTA_BUFFER_TOO_SMALL);
    uint8_t *snapshot = malloc(*size);
    CHECK(snapshot != NULL);
    OK(smpfota_session_save(session, snapshot, *size, &length));
    EQUAL(length, *size);
    return snapshot;
}

/* One life: true when the update has ended. */
static int live(world *w, uintptr_t image, const piece *message, size_t *longest) {
    size_t size = 0, length = 0;
    uint8_t frame[1024];
    uint8_t *snapshot = saved(w->session, &size);
    *longest = size > *longest ? size : *longest;
    OK(smpfota_session_close(w->session));
    smpfota_error error = no_error();
    OK_OR_SAY(smpfota_session_restore(snapshot, size, image, NULL, &w->session, &error), error);
    free(snapshot);
    if (message->length > 0) OK(smpfota_session_feed(w->session, w->now, message->bytes, message->length));
    for (;;) {
        int32_t status = smpfota_session_next_frame(w->session, w->now, frame, sizeof frame, &length);
        if (status == SMPFOTA_OK) {
            OK(smpfota_device_write(w->device, w->now, frame, length));
            w->writes++;
            continue;
        }
        if (status == SMPFOTA_DONE) return 1;
        if (status < 0) {
            (void)smpfota_session_error(w->session, &error);
            FAIL("the update ended with %d: %.*s", (int)status, (int)error.text_length, (const char *)error.text);
        }
        /* A link that cannot be reset is waited for, and so is everything else. */
        return 0;
    }
}

/* Until the next message, or the deadline; the message, of length 0 for none. */
static piece sleep_until_message(world *w) {
    piece message = {.length = 0};
    uint64_t wake = w->now, next = 0;
    OK(smpfota_session_deadline(w->session, &wake));
    for (;;) {
        int32_t status = smpfota_device_read(w->device, w->now, message.bytes, sizeof message.bytes, &message.length);
        if (status == SMPFOTA_OK) return message;
        STATUS(status, SMPFOTA_EMPTY);
        message.length = 0;
        if (w->now >= wake) return message;
        int32_t comes = smpfota_device_deadline(w->device, &next);
        CHECK(comes >= 0);
        w->now = comes != SMPFOTA_OK || next > wake ? wake : next > w->now ? next : w->now + 1;
    }
}

static unsigned update(uint32_t profile, const uint32_t size[2], enum carrier carrier, uint64_t seed) {
    uintptr_t image = open_image("1.1.0", 6000, 9);
    world w;
    memset(&w, 0, sizeof w);
    smpfota_device_options device;
    OK(smpfota_device_options_init(&device, sizeof device));
    device.profile = profile;
    device.flags = SMPFOTA_DEVICE_FLAG_REASSEMBLY;
    device.max_write = size[1];
    smpfota_error error = no_error();
    OK_OR_SAY(smpfota_device_open(&device, &w.device, &error), error);
    smpfota_session_options options;
    OK(smpfota_session_options_init(&options, sizeof options));
    options.max_write = size[0];
    OK_OR_SAY(smpfota_session_open(&options, &w.session, &error), error);
    smpfota_update_options how;
    OK(smpfota_update_options_init(&how, sizeof how));
    OK_OR_SAY(smpfota_session_start_update(w.session, image, &how, &error), error);

    /* About one answer in eight meets what the carrier does to pieces. */
    const uint32_t one_in = size[1] < 300 ? 8 * (300 / size[1]) : 8;
    piece message = {.length = 0};
    unsigned met = 0, steps = 0, stood = 0, again = 0;
    uint64_t before = 0;
    size_t longest = 0;
    while (!live(&w, image, &message, &longest)) {
        steps++;
        /* Time or bytes move on. */
        stood = w.now == before && message.length == 0 ? stood + 1 : 0;
        before = w.now;
        if (stood > 100 || steps > 20000) FAIL("it stands still at %llu ms after %u lives", (unsigned long long)w.now, steps);
        if (again) {
            again = 0;
            continue;
        }
        message = sleep_until_message(&w);
        if (message.length == 0 || carrier == PLAIN || !chance(&seed, one_in)) continue;
        met++;
        if (carrier == DUPLICATES) again = 1;
        else message.length = 0;
    }
    CHECK(steps > 15);
    CHECK(longest <= 512 + 1024);
    char *state = text_of(smpfota_device_describe, w.device);
    expect_words(state, "1.1.0");
    free(state);
    char *result = text_of(smpfota_session_result, w.session);
    expect_words(result, "\"confirmed\":true");
    free(result);
    OK(smpfota_session_close(w.session));
    OK(smpfota_device_close(w.device));
    OK(smpfota_image_close(image));
    return met;
}

int main(void) {
    const uint32_t profiles[] = {SMPFOTA_PROFILE_ZEPHYR_4_4, SMPFOTA_PROFILE_NCS_2_1};
    for (int carrier = 0; carrier < CARRIERS; carrier++) {
        unsigned right = 0;
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            unsigned met = 0;
            for (size_t profile = 0; profile < 2; profile++)
                for (uint64_t seed = 1; seed <= 3; seed++)
                    met += update(profiles[profile], sizes[i], (enum carrier)carrier, seed);
            CHECK(carrier == PLAIN || met > 0);
            right++;
        }
        printf("%s: %u of %zu sizes end updated\n", carrier_name[carrier], right, sizeof sizes / sizeof *sizes);
    }
    return 0;
}
