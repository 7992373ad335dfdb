/* Everything a caller can do wrong: each gives a status, and nothing has changed. */
#include "world.h"

/* Handles that are none, or none of the kind that is asked for. */
static void expect_invalid_everywhere(uintptr_t image, uintptr_t session, uintptr_t decoder, uintptr_t device) {
    uint8_t bytes[600] = {0};
    char text[600];
    size_t length = 0;
    uint64_t deadline = 0;
    smpfota_error error = no_error();
    smpfota_image_info info;
    memset(&info, 0, sizeof info);
    info.struct_size = sizeof info;
    smpfota_progress progress;
    memset(&progress, 0, sizeof progress);
    progress.struct_size = sizeof progress;
    uintptr_t good = 0;
    OK(smpfota_session_open(NULL, &good, NULL));

    STATUS(smpfota_image_info_get(image, 0, &info), SMPFOTA_INVALID_HANDLE);
    STATUS(smpfota_image_describe(image, text, sizeof text, &length), SMPFOTA_INVALID_HANDLE);
    STATUS(smpfota_session_start_update(good, image, NULL, &error), SMPFOTA_INVALID_HANDLE);
    EQUAL(error.status, SMPFOTA_INVALID_HANDLE);
    STATUS(smpfota_image_close(image), SMPFOTA_INVALID_HANDLE);

    STATUS(smpfota_session_start_command(session, "echo", 4, "{\"text\":\"x\"}", 12, &error), SMPFOTA_INVALID_HANDLE);
    STATUS(smpfota_session_start_upload(session, "{\"name\":\"x\"}", 12, bytes, 1, &error), SMPFOTA_INVALID_HANDLE);
    STATUS(smpfota_session_file_read(session, 0, bytes, sizeof bytes, &length), SMPFOTA_INVALID_HANDLE);
    STATUS(smpfota_session_start_request(session, 0, 0, 0, NULL, 0, &error), SMPFOTA_INVALID_HANDLE);
    STATUS(smpfota_session_next_frame(session, 0, bytes, sizeof bytes, &length), SMPFOTA_INVALID_HANDLE);
    STATUS(smpfota_session_feed(session, 0, bytes, sizeof bytes), SMPFOTA_INVALID_HANDLE);
    STATUS(smpfota_session_deadline(session, &deadline), SMPFOTA_INVALID_HANDLE);
    uint32_t delay = 0, wait = 0;
    STATUS(smpfota_session_next_write(session, 0, bytes, sizeof bytes, &length, &delay), SMPFOTA_INVALID_HANDLE);
    STATUS(smpfota_session_expected(session, &delay, &wait), SMPFOTA_INVALID_HANDLE);
    STATUS(smpfota_session_call_returned(session, 0), SMPFOTA_INVALID_HANDLE);
    STATUS(smpfota_session_link(session, 0, SMPFOTA_LINK_EVENT_DOWN, 0), SMPFOTA_INVALID_HANDLE);
    STATUS(smpfota_session_cancel(session, 0), SMPFOTA_INVALID_HANDLE);
    STATUS(smpfota_session_pause(session, 0), SMPFOTA_INVALID_HANDLE);
    STATUS(smpfota_session_resume(session, 0), SMPFOTA_INVALID_HANDLE);
    STATUS(smpfota_session_health(session, 0, 1), SMPFOTA_INVALID_HANDLE);
    STATUS(smpfota_session_progress_get(session, 0, &progress), SMPFOTA_INVALID_HANDLE);
    STATUS(smpfota_session_result(session, text, sizeof text, &length), SMPFOTA_INVALID_HANDLE);
    STATUS(smpfota_session_error(session, &error), SMPFOTA_INVALID_HANDLE);
    STATUS(smpfota_session_failure(session, text, sizeof text, &length), SMPFOTA_INVALID_HANDLE);
    uint32_t left_with = 99;
    STATUS(smpfota_session_left_with(session, &left_with), SMPFOTA_INVALID_HANDLE);
    EQUAL(left_with, 99);
    STATUS(smpfota_session_next_event(session, text, sizeof text, &length), SMPFOTA_INVALID_HANDLE);
    STATUS(smpfota_session_save(session, bytes, sizeof bytes, &length), SMPFOTA_INVALID_HANDLE);
    STATUS(smpfota_session_close(session), SMPFOTA_INVALID_HANDLE);

    STATUS(smpfota_serial_decoder_feed(decoder, bytes, sizeof bytes), SMPFOTA_INVALID_HANDLE);
    STATUS(smpfota_serial_decoder_next(decoder, bytes, sizeof bytes, &length), SMPFOTA_INVALID_HANDLE);
    STATUS(smpfota_serial_decoder_close(decoder), SMPFOTA_INVALID_HANDLE);

    STATUS(smpfota_device_install(device, bytes, sizeof bytes, &error), SMPFOTA_INVALID_HANDLE);
    STATUS(smpfota_device_write(device, 0, bytes, 10), SMPFOTA_INVALID_HANDLE);
    STATUS(smpfota_device_read(device, 0, bytes, sizeof bytes, &length), SMPFOTA_INVALID_HANDLE);
    STATUS(smpfota_device_deadline(device, &deadline), SMPFOTA_INVALID_HANDLE);
    STATUS(smpfota_device_link(device, 0, SMPFOTA_LINK_EVENT_DOWN), SMPFOTA_INVALID_HANDLE);
    STATUS(smpfota_device_describe(device, text, sizeof text, &length), SMPFOTA_INVALID_HANDLE);
    STATUS(smpfota_device_close(device), SMPFOTA_INVALID_HANDLE);
    EQUAL(length, 0);
    OK(smpfota_session_close(good));
}

