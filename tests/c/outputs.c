/* Every output at every capacity that matters: 0, 1, need - 1, need, need + 1. What does not fit says its need and changes nothing. */
#include <stddef.h>

#include "world.h"

static uintptr_t image, session, device, decoder, trace;

/* ---- One function per output; the buffer is of bytes, whatever the function calls it. ---- */

#define OUTPUT(name, ...) \
    static int32_t name(uint8_t *buffer, size_t capacity, size_t *length) { return __VA_ARGS__; }
#define TEXT ((char *)buffer), capacity, length
#define BYTES buffer, capacity, length

static const uint8_t FRAME[] = {1, 0, 0, 2, 0, 0, 7, 6, 0xbf, 0xff};

OUTPUT(version, smpfota_version(TEXT))
OUTPUT(status_name, smpfota_status_name(SMPFOTA_BUSY, TEXT))
OUTPUT(status_text, smpfota_status_text(SMPFOTA_BUSY, TEXT))
OUTPUT(unknown_status_text, smpfota_status_text(-399, TEXT))
OUTPUT(finding_name, smpfota_finding_name(SMPFOTA_FINDING_LINK_DROPS, TEXT))
OUTPUT(phase_name, smpfota_phase_name(SMPFOTA_PHASE_UPLOAD, TEXT))
OUTPUT(describe_image, smpfota_image_describe(image, TEXT))
OUTPUT(explain, smpfota_explain_frame(FRAME, sizeof FRAME, TEXT))
OUTPUT(encode, smpfota_serial_encode(FRAME, sizeof FRAME, BYTES))
OUTPUT(save, smpfota_session_save(session, BYTES))
OUTPUT(recording_text, smpfota_session_recording(session, SMPFOTA_RECORDING_TEXT, BYTES))
OUTPUT(recording_pcapng, smpfota_session_recording(session, SMPFOTA_RECORDING_PCAPNG, BYTES))
OUTPUT(result, smpfota_session_result(session, TEXT))
OUTPUT(failure, smpfota_session_failure(session, TEXT))
OUTPUT(event, smpfota_session_next_event(session, TEXT))
OUTPUT(decoded, smpfota_serial_decoder_next(decoder, BYTES))
OUTPUT(line, smpfota_trace_next_line(trace, TEXT))
OUTPUT(verdict, smpfota_trace_verdict(trace, TEXT))
OUTPUT(notification, smpfota_device_read(device, 60000, BYTES))
OUTPUT(describe_device, smpfota_device_describe(device, TEXT))
OUTPUT(made_image, smpfota_simulator_make_image("1.2.3", 5, 100, 1, BYTES))
OUTPUT(fault_name, smpfota_simulator_fault_name(1, TEXT))
OUTPUT(link_name, smpfota_simulator_link_name(1, TEXT))

typedef int32_t (*output)(uint8_t *buffer, size_t capacity, size_t *length);
enum { IS_TEXT = 1, IS_TAKEN = 2 };

/* A block of just `size` bytes, so that one byte beyond it is seen by valgrind and AddressSanitizer. */
static uint8_t *block(size_t size) {
    uint8_t *bytes = malloc(size + (size == 0));
    CHECK(bytes != NULL);
    memset(bytes, 0xa5, size);
    return bytes;
}

static void too_small(output call, size_t capacity, size_t need) {
    uint8_t *bytes = block(capacity);
    size_t length = 77;
    STATUS(call(bytes, capacity, &length), SMPFOTA_BUFFER_TOO_SMALL);
    EQUAL(length, need);
    for (size_t i = 0; i < capacity; i++) EQUAL(bytes[i], 0xa5);
    free(bytes);
}

static void fits(output call, size_t capacity, size_t need, int flags) {
    uint8_t *bytes = block(capacity);
    size_t length = 77;
    OK(call(bytes, capacity, &length));
    EQUAL(length, need);
    if (flags & IS_TEXT) CHECK(memchr(bytes, '\0', length) == NULL);
    for (size_t i = length; i < capacity; i++) EQUAL(bytes[i], flags & IS_TEXT && i == length ? 0 : 0xa5);
    free(bytes);
}

static void every_capacity(output call, int flags) {
    size_t need = 77;
    STATUS(call(NULL, 0, &need), SMPFOTA_BUFFER_TOO_SMALL);
    CHECK(need > 1);
    STATUS(call(NULL, 0, NULL), SMPFOTA_NULL_POINTER);
    STATUS(call(NULL, 1, &need), SMPFOTA_NULL_POINTER);
    too_small(call, 0, need);
    too_small(call, 1, need);
    too_small(call, need - 1, need);
    if (!(flags & IS_TAKEN)) fits(call, need, need, flags);
    fits(call, need + 3, need, flags);
}

/* ---- The sentence of a failed call: ended by a NUL within struct_size, and cut after a whole word. ---- */

