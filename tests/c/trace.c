/* A trace through the C ABI: fed in pieces, read line by line, judged; and every wrong call. */
#include "check.h"

#define MOST 65536

static char *read_file(const char *name, size_t *length) {
    FILE *file = fopen(name, "rb");
    if (file == NULL) FAIL("%s cannot be opened", name);
    char *bytes = malloc(MOST);
    CHECK(bytes != NULL);
    *length = fread(bytes, 1, MOST, file);
    fclose(file);
    return bytes;
}

/* All lines that wait; how many they are. */
static int lines(uintptr_t trace) {
    char small[8], line[MOST];
    size_t length = 0;
    int count = 0;
    for (;;) {
        int32_t status = smpfota_trace_next_line(trace, small, sizeof small, &length);
        if (status == SMPFOTA_EMPTY) return count;
        /* Every line is longer than that, and stays where it is. */
        EQUAL(status, SMPFOTA_BUFFER_TOO_SMALL);
        size_t need = length;
        OK(smpfota_trace_next_line(trace, line, sizeof line, &length));
        EQUAL(length, need);
        count++;
    }
}

static void the_seed_thread(const char *name) {
    size_t length = 0, at = 0, taken = 0;
    char *bytes = read_file(name, &length);
    uintptr_t trace = 0;
    OK(smpfota_trace_open(&trace));
    int count = 0;
    while (at < length) {
        size_t piece = length - at < 100 ? length - at : 100;
        OK(smpfota_trace_feed(trace, (const uint8_t *)bytes + at, piece, &taken));
        at += taken;
        count += lines(trace);
    }
    free(bytes);
    char verdict[MOST];
    STATUS(smpfota_trace_verdict(trace, verdict, 10, &length), SMPFOTA_BUFFER_TOO_SMALL);
    size_t need = length;
    OK(smpfota_trace_verdict(trace, verdict, sizeof verdict - 1, &length));
    EQUAL(length, need);
    verdict[length] = 0;
    count += lines(trace);
    EQUAL(count, 8);
    CHECK(strstr(verdict, "\"cause\":\"FIRST_FRAME_ONLY\"") != NULL);
    CHECK(strstr(verdict, "both 244 bytes long") != NULL);
    CHECK(strstr(verdict, "245 bytes") != NULL);
    STATUS(smpfota_trace_feed(trace, (const uint8_t *)"x", 1, &taken), SMPFOTA_WRONG_STATE);
    OK(smpfota_trace_close(trace));
}

/* Who reads no line is told that nothing more is taken. */
static void lines_that_nobody_reads(void) {
    uintptr_t trace = 0;
    OK(smpfota_trace_open(&trace));
    const char line[] = "<- 0300000d00010701bf62726300636f666619017eff\n";
    size_t taken = 0, fed = 0;
    for (int i = 0; i < 1000; i++) {
        OK(smpfota_trace_feed(trace, (const uint8_t *)line, sizeof line - 1, &taken));
        if (taken == 0) break;
        fed += taken;
    }
    CHECK(taken == 0 && fed > 10 * sizeof line && fed < 500 * sizeof line);
    CHECK(lines(trace) > 10);
    OK(smpfota_trace_feed(trace, (const uint8_t *)line, sizeof line - 1, &taken));
    CHECK(taken > 0);
    OK(smpfota_trace_close(trace));
}