static void handles_that_are_none(void) {
    const uintptr_t invented[] = {0, 1, 2, 255, 256, 0x10000, (uintptr_t)-1, (uintptr_t)-2, UINTPTR_MAX / 2, UINTPTR_MAX / 2 + 1,
                                  (uintptr_t)&handles_that_are_none};
    for (size_t i = 0; i < sizeof invented / sizeof *invented; i++)
        expect_invalid_everywhere(invented[i], invented[i], invented[i], invented[i]);

    /* Random ones, from a generator of our own so that a failure comes again. */
    uint64_t state = 88172645463325252ull;
    for (int i = 0; i < 300; i++) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        uintptr_t value = (uintptr_t)state;
        expect_invalid_everywhere(value, value, value, value);
    }

    /* Each kind where another one is wanted, and each after it was closed. */
    uintptr_t image = open_image("1.1.0", 1000, 1), session = 0, decoder = 0, device = open_device(0, 0, 0, 1, 0);
    OK(smpfota_session_open(NULL, &session, NULL));
    OK(smpfota_serial_decoder_open(0, &decoder));
    expect_invalid_everywhere(session, image, image, image);
    expect_invalid_everywhere(decoder, decoder, session, session);
    expect_invalid_everywhere(device, device, device, decoder);
    OK(smpfota_image_close(image));
    OK(smpfota_session_close(session));
    OK(smpfota_serial_decoder_close(decoder));
    OK(smpfota_device_close(device));
    expect_invalid_everywhere(image, session, decoder, device);
}

/* A handle in a language whose only numbers are doubles; fails where it does not come back. */
static uintptr_t through_double(uintptr_t handle) {
    double number = (double)handle;
    CHECK(number < 9007199254740992.0); /* 2^53 */
    CHECK((uintptr_t)number == handle);
    return (uintptr_t)number;
}

