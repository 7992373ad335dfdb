/*
 * Every function in any order with any arguments: hundreds of thousands of calls drawn from a seed, on handles that live, are
 * closed, are of another kind or never existed. Whatever happens has a status, and it is never PANIC.
 *
 * SMPFOTA_TEST_SEED  the seed (default 1); a failure names it
 * SMPFOTA_TEST_CALLS the number of calls
 */
#include "world.h"

static uint64_t seed, state;

static uint64_t draw(void) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return state * 0x2545f4914f6cdd1dull;
}

static uint32_t below(uint32_t limit) { return (uint32_t)(draw() >> 33) % limit; }

/* What was ever given out, by kind; closed ones stay in the list. */
enum { KINDS = 4, KEPT = 24, IMAGE = 0, SESSION, DECODER, DEVICE };
static uintptr_t handles[KINDS][KEPT];

static uintptr_t some(int kind) {
    switch (below(20)) {
        case 0: return (uintptr_t)draw();
        case 1: return handles[below(KINDS)][below(KEPT)];
        case 2: return handles[kind][below(KEPT)] + below(3) - 1;
        default: return handles[kind][below(KEPT)];
    }
}

static void keep(int kind, int32_t status, uintptr_t handle) {
    if (status == SMPFOTA_OK) {
        uintptr_t *place = &handles[kind][below(KEPT)];
        /* The one that leaves the list is closed, or nobody could. */
        switch (kind) {
            case IMAGE: (void)smpfota_image_close(*place); break;
            case SESSION: (void)smpfota_session_close(*place); break;
            case DECODER: (void)smpfota_serial_decoder_close(*place); break;
            default: (void)smpfota_device_close(*place);
        }
        *place = handle;
    } else {
        EQUAL(handle, 77);
    }
}

static uint8_t in[2048], out[4096];
static uint64_t clock_ms;

static uint64_t some_time(void) {
    switch (below(200)) {
        case 0: return draw();
        case 1: return UINT64_MAX;
        case 2: return 0;
        default: return clock_ms += below(400);
    }
}

static size_t some_length(void) { return below(8) == 0 ? below(sizeof in) : below(300); }
static size_t some_capacity(void) { return below(6) == 0 ? below(300) : sizeof out; }

/* Bytes that may be a frame. */
static size_t some_bytes(void) {
    size_t length = some_length();
    for (size_t i = 0; i < length; i++) in[i] = (uint8_t)draw();
    if (below(2) && length >= 9) {
        in[0] = below(2) ? 3 : 1, in[1] = 0, in[2] = 0, in[3] = (uint8_t)(below(2) ? length - 8 : 1), in[4] = 0;
        in[5] = (uint8_t)below(3), in[6] = (uint8_t)below(8), in[7] = (uint8_t)below(8), in[8] = below(2) ? 0xa0 : 0xbf;
    }
    return length;
}

static uint32_t few(uint32_t limit) { return below(30) == 0 ? (uint32_t)draw() : below(limit); }