static void wrong_calls(void) {
    uintptr_t trace = 0;
    uint8_t byte = 0;
    char text[4];
    size_t length = 77;
    STATUS(smpfota_trace_open(NULL), SMPFOTA_NULL_POINTER);
    const uintptr_t invented[] = {0, 1, (uintptr_t)-1, (uintptr_t)&wrong_calls};
    for (size_t i = 0; i < sizeof invented / sizeof *invented; i++) {
        STATUS(smpfota_trace_feed(invented[i], &byte, 1, &length), SMPFOTA_INVALID_HANDLE);
        STATUS(smpfota_trace_next_line(invented[i], text, sizeof text, &length), SMPFOTA_INVALID_HANDLE);
        STATUS(smpfota_trace_verdict(invented[i], text, sizeof text, &length), SMPFOTA_INVALID_HANDLE);
        STATUS(smpfota_trace_close(invented[i]), SMPFOTA_INVALID_HANDLE);
    }
    EQUAL(length, 77);
    OK(smpfota_trace_open(&trace));
    STATUS(smpfota_trace_feed(trace, NULL, 1, &length), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_trace_feed(trace, &byte, 1, NULL), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_trace_next_line(trace, text, sizeof text, NULL), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_trace_verdict(trace, NULL, 1, &length), SMPFOTA_NULL_POINTER);
    STATUS(smpfota_trace_next_line(trace, text, sizeof text, &length), SMPFOTA_EMPTY);
    STATUS(smpfota_session_close(trace), SMPFOTA_INVALID_HANDLE);
    OK(smpfota_trace_close(trace));
    STATUS(smpfota_trace_close(trace), SMPFOTA_INVALID_HANDLE);
}

/* A session that records itself: read whole, taken out bit by bit, explained. */
static void a_recording(void) {
    uintptr_t session = 0, trace = 0;
    smpfota_error error = {.struct_size = sizeof error};
    uint8_t frame[300], whole[4096], part[200];
    char verdict[MOST];
    size_t length = 0, all = 0, at = 0;
    OK(smpfota_session_open(NULL, &session, &error));
    STATUS(smpfota_session_recording(session, SMPFOTA_RECORDING_TEXT, whole, sizeof whole, &length), SMPFOTA_WRONG_STATE);
    STATUS(smpfota_session_drain_recording(session, SMPFOTA_RECORDING_TEXT, whole, sizeof whole, &length), SMPFOTA_WRONG_STATE);
    STATUS(smpfota_session_record(session, 10, 0, &error), SMPFOTA_INVALID_ARGUMENT);
    STATUS(smpfota_session_record(session, 4096, 2, &error), SMPFOTA_INVALID_ARGUMENT);
    STATUS(smpfota_session_record(0, 4096, 0, NULL), SMPFOTA_INVALID_HANDLE);
    OK(smpfota_session_record(session, 4096, SMPFOTA_RECORD_HEADERS_ONLY, NULL));
    OK(smpfota_session_start_command(session, "image_list", 10, NULL, 0, &error));
    OK(smpfota_session_next_frame(session, 7, frame, sizeof frame, &length));
    STATUS(smpfota_session_recording(session, 2, whole, sizeof whole, &all), SMPFOTA_INVALID_ARGUMENT);
    STATUS(smpfota_session_recording(session, SMPFOTA_RECORDING_TEXT, NULL, 0, &all), SMPFOTA_BUFFER_TOO_SMALL);
    length = 0;
    OK(smpfota_session_recording(session, SMPFOTA_RECORDING_TEXT, whole, all, &length));
    EQUAL(length, all);
    STATUS(smpfota_session_drain_recording(session, SMPFOTA_RECORDING_TEXT, part, 5, &length), SMPFOTA_BUFFER_TOO_SMALL);
    CHECK(length > 5);
    while (smpfota_session_drain_recording(session, SMPFOTA_RECORDING_TEXT, part, length, &length) == SMPFOTA_OK) {
        CHECK(memcmp(whole + at, part, length) == 0);
        at += length;
        length = sizeof part;
    }
    EQUAL(at, all);
    OK(smpfota_trace_open(&trace));
    OK(smpfota_trace_feed(trace, whole, all, &length));
    EQUAL(length, all);
    OK(smpfota_trace_verdict(trace, verdict, sizeof verdict, &length));
    CHECK(strstr(verdict, "\"requests\":1,") != NULL);
    OK(smpfota_trace_close(trace));
    OK(smpfota_session_close(session));
}

int main(void) {
    /* tests/c/run.sh says where the traces are. */
    const char *traces = getenv("SMPFOTA_TRACES");
    char name[1024];
    CHECK(traces != NULL);
    snprintf(name, sizeof name, "%s/seed-thread.txt", traces);
    wrong_calls();
    lines_that_nobody_reads();
    the_seed_thread(name);
    a_recording();
    return 0;
}