static void handles_that_were_doubles(void) {
    enum { EACH = 40 };
    uintptr_t all[5][EACH];
    for (int i = 0; i < EACH; i++) {
        all[0][i] = through_double(open_image("1.1.0", 1000, 1));
        all[3][i] = through_double(open_device(0, 0, 0, 1, 0));
        uintptr_t handle = 0;
        OK(smpfota_session_open(NULL, &handle, NULL));
        all[1][i] = through_double(handle);
        OK(smpfota_serial_decoder_open(0, &handle));
        all[2][i] = through_double(handle);
        OK(smpfota_trace_open(&handle));
        all[4][i] = through_double(handle);
    }
    /* Each still names its own, and what becomes of one by arithmetic names nothing. */
    OK(smpfota_session_start_command(all[1][2], "image_list", 10, NULL, 0, NULL));
    uint8_t frame[300];
    size_t length = 0;
    STATUS(smpfota_session_next_frame(all[1][0], 0, frame, sizeof frame, &length), SMPFOTA_NO_OPERATION);
    OK(smpfota_session_next_frame(all[1][2], 0, frame, sizeof frame, &length));
    for (int kind = 0; kind < 5; kind++) {
        uintptr_t one = all[kind][7];
        const uintptr_t wrong[] = {(uintptr_t)0 - one, ~one, one >> 1, one << 1, one << 2, one << 8, one >> 8, one ^ (one >> 1) >> 2,
                                   (uintptr_t)(float)one + 1000, one | (uintptr_t)1 << (sizeof one * 8 - 1), (uintptr_t)&one};
        for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
            if (wrong[i] != one) /* The top bit is a device's own with 32 bits. */
                expect_invalid_everywhere(wrong[i], wrong[i], wrong[i], wrong[i]);
    }
    for (int i = 0; i < EACH; i++) {
        OK(smpfota_image_close(all[0][i]));
        OK(smpfota_session_close(all[1][i]));
        OK(smpfota_serial_decoder_close(all[2][i]));
        OK(smpfota_device_close(all[3][i]));
        OK(smpfota_trace_close(all[4][i]));
    }
}

static void pointers_that_are_null(void) {
    uint8_t bytes[600] = {0};
    char text[600];
    size_t length = 77;
    smpfota_error error = no_error();
    uintptr_t handle = 77, session = 0, decoder = 0, device = open_device(0, 0, 0, 1, 0);
    OK(smpfota_session_open(NULL, &session, NULL));
    OK(smpfota_serial_decoder_open(0, &decoder));

    STATUS(smpfota_version(NULL, 10, &length), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_version(text, 10, NULL), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_status_name(0, NULL, 1, &length), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_status_text(0, text, sizeof text, NULL), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_finding_name(0, text, sizeof text, NULL), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_image_open_file(NULL, 5, &handle, &error), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_image_open_file("a", 1, NULL, &error), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_image_open_bytes(NULL, 5, &handle, &error), SMPFOTA_NULL_POINTER);
    EQUAL(error.status, SMPFOTA_NULL_POINTER);
    STATUS(smpfota_image_open_bytes(bytes, 5, NULL, &error), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_image_info_get(handle, 0, NULL), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_session_options_init(NULL, 64), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_update_options_init(NULL, 32), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_device_options_init(NULL, 48), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_session_open(NULL, NULL, &error), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_session_start_command(session, NULL, 4, NULL, 0, &error), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_session_start_command(session, "echo", 4, NULL, 4, &error), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_session_start_upload(session, "{\"name\":\"x\"}", 12, NULL, 1, &error), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_session_start_upload(session, NULL, 12, bytes, 1, &error), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_session_file_read(session, 0, NULL, 1, &length), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_session_file_read(session, 0, bytes, sizeof bytes, NULL), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_session_start_request(session, 0, 0, 0, NULL, 1, &error), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_session_next_frame(session, 0, NULL, 244, &length), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_session_next_frame(session, 0, bytes, 244, NULL), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_session_feed(session, 0, NULL, 1), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_session_deadline(session, NULL), SMPFOTA_NULL_POINTER);
    uint32_t delay = 0;
    STATUS(smpfota_session_next_write(session, 0, bytes, 244, &length, NULL), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_session_next_write(session, 0, bytes, 244, NULL, &delay), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_session_expected(session, NULL, &delay), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_session_expected(session, &delay, NULL), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_session_progress_get(session, 0, NULL), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_session_result(session, text, sizeof text, NULL), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_session_error(session, NULL), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_session_failure(session, text, sizeof text, NULL), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_session_left_with(session, NULL), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_status_retry(0, NULL), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_session_next_event(session, NULL, 1, &length), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_session_save(session, NULL, 512, &length), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_session_restore(NULL, 5, 0, NULL, &handle, &error), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_session_restore(bytes, 5, 0, NULL, NULL, &error), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_explain_frame(NULL, 9, text, sizeof text, &length), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_explain_frame(bytes, 9, text, sizeof text, NULL), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_serial_encode(NULL, 9, bytes, sizeof bytes, &length), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_serial_encode(bytes, 9, NULL, 9, &length), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_serial_decoder_open(0, NULL), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_serial_decoder_feed(decoder, NULL, 1), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_serial_decoder_next(decoder, NULL, 1, &length), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_device_open(NULL, NULL, &error), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_device_install(device, NULL, 9, &error), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_device_write(device, 0, NULL, 9), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_device_read(device, 0, bytes, sizeof bytes, NULL), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_device_deadline(device, NULL), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_device_describe(device, text, sizeof text, NULL), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_simulator_make_image(NULL, 5, 100, 1, bytes, sizeof bytes, &length), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_simulator_make_image("1.0.0", 5, 100, 1, bytes, sizeof bytes, NULL), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_simulator_fault_name(0, text, sizeof text, NULL), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_simulator_link_name(0, NULL, 4, &length), SMPFOTA_NULL_POINTER);
    EQUAL(length, 77);
    EQUAL(handle, 77);

    /* With nothing to read, the pointer is not looked at. */
    const uint8_t *nowhere = (const uint8_t *)(uintptr_t)8;
    OK(smpfota_session_feed(session, 0, nowhere, 0));
    OK(smpfota_serial_decoder_feed(decoder, NULL, 0));
    OK(smpfota_device_write(device, 0, NULL, 0));
    STATUS(smpfota_image_open_bytes(nowhere, 0, &handle, NULL), SMPFOTA_NOT_AN_IMAGE);
    STATUS(smpfota_image_open_file(NULL, 0, &handle, NULL), SMPFOTA_INVALID_ARGUMENT);
    STATUS(smpfota_serial_encode(NULL, 0, bytes, sizeof bytes, &length), SMPFOTA_INVALID_ARGUMENT);
    STATUS(smpfota_session_start_command(session, NULL, 0, NULL, 0, NULL), SMPFOTA_UNKNOWN_COMMAND);
    OK(smpfota_explain_frame(NULL, 0, text, sizeof text, &length));
    /* Lengths that no memory has. */
    STATUS(smpfota_session_feed(session, 0, bytes, SIZE_MAX), SMPFOTA_INVALID_ARGUMENT);
    STATUS(smpfota_image_open_bytes(bytes, SIZE_MAX, &handle, NULL), SMPFOTA_INVALID_ARGUMENT);
    STATUS(smpfota_session_next_frame(session, 0, bytes, SIZE_MAX, &length), SMPFOTA_INVALID_ARGUMENT);
    OK(smpfota_session_close(session));
    OK(smpfota_serial_decoder_close(decoder));
    OK(smpfota_device_close(device));
}