static int32_t one_call(unsigned function) {
    static const char *const names[] = {"echo", "image_list", "reset", "dance", ""};
    static const char *const arguments[] = {"", "{}", "{\"text\":\"x\"}", "[1", "{\"text\":7}"};
    smpfota_error error_ = no_error(), *error = below(3) ? &error_ : NULL;
    if (below(20) == 0) error_.struct_size = below(600);
    uintptr_t handle = 77;
    size_t length = 0;
    uint64_t deadline = 0;
    int32_t status = 0;
    switch (function) {
        case 0: {
            size_t size = 0;
            uint8_t *image = make_image(below(2) ? "1.1.0" : "1.2.0", 200 + below(3000), below(4), &size);
            if (below(3) == 0) image[below((uint32_t)size)] ^= (uint8_t)draw();
            status = smpfota_image_open_bytes(image, below(4) ? size : below((uint32_t)size), &handle, error);
            free(image);
            keep(IMAGE, status, handle);
            return status;
        }
        case 1: {
            smpfota_image_info info;
            info.struct_size = below(200);
            return smpfota_image_info_get(some(IMAGE), few(2), &info);
        }
        case 2: return smpfota_image_describe(some(IMAGE), (char *)out, some_capacity(), &length);
        case 3: return below(3) ? 0 : smpfota_image_close(some(IMAGE));
        case 4: {
            smpfota_session_options options;
            OK(smpfota_session_options_init(&options, sizeof options));
            options.nonce = (uint32_t)draw();
            options.framing = few(2);
            if (below(4) == 0) options.max_write = few(300);
            if (below(4) == 0) options.max_frame = few(3000);
            if (below(4) == 0) options.window = few(18);
            if (below(4) == 0) options.smp_version = few(3);
            if (below(4) == 0) options.retries = few(10);
            if (below(4) == 0) options.timeout_ms = few(100000);
            if (below(4) == 0) options.reassembly = few(3);
            if (below(8) == 0) options.struct_size = below(100);
            status = smpfota_session_open(below(4) ? &options : NULL, &handle, error);
            keep(SESSION, status, handle);
            return status;
        }
        case 5: return below(4) ? 0 : smpfota_session_close(some(SESSION));
        case 6: case 7: {
            smpfota_update_options options;
            OK(smpfota_update_options_init(&options, sizeof options));
            options.mode = few(4);
            options.flags = few(16);
            if (below(4) == 0) options.slot_size = few(10000);
            if (below(4) == 0) options.deadline_ms = few(100000);
            return smpfota_session_start_update(some(SESSION), some(IMAGE), &options, error);
        }
        case 8: {
            const char *name = names[below(5)], *json = arguments[below(5)];
            return smpfota_session_start_command(some(SESSION), name, strlen(name), json, strlen(json), error);
        }
        case 9: return smpfota_session_start_request(some(SESSION), few(4), few(300), few(20), in, some_bytes(), error);
        case 10: return smpfota_session_deadline(some(SESSION), &deadline);
        case 11: return smpfota_session_link(some(SESSION), some_time(), few(3), few(400));
        case 12: return below(4) ? 0 : smpfota_session_cancel(some(SESSION), some_time());
        case 13: return smpfota_session_pause(some(SESSION), some_time());
        case 14: return smpfota_session_resume(some(SESSION), some_time());
        case 15: return smpfota_session_health(some(SESSION), some_time(), few(2));
        case 16: {
            smpfota_progress progress;
            progress.struct_size = below(100);
            return smpfota_session_progress_get(some(SESSION), some_time(), &progress);
        }
        case 17: return smpfota_session_result(some(SESSION), (char *)out, some_capacity(), &length);
        case 18: return smpfota_session_error(some(SESSION), error);
        case 19: return smpfota_session_next_event(some(SESSION), (char *)out, some_capacity(), &length);
        case 20: return smpfota_session_save(some(SESSION), out, some_capacity(), &length);
        case 21: {
            /* A snapshot of some session, sometimes with a wrong bit, sometimes with the wrong image. */
            uintptr_t saved = some(SESSION);
            if (smpfota_session_save(saved, out, sizeof out, &length) != SMPFOTA_OK) length = some_bytes(), memcpy(out, in, length);
            if (length > 0 && below(2)) out[below((uint32_t)length)] ^= (uint8_t)(1u << below(8));
            status = smpfota_session_restore(out, length, below(2) ? some(IMAGE) : 0, NULL, &handle, error);
            keep(SESSION, status, handle);
            return status;
        }
        case 22: return smpfota_explain_frame(in, some_bytes(), (char *)out, some_capacity(), &length);
        case 23: return smpfota_serial_encode(in, some_bytes(), out, some_capacity(), &length);
        case 24:
            status = smpfota_serial_decoder_open(few(1000), &handle);
            keep(DECODER, status, handle);
            return status;
        case 25: return smpfota_serial_decoder_feed(some(DECODER), in, some_bytes());
        case 26: return smpfota_serial_decoder_next(some(DECODER), out, some_capacity(), &length);
        case 27: return below(3) ? 0 : smpfota_serial_decoder_close(some(DECODER));
        case 28: {
            smpfota_device_options options;
            OK(smpfota_device_options_init(&options, sizeof options));
            options.profile = few(2);
            options.link = few(5);
            options.fault = few(11);
            options.seed = draw();
            options.flags = few(4);
            options.slot_size = 16384 + few(50000);
            status = smpfota_device_open(&options, &handle, error);
            keep(DEVICE, status, handle);
            return status;
        }
        case 29: return smpfota_device_install(some(DEVICE), in, some_bytes(), error);
        case 30: return smpfota_device_write(some(DEVICE), clock_ms, in, some_bytes());
        case 31: return smpfota_device_deadline(some(DEVICE), &deadline);
        case 32: return smpfota_device_link(some(DEVICE), clock_ms, few(2));
        case 33: return smpfota_device_describe(some(DEVICE), (char *)out, some_capacity(), &length);
        case 34: return below(6) ? 0 : smpfota_device_close(some(DEVICE));
        case 35: case 36: case 37: return smpfota_session_feed(some(SESSION), some_time(), in, some_bytes());
        default: {
            /* A step of an honest loop between some session and some device, so that operations get somewhere. */
            uintptr_t session = some(SESSION), device = handles[DEVICE][session % KEPT];
            for (int i = 0; i < 20; i++) {
                uint8_t *exact = malloc(244); /* an access beyond it is seen by valgrind and AddressSanitizer */
                CHECK(exact != NULL);
                status = smpfota_session_next_frame(session, clock_ms, exact, 244, &length);
                if (status == SMPFOTA_OK) (void)smpfota_device_write(device, clock_ms, exact, length);
                free(exact);
                clock_ms += below(60);
                while (smpfota_device_read(device, clock_ms, out, sizeof out, &length) == SMPFOTA_OK)
                    if (smpfota_session_feed(session, clock_ms, out, length) != SMPFOTA_OK) break;
            }
            return status;
        }
    }
}

