/*
 * A real Zephyr behind a real MCUboot, in QEMU, over its console. Twice: once the new image resets before it is confirmed,
 * which is a revert and called one; once it is confirmed.
 *
 * SMPFOTA_QEMU_PORT   the console, a TCP port on 127.0.0.1; the device runs version 1.0.0
 * SMPFOTA_IMAGE_110   a signed image of version 1.1.0
 */
#define _POSIX_C_SOURCE 200809L
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

/* The exit code that run.sh takes for "skipped". */
enum { SKIPPED = 77 };

static int console;

static uint64_t now_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

static void open_console(const char *port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    console = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(console >= 0);
    if (connect(console, (struct sockaddr *)&address, sizeof address) != 0) FAIL("port %s: %s", port, strerror(errno));
}

static void write_console(const uint8_t *bytes, size_t length) {
    for (size_t sent = 0; sent < length;) {
        ssize_t now = send(console, bytes + sent, length - sent, MSG_NOSIGNAL);
        if (now < 0) FAIL("the console: %s", strerror(errno));
        sent += (size_t)now;
    }
}

/* Hands over what the device says until this time, or until it said something. */
static void listen_until(uintptr_t session, uint64_t until) {
    uint8_t bytes[4096];
    uint64_t now = now_ms();
    struct pollfd ready = {.fd = console, .events = POLLIN};
    int wait = until > now ? (int)(until - now > 10000 ? 10000 : until - now) : 0;
    if (poll(&ready, 1, wait) <= 0) return;
    ssize_t length = recv(console, bytes, sizeof bytes, 0);
    if (length <= 0) FAIL("the console was closed");
    OK(smpfota_session_feed(session, now_ms(), bytes, (size_t)length));
}

/* A reset that the session knows nothing of, as when the new image crashes. */
static void reset_behind_its_back(uintptr_t session) {
    const uint8_t reset[] = {2, 0, 0, 1, 0, 0, 0xee, 5, 0xa0};
    uint8_t lines[64];
    size_t length = 0;
    OK(smpfota_serial_encode(reset, sizeof reset, lines, sizeof lines, &length));
    write_console(lines, length);
    /* It answers, and resets a quarter of a second later. */
    for (uint64_t end = now_ms() + 2000; now_ms() < end;) listen_until(session, end);
}

static int32_t update(uintptr_t image, int crash) {
    smpfota_session_options options;
    OK(smpfota_session_options_init(&options, sizeof options));
    options.framing = SMPFOTA_FRAMING_SERIAL;
    options.max_frame = 250; /* this server says 384 and has no stack for as much */
    options.nonce = (uint32_t)now_ms();
    uintptr_t session = 0;
    smpfota_error error = no_error();
    OK_OR_SAY(smpfota_session_open(&options, &session, &error), error);
    smpfota_update_options update;
    OK(smpfota_update_options_init(&update, sizeof update));
    update.flags = SMPFOTA_UPDATE_HEALTH_CHECK | SMPFOTA_UPDATE_FORCE_UPLOAD;
    OK_OR_SAY(smpfota_session_start_update(session, image, &update, &error), error);
    uint64_t started = now_ms();
    int32_t status;
    for (;;) {
        uint8_t line[128];
        size_t length = 0;
        status = smpfota_session_next_frame(session, now_ms(), line, sizeof line, &length);
        if (status == SMPFOTA_OK) {
            write_console(line, length);
        } else if (status == SMPFOTA_HEALTH_CHECK) {
            if (crash) reset_behind_its_back(session);
            OK(smpfota_session_health(session, now_ms(), 1));
        } else if (status == SMPFOTA_WAIT || status == SMPFOTA_LINK_RESET) {
            uint64_t deadline = 0;
            OK(smpfota_session_deadline(session, &deadline));
            listen_until(session, deadline);
        } else {
            break;
        }
        if (now_ms() - started > 120000) FAIL("no end within two minutes");
    }
    if (status < 0) {
        OK(smpfota_session_error(session, &error));
        printf("%.*s\n", (int)error.text_length, (const char *)error.text);
    } else {
        char *text = text_of(smpfota_session_result, session);
        expect_words(text, "\"outcome\":\"updated\"");
        expect_words(text, "\"confirmed\":true");
        printf("%s\n", text);
        free(text);
    }
    printf("%.1f s\n", (double)(now_ms() - started) / 1000);
    OK(smpfota_session_close(session));
    return status;
}

int main(void) {
    const char *port = getenv("SMPFOTA_QEMU_PORT"), *path = getenv("SMPFOTA_IMAGE_110");
    if (port == NULL || path == NULL) {
        puts("SMPFOTA_QEMU_PORT and SMPFOTA_IMAGE_110 are not set");
        return SKIPPED;
    }
    uintptr_t image = 0;
    smpfota_error error = no_error();
    OK_OR_SAY(smpfota_image_open_file(path, strlen(path), &image, &error), error);
    open_console(port);
    EQUAL(update(image, 1), SMPFOTA_REVERTED);
    EQUAL(update(image, 0), SMPFOTA_DONE);
    close(console);
    OK(smpfota_image_close(image));
    puts("reverted, then updated and confirmed");
    return 0;
}