static void buffers_that_are_too_small(void) {
    char text[64];
    size_t length = 0, whole = 0;
    STATUS(smpfota_version(NULL, 0, &whole), SMPFOTA_BUFFER_TOO_SMALL);
    for (size_t capacity = 0; capacity < whole; capacity++) {
        memset(text, '#', sizeof text);
        STATUS(smpfota_version(text, capacity, &length), SMPFOTA_BUFFER_TOO_SMALL);
        EQUAL(length, whole);
        for (size_t i = 0; i < sizeof text; i++) CHECK(text[i] == '#');
    }
    OK(smpfota_version(text, whole, &length));
    CHECK(text[whole] == '#'); /* no NUL */

    uintptr_t session = 0;
    uint8_t frame[300];
    OK(smpfota_session_open(NULL, &session, NULL));
    OK(smpfota_session_start_command(session, "image_list", 10, NULL, 0, NULL));
    for (int i = 0; i < 3; i++) {
        STATUS(smpfota_session_next_frame(session, 5, frame, 243, &length), SMPFOTA_BUFFER_TOO_SMALL);
        EQUAL(length, 244);
    }
    OK(smpfota_session_next_frame(session, 5, frame, 244, &length)); /* the first frame is still to come */
    /* An event stays until it fits. */
    OK(smpfota_session_link(session, 6, SMPFOTA_LINK_EVENT_DOWN, 0));
    STATUS(smpfota_session_next_event(session, text, 3, &length), SMPFOTA_BUFFER_TOO_SMALL);
    whole = length;
    OK(smpfota_session_next_event(session, text, sizeof text, &length));
    EQUAL(length, whole);
    STATUS(smpfota_session_next_event(session, text, sizeof text, &length), SMPFOTA_EMPTY);
    OK(smpfota_session_close(session));

    /* A notification stays until it fits. */
    world w = {0};
    w.now = 50;
    w.device = open_device(0, 0, 0, 1, 0);
    const uint8_t echo[] = {0x02, 0, 0, 5, 0, 0, 1, 0, 0xa1, 0x61, 0x64, 0x61, 0x78};
    OK(smpfota_device_write(w.device, w.now, echo, sizeof echo));
    while (smpfota_device_read(w.device, w.now, frame, 3, &length) == SMPFOTA_EMPTY) {
        uint64_t next = 0;
        OK(smpfota_device_deadline(w.device, &next));
        w.now = next > w.now ? next : w.now + 1;
    }
    STATUS(smpfota_device_read(w.device, w.now, frame, 3, &length), SMPFOTA_BUFFER_TOO_SMALL);
    OK(smpfota_device_read(w.device, w.now, frame, length, &length));
    EQUAL(frame[0], 3);
    OK(smpfota_device_close(w.device));
}