int main(void) {
    const char *given = getenv("SMPFOTA_TEST_SEED"), *count = getenv("SMPFOTA_TEST_CALLS"), *mode = getenv("SMPFOTA_TEST_MODE");
    seed = given ? strtoull(given, NULL, 10) : 1;
    unsigned long calls = count ? strtoul(count, NULL, 10) : mode && strcmp(mode, "valgrind") == 0 ? 20000 : 200000;
    state = seed * 0x9e3779b97f4a7c15ull + 1;
    clock_ms = seed;
    unsigned long good = 0, done = 0;
    for (unsigned long i = 0; i < calls; i++) {
        unsigned function = below(48);
        int32_t status = one_call(function);
        char name[64];
        size_t length = 0;
        if (status == SMPFOTA_PANIC || smpfota_status_name(status, name, sizeof name, &length) != SMPFOTA_OK)
            FAIL("seed %llu, call %lu, function %u: status %d", (unsigned long long)seed, i, function, (int)status);
        good += status == SMPFOTA_OK;
        done += status == SMPFOTA_DONE;
    }
    CHECK(good > calls / 20);
    for (int kind = 0; kind < KINDS; kind++)
        for (int i = 0; i < KEPT; i++) keep(kind, SMPFOTA_OK, 0);
    for (int i = 0; i < KEPT; i++) {
        (void)smpfota_image_close(handles[IMAGE][i]);
        (void)smpfota_session_close(handles[SESSION][i]);
        (void)smpfota_serial_decoder_close(handles[DECODER][i]);
        (void)smpfota_device_close(handles[DEVICE][i]);
    }
    printf("%lu calls in any order, %lu of them OK, %lu operations done\n", calls, good, done);
    return 0;
}