static void sentences_end(void) {
    static const char NAME[] = "no_such_command";
    for (uint32_t size = 0; size <= sizeof(smpfota_error) + 8; size++) {
        uint8_t *bytes = block(size > 4 ? size : 4);
        memcpy(bytes, &size, sizeof size);
        smpfota_error *error = (smpfota_error *)(void *)bytes;
        int32_t status = smpfota_session_start_command(session, NAME, sizeof NAME - 1, NULL, 0, error);
        if (size < 24) {
            EQUAL(status, SMPFOTA_STRUCT_SIZE);
        } else {
            EQUAL(status, SMPFOTA_UNKNOWN_COMMAND);
            uint32_t length = 77;
            memcpy(&length, bytes + offsetof(smpfota_error, text_length), sizeof length);
            CHECK(length <= 487);
            if (size == 24) EQUAL(length, 0);
            if (size > 24) {
                const char *text = (const char *)bytes + 24;
                CHECK(length < size - 24);
                EQUAL(text[length], '\0');
                CHECK(memchr(text, '\0', length) == NULL);
            }
            for (uint32_t i = sizeof(smpfota_error); i < size; i++) EQUAL(bytes[i], 0xa5);
        }
        free(bytes);
    }
    smpfota_error error = no_error();
    STATUS(smpfota_session_start_command(session, NAME, sizeof NAME - 1, NULL, 0, &error), SMPFOTA_UNKNOWN_COMMAND);
    EQUAL(strlen((const char *)error.text), error.text_length);
    expect_words((const char *)error.text, NAME);
}

/* ---- Which argument was wrong. ---- */

static void says(int32_t status, int32_t expected, const smpfota_error *error, const char *argument) {
    EQUAL(status, expected);
    EQUAL(error->status, expected);
    CHECK(error->text_length > 0 && strncmp((const char *)error->text, argument, strlen(argument)) == 0);
}

static void wrong_arguments_are_named(void) {
    uintptr_t handle = 0;
    smpfota_error error = no_error();
    const char bad[] = "caf\xe9.bin";
    says(smpfota_image_open_file(bad, sizeof bad - 1, &handle, &error), SMPFOTA_INVALID_ARGUMENT, &error, "path ");
    expect_words((const char *)error.text, "UTF-8");
    says(smpfota_image_open_file("x", 1, NULL, &error), SMPFOTA_NULL_POINTER, &error, "image ");
    says(smpfota_image_open_file(NULL, 1, &handle, &error), SMPFOTA_NULL_POINTER, &error, "path ");
    says(smpfota_image_open_bytes(NULL, 1, &handle, &error), SMPFOTA_NULL_POINTER, &error, "bytes ");
    says(smpfota_image_expect(session, 0, NULL, 0, "1.2.3", 5, &handle, &error), SMPFOTA_INVALID_HANDLE, &error, "image ");
    says(smpfota_image_expect(image, 0, NULL, 0, bad, sizeof bad - 1, &handle, &error), SMPFOTA_INVALID_ARGUMENT, &error, "version ");
    says(smpfota_image_expect(image, 0, NULL, 32, NULL, 0, &handle, &error), SMPFOTA_NULL_POINTER, &error, "hash ");
    says(smpfota_image_expect(image, 0, NULL, 0, "1.2.3", 5, NULL, &error), SMPFOTA_NULL_POINTER, &error, "expecting ");
    says(smpfota_session_open(NULL, NULL, &error), SMPFOTA_NULL_POINTER, &error, "session ");
    says(smpfota_session_start_update(session, session, NULL, &error), SMPFOTA_INVALID_HANDLE, &error, "image ");
    says(smpfota_session_start_update(image, image, NULL, &error), SMPFOTA_INVALID_HANDLE, &error, "session ");
    says(smpfota_session_start_check(image, image, NULL, &error), SMPFOTA_INVALID_HANDLE, &error, "session ");
    says(smpfota_session_start_command(session, NULL, 1, NULL, 0, &error), SMPFOTA_NULL_POINTER, &error, "name ");
    says(smpfota_session_start_command(session, "echo", 4, NULL, 1, &error), SMPFOTA_NULL_POINTER, &error, "arguments ");
    says(smpfota_session_start_command(image, "os_info", 7, NULL, 0, &error), SMPFOTA_INVALID_HANDLE, &error, "session ");
    says(smpfota_session_start_request(0, 0, 0, 6, NULL, 0, &error), SMPFOTA_INVALID_HANDLE, &error, "session ");
    says(smpfota_session_start_request(session, 0, 0, 6, NULL, 1, &error), SMPFOTA_NULL_POINTER, &error, "body ");
    says(smpfota_session_start_upload(session, "{}", 2, NULL, 1, &error), SMPFOTA_NULL_POINTER, &error, "content ");
    says(smpfota_session_record(0, 0, 0, &error), SMPFOTA_INVALID_HANDLE, &error, "session ");
    says(smpfota_session_restore(NULL, 1, 0, NULL, &handle, &error), SMPFOTA_NULL_POINTER, &error, "snapshot ");
    says(smpfota_session_restore(NULL, 0, 0, NULL, NULL, &error), SMPFOTA_NULL_POINTER, &error, "session ");
    says(smpfota_session_restore(FRAME, 1, session, NULL, &handle, &error), SMPFOTA_INVALID_HANDLE, &error, "image ");
    says(smpfota_device_open(NULL, NULL, &error), SMPFOTA_NULL_POINTER, &error, "device ");
    says(smpfota_device_install(device, NULL, 1, &error), SMPFOTA_NULL_POINTER, &error, "bytes ");
    says(smpfota_device_install(image, FRAME, 1, &error), SMPFOTA_INVALID_HANDLE, &error, "device ");
    EQUAL(handle, 0);
}