static void numbers_outside_their_range(void) {
    char text[300];
    size_t length = 0;
    uint8_t bytes[300];
    STATUS(smpfota_status_name(-9999, text, sizeof text, &length), SMPFOTA_INVALID_ARGUMENT);
    /* A newer library may send numbers that this program's header lacks: the range says what kind they are. */
    OK(smpfota_status_text(6, text, sizeof text, &length));
    OK(smpfota_status_text(-9999, text, sizeof text, &length));
    STATUS(smpfota_phase_name(99, text, sizeof text, &length), SMPFOTA_INVALID_ARGUMENT);
    STATUS(smpfota_finding_name(999, text, sizeof text, &length), SMPFOTA_INVALID_ARGUMENT);
    uint32_t retry = 99;
    STATUS(smpfota_status_retry(-9999, &retry), SMPFOTA_INVALID_ARGUMENT);
    EQUAL(retry, 99);
    OK(smpfota_status_retry(SMPFOTA_TIMEOUT, &retry));
    EQUAL(retry, SMPFOTA_RETRY_LATER);
    OK(smpfota_status_retry(SMPFOTA_DONE, &retry));
    EQUAL(retry, SMPFOTA_RETRY_NONE);
    STATUS(smpfota_simulator_fault_name(999, text, sizeof text, &length), SMPFOTA_INVALID_ARGUMENT);
    STATUS(smpfota_simulator_link_name(UINT32_MAX, text, sizeof text, &length), SMPFOTA_INVALID_ARGUMENT);
    STATUS(smpfota_simulator_make_image("1.0", 3, 100, 1, bytes, sizeof bytes, &length), SMPFOTA_INVALID_ARGUMENT);
    STATUS(smpfota_simulator_make_image("1.0.0", 5, 10, 1, bytes, sizeof bytes, &length), SMPFOTA_INVALID_ARGUMENT);
    STATUS(smpfota_simulator_make_image("1.0.0", 5, UINT32_MAX, 1, bytes, sizeof bytes, &length), SMPFOTA_INVALID_ARGUMENT);
    uintptr_t handle = 77;
    STATUS(smpfota_serial_decoder_open(65534, &handle), SMPFOTA_INVALID_ARGUMENT);

    smpfota_error error = no_error();
    smpfota_session_options session_options;
    OK(smpfota_session_options_init(&session_options, sizeof session_options));
    smpfota_session_options wrong = session_options;
    wrong.framing = 2;
    STATUS(smpfota_session_open(&wrong, &handle, &error), SMPFOTA_INVALID_ARGUMENT);
    CHECK(error.text_length > 10);
    wrong = session_options;
    wrong.max_write = 3;
    STATUS(smpfota_session_open(&wrong, &handle, &error), SMPFOTA_INVALID_ARGUMENT);
    wrong = session_options;
    wrong.reserved = 1;
    STATUS(smpfota_session_open(&wrong, &handle, NULL), SMPFOTA_INVALID_ARGUMENT);
    smpfota_device_options device_options;
    OK(smpfota_device_options_init(&device_options, sizeof device_options));
    for (int field = 0; field < 5; field++) {
        smpfota_device_options other = device_options;
        *(field == 0 ? &other.profile : field == 1 ? &other.link : field == 2 ? &other.fault : field == 3 ? &other.flags : &other.slot_size) = 4000;
        STATUS(smpfota_device_open(&other, &handle, &error), SMPFOTA_INVALID_ARGUMENT);
    }
    EQUAL(handle, 77);

    uintptr_t session = 0, image = open_image("1.1.0", 1000, 1);
    OK(smpfota_session_open(NULL, &session, NULL));
    smpfota_update_options update_options;
    OK(smpfota_update_options_init(&update_options, sizeof update_options));
    update_options.mode = 4;
    STATUS(smpfota_session_start_update(session, image, &update_options, &error), SMPFOTA_INVALID_ARGUMENT);
    update_options.mode = 0;
    update_options.flags = 1024;
    STATUS(smpfota_session_start_update(session, image, &update_options, &error), SMPFOTA_INVALID_ARGUMENT);
    STATUS(smpfota_session_start_request(session, 1, 0, 0, NULL, 0, &error), SMPFOTA_INVALID_ARGUMENT);
    STATUS(smpfota_session_start_request(session, 0, 65536, 0, NULL, 0, &error), SMPFOTA_INVALID_ARGUMENT);
    STATUS(smpfota_session_start_request(session, 0, 0, 256, NULL, 0, &error), SMPFOTA_INVALID_ARGUMENT);
    STATUS(smpfota_session_start_command(session, "dance", 5, NULL, 0, &error), SMPFOTA_UNKNOWN_COMMAND);
    STATUS(smpfota_session_start_command(session, "\xff", 1, NULL, 0, &error), SMPFOTA_INVALID_ARGUMENT);
    STATUS(smpfota_session_start_command(session, "echo", 4, "{", 1, &error), SMPFOTA_INVALID_JSON);
    STATUS(smpfota_session_start_upload(session, "{", 1, (const uint8_t *)"x", 1, &error), SMPFOTA_INVALID_JSON);
    STATUS(smpfota_session_start_upload(session, "{\"name\":\"x\"}", 12, NULL, 0, &error), SMPFOTA_INVALID_ARGUMENT);
    STATUS(smpfota_session_start_upload(session, "{\"name\":\"x\",\"content_hex\":\"00\"}", 31, (const uint8_t *)"x", 1, &error), SMPFOTA_INVALID_ARGUMENT);
    STATUS(smpfota_session_start_upload(session, "{}", 2, (const uint8_t *)"x", 1, &error), SMPFOTA_INVALID_ARGUMENT);
    STATUS(smpfota_session_start_command(session, "echo", 4, "[]", 2, &error), SMPFOTA_INVALID_JSON);
    STATUS(smpfota_session_start_command(session, "echo", 4, "\xff", 1, &error), SMPFOTA_INVALID_JSON);
    STATUS(smpfota_session_link(session, 0, 3, 0), SMPFOTA_INVALID_ARGUMENT);
    STATUS(smpfota_session_link(session, 0, SMPFOTA_LINK_EVENT_BONDS_LOST + 1, 0), SMPFOTA_INVALID_ARGUMENT);
    STATUS(smpfota_session_link(session, 0, SMPFOTA_LINK_EVENT_MAX_WRITE, 19), SMPFOTA_INVALID_ARGUMENT);
    STATUS(smpfota_session_link(session, 0, SMPFOTA_LINK_EVENT_MAX_WRITE, 65536), SMPFOTA_INVALID_ARGUMENT);
    STATUS(smpfota_session_health(session, 0, 2), SMPFOTA_INVALID_ARGUMENT);
    STATUS(smpfota_image_open_file("\xff\xfe", 2, &handle, &error), SMPFOTA_INVALID_ARGUMENT);
    /* None of it has started anything. */
    STATUS(smpfota_session_next_frame(session, 0, bytes, sizeof bytes, &length), SMPFOTA_NO_OPERATION);
    OK(smpfota_session_close(session));
    OK(smpfota_image_close(image));
}

