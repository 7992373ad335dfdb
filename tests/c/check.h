/* The checks of the C tests: the first one that fails says where and ends the program. */
#ifndef CHECK_H
#define CHECK_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <smpfota.h>

#define FAIL(...)                                             \
    do {                                                      \
        fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);       \
        fprintf(stderr, __VA_ARGS__);                         \
        fputc('\n', stderr);                                  \
        exit(1);                                              \
    } while (0)

#define CHECK(condition)                        \
    do {                                        \
        if (!(condition)) FAIL("%s", #condition); \
    } while (0)

/* Two integers are equal. */
#define EQUAL(actual, expected)                                                               \
    do {                                                                                      \
        long long actual_ = (long long)(actual), expected_ = (long long)(expected);           \
        if (actual_ != expected_) FAIL("%s is %lld, not %s (%lld)", #actual, actual_, #expected, expected_); \
    } while (0)

/* A call gave this status; otherwise both are named. */
#define STATUS(call, expected)                                                                 \
    do {                                                                                       \
        int32_t status_ = (call);                                                              \
        if (status_ != (expected)) {                                                           \
            char name_[40] = {0};                                                              \
            size_t length_ = 0;                                                                \
            (void)smpfota_status_name(status_, name_, sizeof name_ - 1, &length_);             \
            FAIL("%s gave %d %s, not %s", #call, (int)status_, name_, #expected);              \
        }                                                                                      \
    } while (0)

#define OK(call) STATUS(call, SMPFOTA_OK)

/* A whole text of the library, NUL-terminated; freed by the caller. */
typedef int32_t (*text_call)(uintptr_t handle, char *text, size_t capacity, size_t *length);

static inline char *text_of(text_call call, uintptr_t handle) {
    size_t length = 0, again = 0;
    STATUS(call(handle, NULL, 0, &length), SMPFOTA_BUFFER_TOO_SMALL);
    char *text = malloc(length + 1);
    CHECK(text != NULL);
    OK(call(handle, text, length, &again));
    EQUAL(again, length);
    text[length] = '\0';
    return text;
}

/* The text holds these words, or is shown. */
static inline void expect_words(const char *text, const char *words) {
    if (strstr(text, words) == NULL) FAIL("no %s in %s", words, text);
}

static inline smpfota_error no_error(void) {
    smpfota_error error;
    memset(&error, 0, sizeof error);
    error.struct_size = sizeof error;
    return error;
}

/* A call gave OK; otherwise its sentence is shown. `error` is the one that was handed to it. */
#define OK_OR_SAY(call, error)                                                                                  \
    do {                                                                                                        \
        int32_t said_ = (call);                                                                                 \
        if (said_ != SMPFOTA_OK)                                                                                \
            FAIL("%s gave %d: %.*s", #call, (int)said_, (int)(error).text_length, (const char *)(error).text);  \
    } while (0)

#endif