/* ---- next_frame and next_write want the bytes of one write at least, whatever the frame takes. ---- */

static void writes_at_every_capacity(void) {
    const size_t need = 244;
    for (size_t capacity = 0; capacity <= need + 1; capacity = capacity == 1 ? need - 1 : capacity + 1) {
        uint8_t *bytes = block(capacity);
        size_t length = 77;
        uint32_t delay = 77;
        int32_t wanted = capacity < need ? SMPFOTA_BUFFER_TOO_SMALL : SMPFOTA_OK;
        EQUAL(smpfota_session_next_write(session, 0, bytes, capacity, &length, &delay), wanted);
        if (wanted != SMPFOTA_OK) {
            EQUAL(length, need);
            EQUAL(delay, 77);
            EQUAL(smpfota_session_next_frame(session, 0, bytes, capacity, &length), wanted);
            for (size_t i = 0; i < capacity; i++) EQUAL(bytes[i], 0xa5);
        } else {
            OK(smpfota_device_write(device, 0, bytes, length));
            free(bytes);
            return;
        }
        free(bytes);
    }
}

int main(void) {
    image = open_image("1.1.0", 5000, 1);
    device = open_device(0, 0, 0, 1, 0);
    OK(smpfota_session_open(NULL, &session, NULL));
    OK(smpfota_serial_decoder_open(0, &decoder));
    OK(smpfota_trace_open(&trace));
    sentences_end();
    wrong_arguments_are_named();

    every_capacity(version, IS_TEXT);
    every_capacity(status_name, IS_TEXT);
    every_capacity(status_text, IS_TEXT);
    every_capacity(unknown_status_text, IS_TEXT);
    every_capacity(finding_name, IS_TEXT);
    every_capacity(phase_name, IS_TEXT);
    every_capacity(describe_image, IS_TEXT);
    every_capacity(describe_device, IS_TEXT);
    every_capacity(explain, IS_TEXT);
    every_capacity(fault_name, IS_TEXT);
    every_capacity(link_name, IS_TEXT);
    every_capacity(encode, 0);
    every_capacity(made_image, 0);

    uint8_t lines[64];
    size_t length = 0, taken = 0;
    OK(smpfota_serial_encode(FRAME, sizeof FRAME, lines, sizeof lines, &length));
    OK(smpfota_serial_decoder_feed(decoder, lines, length));
    every_capacity(decoded, IS_TAKEN);
    OK(smpfota_trace_feed(trace, (const uint8_t *)"01000002000007 06bfff\n", 22, &taken));
    every_capacity(verdict, IS_TEXT);
    every_capacity(line, IS_TEXT | IS_TAKEN);

    smpfota_error error = no_error();
    OK_OR_SAY(smpfota_session_record(session, 4096, 0, &error), error);
    OK(smpfota_session_start_request(session, SMPFOTA_OP_READ, 0, 6, NULL, 0, NULL));
    writes_at_every_capacity();
    every_capacity(save, 0);
    every_capacity(recording_text, 0);
    every_capacity(recording_pcapng, 0);
    every_capacity(notification, IS_TAKEN);
    OK(smpfota_session_cancel(session, 0));
    every_capacity(failure, IS_TEXT);

    world w = {.session = session, .device = device, .now = 60000, .controls_link = 1};
    OK(smpfota_session_start_request(session, SMPFOTA_OP_READ, 0, 6, NULL, 0, NULL));
    expect_end(&w, SMPFOTA_DONE);
    every_capacity(result, IS_TEXT);
    OK(smpfota_session_link(session, w.now, SMPFOTA_LINK_EVENT_DOWN, 0));
    every_capacity(event, IS_TEXT | IS_TAKEN);

    OK(smpfota_trace_close(trace));
    OK(smpfota_serial_decoder_close(decoder));
    OK(smpfota_session_close(session));
    OK(smpfota_device_close(device));
    OK(smpfota_image_close(image));
    puts("every output says its need and changes nothing");
    return 0;
}