static void calls_in_the_wrong_order(void) {
    uintptr_t session = 0, image = open_image("1.1.0", 1000, 1);
    uint8_t frame[300];
    char text[300];
    size_t length = 0;
    uint64_t deadline = 0;
    smpfota_error error = no_error();
    OK(smpfota_session_open(NULL, &session, NULL));
    STATUS(smpfota_session_next_frame(session, 0, frame, sizeof frame, &length), SMPFOTA_NO_OPERATION);
    STATUS(smpfota_session_deadline(session, &deadline), SMPFOTA_EMPTY);
    STATUS(smpfota_session_cancel(session, 0), SMPFOTA_NO_OPERATION);
    STATUS(smpfota_session_pause(session, 0), SMPFOTA_NO_OPERATION);
    STATUS(smpfota_session_resume(session, 0), SMPFOTA_NO_OPERATION);
    STATUS(smpfota_session_health(session, 0, 1), SMPFOTA_NO_OPERATION);
    STATUS(smpfota_session_result(session, text, sizeof text, &length), SMPFOTA_NO_OPERATION);
    STATUS(smpfota_session_file_read(session, 0, frame, sizeof frame, &length), SMPFOTA_NO_OPERATION);
    STATUS(smpfota_session_error(session, &error), SMPFOTA_EMPTY);
    STATUS(smpfota_session_failure(session, text, sizeof text, &length), SMPFOTA_EMPTY);
    uint32_t left_with = 99;
    OK(smpfota_session_left_with(session, &left_with));
    EQUAL(left_with, SMPFOTA_LEFT_WITH_UNKNOWN);
    STATUS(smpfota_session_next_event(session, text, sizeof text, &length), SMPFOTA_EMPTY);
    OK(smpfota_session_start_update(session, image, NULL, NULL));
    STATUS(smpfota_session_start_update(session, image, NULL, &error), SMPFOTA_OPERATION_RUNNING);
    STATUS(smpfota_session_start_command(session, "image_list", 10, NULL, 0, &error), SMPFOTA_OPERATION_RUNNING);
    STATUS(smpfota_session_start_request(session, 0, 0, 0, NULL, 0, &error), SMPFOTA_OPERATION_RUNNING);
    STATUS(smpfota_session_resume(session, 0), SMPFOTA_WRONG_STATE);
    STATUS(smpfota_session_health(session, 0, 1), SMPFOTA_WRONG_STATE);
    STATUS(smpfota_session_result(session, text, sizeof text, &length), SMPFOTA_NO_OPERATION);
    OK(smpfota_session_next_frame(session, 0, frame, sizeof frame, &length));
    OK(smpfota_image_close(image));
    STATUS(smpfota_session_start_update(session, image, NULL, &error), SMPFOTA_INVALID_HANDLE);
    OK(smpfota_session_close(session));
    STATUS(smpfota_session_close(session), SMPFOTA_INVALID_HANDLE);
}

static void files_that_are_no_image(void) {
    size_t length = 0;
    uint8_t *good = make_image("1.1.0", 2000, 3, &length);
    uint8_t *bad = malloc(length);
    CHECK(bad != NULL);
    uintptr_t image = 77;
    smpfota_error error = no_error();
    const char *words = "hello, world, this is a text and not an image of any kind";
    STATUS(smpfota_image_open_bytes((const uint8_t *)words, strlen(words), &image, &error), SMPFOTA_NOT_AN_IMAGE);
    EQUAL(error.status, SMPFOTA_NOT_AN_IMAGE);
    EQUAL(error.group, -1);
    EQUAL(error.code, -1);
    CHECK(error.text_length > 20);
    for (size_t end = 4; end < length; end += 13)
        STATUS(smpfota_image_open_bytes(good, end, &image, &error), SMPFOTA_IMAGE_TRUNCATED);
    memcpy(bad, good, length);
    bad[500] ^= 1;
    STATUS(smpfota_image_open_bytes(bad, length, &image, &error), SMPFOTA_IMAGE_HASH_MISMATCH);
    const char *path = "/no/such/file.bin";
    STATUS(smpfota_image_open_file(path, strlen(path), &image, &error), SMPFOTA_FILE_UNREADABLE);
    STATUS(smpfota_image_open_file("/", 1, &image, &error), SMPFOTA_FILE_UNREADABLE);
    EQUAL(image, 77);
    /* Any single byte of an image may be anything. */
    for (size_t at = 0; at < 100; at++) {
        memcpy(bad, good, length);
        bad[at] ^= (uint8_t)(0x55 + at);
        uintptr_t maybe = 0;
        int32_t status = smpfota_image_open_bytes(bad, length, &maybe, NULL);
        CHECK(status < 0 && status > -200);
    }
    free(bad);
    free(good);
}

static void structs_of_other_sizes(void) {
    /* An error too small for its fixed part is refused before anything happens. */
    smpfota_error error = no_error();
    uintptr_t handle = 77;
    error.struct_size = 23;
    STATUS(smpfota_session_open(NULL, &handle, &error), SMPFOTA_STRUCT_SIZE);
    EQUAL(handle, 77);
    /* A short one gets as much of the sentence as it holds. */
    error.struct_size = 34;
    memset(error.text, '#', sizeof error.text);
    STATUS(smpfota_image_open_bytes((const uint8_t *)"nothing at all", 14, &handle, &error), SMPFOTA_NOT_AN_IMAGE);
    CHECK(error.text_length > 0 && error.text_length <= 10);
    EQUAL(error.struct_size, 34);
    for (size_t i = 10; i < sizeof error.text; i++) EQUAL(error.text[i], '#');

    /* Options of an older program: what it does not know has its default. */
    struct { uint32_t struct_size, framing, max_write; } older = {sizeof older, SMPFOTA_FRAMING_RAW, 100};
    OK(smpfota_session_open((const smpfota_session_options *)(const void *)&older, &handle, NULL));
    uint8_t frame[300];
    size_t length = 0;
    OK(smpfota_session_start_command(handle, "image_list", 10, NULL, 0, NULL));
    STATUS(smpfota_session_next_frame(handle, 0, frame, 99, &length), SMPFOTA_BUFFER_TOO_SMALL);
    EQUAL(length, 100);

    /* Progress of an older and of a newer program. */
    struct { smpfota_progress progress; uint32_t later[4]; } newer;
    memset(&newer, '#', sizeof newer);
    newer.progress.struct_size = sizeof newer;
    OK(smpfota_session_progress_get(handle, 0, &newer.progress));
    EQUAL(newer.progress.struct_size, sizeof newer);
    EQUAL(newer.progress.phase, SMPFOTA_PHASE_COMMAND);
    EQUAL(newer.later[0], 0x23232323);
    memset(&newer, '#', sizeof newer);
    newer.progress.struct_size = 16;
    OK(smpfota_session_progress_get(handle, 0, &newer.progress));
    EQUAL(newer.progress.phase, SMPFOTA_PHASE_COMMAND);
    EQUAL(newer.progress.bytes_total, 0x2323232323232323);
    newer.progress.struct_size = 0;
    STATUS(smpfota_session_progress_get(handle, 0, &newer.progress), SMPFOTA_STRUCT_SIZE);
    OK(smpfota_session_close(handle));

    /* Defaults for a newer program: what this library does not know is zero. */
    struct { smpfota_update_options options; uint32_t later[2], beyond; } update;
    memset(&update, '#', sizeof update);
    OK(smpfota_update_options_init(&update.options, sizeof update - sizeof update.beyond));
    EQUAL(update.options.struct_size, sizeof update - sizeof update.beyond);
    EQUAL(update.later[1], 0);
    EQUAL(update.beyond, 0x23232323);
    STATUS(smpfota_update_options_init(&update.options, 0), SMPFOTA_STRUCT_SIZE);
    STATUS(smpfota_update_options_init(&update.options, UINT32_MAX), SMPFOTA_STRUCT_SIZE);
    STATUS(smpfota_session_options_init(NULL, 4), SMPFOTA_NULL_POINTER);
    /* An image info that ends after the versions. */
    uintptr_t image = open_image("4.5.6", 1000, 1);
    smpfota_image_info info;
    memset(&info, '#', sizeof info);
    info.struct_size = (uint32_t)offsetof(smpfota_image_info, version_minor);
    OK(smpfota_image_info_get(image, 0, &info));
    EQUAL(info.version_major, 4);
    EQUAL(info.version_minor, 0x23232323);
    OK(smpfota_image_close(image));
}

int main(void) {
    handles_that_are_none();
    handles_that_were_doubles();
    pointers_that_are_null();
    buffers_that_are_too_small();
    numbers_outside_their_range();
    calls_in_the_wrong_order();
    files_that_are_no_image();
    structs_of_other_sizes();
    puts("every wrong call got its status");
    return 0;
}
